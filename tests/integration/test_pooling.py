"""The pool over a database that goes away and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from psycopg_pool import PoolTimeout

from operations.pooling import open_pool
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import eventually

pytestmark = pytest.mark.postgres

WAIT_S = 0.4


@pytest.fixture
def proxy(database_url: str) -> Iterator[TcpProxy]:
    parts = urlsplit(database_url)
    with TcpProxy(parts.hostname or "127.0.0.1", parts.port or 5432) as proxy:
        yield proxy


def test_a_database_that_is_back_is_found_at_once(database_url: str, proxy: TcpProxy) -> None:
    """And not after as long again as it was away."""
    parts = urlsplit(database_url)
    url = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{proxy.port}").geturl()
    with open_pool(url, "pool-test", least=1, most=2, wait_s=WAIT_S) as pool:

        def answers() -> bool:
            try:
                with pool.connection() as connection:
                    return connection.execute("SELECT 1").fetchone() == (1,)
            except PoolTimeout:
                return False

        assert answers()
        proxy.refuse()
        # Some tries of the pool fail, the later ones at longer intervals.
        assert [answers() for _ in range(8)] == [False] * 8
        proxy.accept()
        eventually(answers, timeout_s=3, what="the database")
