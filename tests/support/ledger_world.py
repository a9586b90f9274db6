"""A ledger on real servers, with local storage and workers of both projections in threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from consumers.bulk_load import replay
from consumers.processor import Processor
from operations.publishing import open_direct_publisher
from operations.settings import Settings
from operations.storing import open_stores
from operations.wiring import PROJECTIONS, Ledger, servers
from producers.publisher import Acknowledgement
from producers.storage import Stored, file_name
from schemas.events import Event
from tests.support.builders import generated

PNG = b"\x89PNG\r\n\x1a\n"


class LedgerWorld:
    """What commands find, and what the test does beside them."""

    def __init__(self, settings: Settings, connection: Connection[Any]) -> None:
        self.settings, self.connection = settings, connection
        self.ledger = Ledger(settings, servers(settings))
        self.stores = open_stores(settings)
        self.store = self.stores.primary
        self.publisher = open_direct_publisher(self.ledger)

    def publish(self, event: Event) -> Acknowledgement:
        return self.publisher.publish(event)

    def image(self, request_id: str, data: bytes | None = None, **fields: Any) -> Stored:
        """Store an image and publish it."""
        name = file_name("generateUserImage", request_id, "image/png")
        stored = self.store.put(data or PNG + request_id.encode(), name, "image/png")
        place = {"storage_url": stored.url, "storage_provider": stored.provider}
        told: dict[str, Any] = {"bytes": stored.bytes, "sha256": stored.sha256} | place
        self.publish(generated(request_id, **(told | fields)))
        return stored

    def project(self, *names: str) -> None:
        """Bring the projections to the log's end."""
        for name in names or ("table", "stats"):
            owner = f"test-{name}"
            connect = self.ledger.connector(owner)
            processor = Processor(PROJECTIONS[name](), self.ledger.key(name), connect, owner)
            reader = self.ledger.reader()
            replay(reader, processor, self.ledger.topic_state().end)
            reader.close()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Workers that follow the log meanwhile."""
        stop = threading.Event()

        def follow(name: str) -> None:
            while not stop.wait(0.02):
                self.project(name)

        threads = [threading.Thread(target=follow, args=(name,)) for name in PROJECTIONS]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    @property
    def rows(self) -> list[str]:
        """The requests that have a row."""
        found = self.connection.execute("SELECT request_id FROM generated_images ORDER BY 1")
        return [row[0] for row in found]

    @property
    def files(self) -> list[str]:
        return [file.filename for file in self.store.list()]

    def values(self) -> bytes:
        """The whole log, as anybody can read it."""
        state = self.ledger.topic_state()
        reader = self.ledger.reader()
        try:
            batches = reader.read(state.begin, state.end)
            return b"\n".join(record.value or b"" for batch in batches for record in batch)
        finally:
            reader.close()

    def close(self) -> None:
        self.publisher.close()


@contextmanager
def ledger_world(
    variables: dict[str, str], connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[LedgerWorld]:
    """The world that the variables describe, which commands find in the environment."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    world = LedgerWorld(Settings(), connection)
    try:
        yield world
    finally:
        world.close()


def local_variables(kafka_server: str, topic: str, database_url: str, home: Path) -> dict[str, str]:
    """With images in a folder of ``home``."""
    return {
        "OMEGA_HOME": str(home),
        "OMEGA_KAFKA_BOOTSTRAP_SERVERS": kafka_server,
        "OMEGA_DATABASE_URL": database_url,
        "OMEGA_TOPIC": topic,
    }
