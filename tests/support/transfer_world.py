"""The table, the log and two stores, the first of them down: what a transfer starts from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg import Connection

from consumers.bulk_load import replay
from consumers.processor import Processor
from operations.settings import Settings
from operations.storing import open_stores
from operations.sweeping import Sweep
from operations.transferring import Transfer, Transferred
from operations.wiring import PROJECTIONS, Ledger, servers
from producers.kafka_publisher import KafkaPublisher
from producers.storage import StorageUnavailable, Stored, file_name
from producers.storage.fallback import FallbackStorage
from tests.support.builders import generated
from tests.support.github_server import GitHubServer

PNG = b"\x89PNG\r\n\x1a\n"
IMAGES = 12


class TransferWorld:
    """The servers, the stores, and what the test knows of the images."""

    def __init__(
        self, settings: Settings, connection: Connection[Any], server: GitHubServer
    ) -> None:
        self.settings, self.connection, self.server = settings, connection, server
        self.ledger = Ledger(settings, servers(settings))
        self.primary, local = open_stores(settings)
        assert local is not None
        self.local = local
        self.publisher = KafkaPublisher(self.ledger.servers.kafka, self.ledger.topic)
        self.images: dict[str, bytes] = {}

    def generate(self, count: int = IMAGES) -> None:
        """Images that the fallback takes, as the primary is down."""
        broken = FallbackStorage(Down(self.primary), self.local)
        for number in range(count):
            request_id = f"req-{number:02}"
            data = PNG + request_id.encode()
            name = file_name("generateUserImage", request_id, "image/png")
            self.publish(request_id, broken.put(data, name, "image/png"))
            self.images[request_id] = data
        self.project()

    def publish(self, request_id: str, stored: Stored, **fields: Any) -> None:
        place = {"storage_url": stored.url, "storage_provider": stored.provider}
        told: dict[str, Any] = {"bytes": stored.bytes, "sha256": stored.sha256} | place | fields
        self.publisher.publish(generated(request_id, **told))

    def project(self) -> None:
        owner = "test-table"
        table = PROJECTIONS["table"]()
        processor = Processor(table, self.ledger.key("table"), self.ledger.connector(owner), owner)
        replay(self.ledger.reader(), processor, self.ledger.topic_state().end)

    def transfer(self, publisher: Any = None) -> Transferred:
        work = Transfer(self.connection, self.primary, self.local, publisher or self.publisher)
        return work.move()

    def sweep(self, during: Callable[[], None] = lambda: None) -> tuple[int, int]:
        sweep = Sweep(self.connection, self.primary, self.local, lambda _: during())
        return sweep.remove(60.0)

    def places(self) -> dict[str, str]:
        rows = self.connection.execute("SELECT request_id, storage_url FROM generated_images")
        return {str(request_id): str(url) for request_id, url in rows.fetchall()}

    def judge(self) -> None:
        """Each image is where the table says, whole."""
        places = self.places()
        assert places.keys() == self.images.keys()
        for request_id, url in places.items():
            assert self.at(url) == self.images[request_id], request_id

    def at(self, url: str) -> bytes:
        store = self.primary if self.primary.filename_of(url) else self.local
        name = store.filename_of(url)
        assert name is not None, url
        return store.read(name)

    @property
    def old_files(self) -> int:
        return len(list(self.local.list()))

    @property
    def moved(self) -> int:
        return sum(self.primary.filename_of(url) is not None for url in self.places().values())


class Down:
    """A primary that is down."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def put(self, *_: object) -> Stored:
        raise StorageUnavailable("down")
