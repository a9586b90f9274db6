"""A web server's site without servers, and a client that asks it in the test's process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from psycopg_pool import ConnectionPool
from starlette.testclient import TestClient

from producers.publisher import Publisher
from producers.spool import Spool
from producers.spool_rows import SpoolLimits
from producers.spooling_publisher import SpoolingPublisher, SpoolingSettings
from producers.storage import LocalStorage
from projections.connections import Connection, connection_info, connector
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic
from web.app import create_app
from web.site import Site
from web.tokens import parse_tokens, token_table

HOST = "http://127.0.0.1:8080"
TOKENS = {
    "reader": "reader-token-0123456789",
    "bot": "bot-token-0123456789",
    "chart": "chart-token-0123456789",
    "boss": "boss-token-0123456789",
}
TABLE = (
    f"reader:read:{TOKENS['reader']},bot:ingest:{TOKENS['bot']},"
    f"chart:ingest@renderChart:{TOKENS['chart']},boss:read+operate:{TOKENS['boss']}"
)
NOWHERE = "postgresql://omega@127.0.0.1:1/omega"


def bearer(name: str) -> dict[str, str]:
    """The header of one of TOKENS."""
    return {"Authorization": f"Bearer {TOKENS[name]}"}


@contextmanager
def open_site(
    folder: Path,
    *,
    database_url: str | None = None,
    kafka: Publisher | None = None,
    topic: str = "events",
    spool_limits: SpoolLimits | None = None,
    **others: Any,
) -> Iterator[Site]:
    """A site over a topic in memory, or over ``kafka``; its reads fail without a database."""
    url = database_url or NOWHERE
    pool: ConnectionPool[Connection[Any]] = ConnectionPool(
        connection_info(url, "omega-web-test"),
        kwargs={"autocommit": True},
        min_size=0,
        max_size=4,
        timeout=2,
        open=database_url is not None,
    )
    spool = Spool(folder / "spool.db", spool_limits or SpoolLimits())
    publisher = SpoolingPublisher(
        spool, kafka or MemoryPublisher(MemoryTopic(topic, 6)), SpoolingSettings(deadline_s=1.0)
    )
    made = Site(
        topic=topic,
        pool=pool,
        connect=connector(url, "omega-web-test"),
        reader=_no_log,
        topic_state=_no_log,
        publisher=publisher,
        uploads=LocalStorage(folder / "uploads", f"{HOST}/uploads"),
        cache=folder / "cache",
        tokens=token_table(parse_tokens(TABLE)),
    )
    try:
        yield replace(made, **others)
    finally:
        publisher.close()
        pool.close()


def client_of(site: Site, *, as_: str | None = None) -> TestClient:
    """A client that asks ``site``, with the token of that name."""
    client = TestClient(create_app(site), base_url=HOST, follow_redirects=False)
    if as_ is not None:
        client.headers.update(bearer(as_))
    return client


def _no_log() -> NoReturn:
    raise AssertionError("this test has no log")
