"""The image service: the document's functions in one object, for those who write bots and tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from operations.pooling import open_pool
from operations.publishing import open_publisher
from operations.settings import load_settings
from operations.wiring import Ledger, open_ledger
from producers.publisher import (
    Acknowledgement,
    PublishUnavailable,
    Receipt,
    ReceiptPublisher,
    Spooled,
)
from projections import images
from projections.connections import Connection
from projections.images import GeneratedImageRecord
from projections.read_your_writes import wait_for
from schemas.events import Event, ImageFailed, ImageGenerated, new_event, uuid7

POOL_SIZE = 8
POOL_WAIT_S = 10.0


class Saved(NamedTuple):
    """An image in the log, or, while Kafka is away, in the spool."""

    receipt: Receipt
    record: GeneratedImageRecord | None
    """When it was waited for, and Kafka took the event."""

    @property
    def acknowledgement(self) -> Acknowledgement:
        """Kafka's. Raises PublishUnavailable while it has given none: the event is spooled."""
        if isinstance(self.receipt, Spooled):
            raise PublishUnavailable(f"event {self.receipt.event_id} waits: {self.receipt.reason}")
        return self.receipt


class ImageService:
    """Saves and reads images. All threads may use it; close it at the end.

    Everything that reads raises psycopg.Error when the database is away; everything that saves
    raises producers.publisher.PublishError.
    """

    def __init__(self, ledger: Ledger, publisher: ReceiptPublisher) -> None:
        self._ledger = ledger
        self._publisher = publisher
        url = ledger.servers.database_url
        self._pool = open_pool(
            url, "omega-image-service", least=0, most=POOL_SIZE, wait_s=POOL_WAIT_S
        )

    @classmethod
    def from_environment(cls) -> ImageService:
        """The service over the servers that the environment names, else the embedded ones."""
        ledger = open_ledger(load_settings())
        return cls(ledger, open_publisher(ledger))

    def save_generated_image(
        self,
        *,
        user_id: str,
        tool_name: str,
        prompt: str,
        storage_url: str = "",
        storage_provider: str | None = None,
        status: str = "success",
        error: str | None = None,
        request_id: str | None = None,
        created_at: datetime | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        wait: float | None = None,
        **fields: Any,
    ) -> Saved:
        """Publish what a tool made, or that it failed (``status`` other than success).

        ``fields`` are the document's others: username, model, size, quality, style, n, mime_type,
        bytes, sha256, message_id; error_code for a failure. Returns when the log has it, or, with
        ``wait`` in seconds, when the table has it; while Kafka is away, when it is spooled.
        Raises pydantic.ValidationError, PublishError, ReadTimeout.
        """
        request = {
            "request_id": request_id or str(uuid7()),
            "user_id": user_id,
            "tool_name": tool_name,
            "prompt": prompt,
            "tags": None if tags is None else tuple(tags),
            "metadata": None if metadata is None else dict(metadata),
            **fields,
        }
        data: ImageGenerated | ImageFailed
        if status == "success":
            storage = {"storage_url": storage_url, "storage_provider": storage_provider}
            data = ImageGenerated.model_validate(request | storage)
        else:
            data = ImageFailed.model_validate(request | {"error": error or status})
        return self.save(new_event(data, time=created_at), wait=wait)

    def save(self, event: Event, *, wait: float | None = None) -> Saved:
        """Publish an event; as save_generated_image."""
        receipt = self._publisher.publish(event)
        if wait is None or isinstance(receipt, Spooled):
            return Saved(receipt, None)
        self.wait_for(receipt, wait)
        with self._connection() as connection:
            found = images.get_image_of_request(connection, receipt.request_id)
        return Saved(receipt, found)

    def wait_for(self, acknowledgement: Acknowledgement, timeout_s: float) -> None:
        """Wait until the table has what was acknowledged. Raises ReadTimeout."""
        place = acknowledgement.position
        with self._ledger.connect("omega-image-waiter") as connection:
            wait_for(connection, "table", self._ledger.topic, place, timeout_s)

    def get_generated_image(self, image_id: int) -> GeneratedImageRecord | None:
        """See projections.images."""
        with self._connection() as connection:
            return images.get_generated_image(connection, image_id)

    def get_generated_image_metadata(self, image_id: int) -> GeneratedImageRecord | None:
        """See projections.images."""
        with self._connection() as connection:
            return images.get_generated_image_metadata(connection, image_id)

    def get_generated_image_count(self) -> int:
        """See projections.images."""
        with self._connection() as connection:
            return images.get_generated_image_count(connection)

    def list_generated_images(
        self, limit: int = images.DEFAULT_LIMIT, offset: int = 0
    ) -> list[GeneratedImageRecord]:
        """See projections.images."""
        with self._connection() as connection:
            return images.list_generated_images(connection, limit, offset)

    def list_generated_images_by_user(
        self, user_id: str, limit: int = images.DEFAULT_LIMIT, offset: int = 0
    ) -> list[GeneratedImageRecord]:
        """See projections.images."""
        with self._connection() as connection:
            return images.list_generated_images_by_user(connection, user_id, limit, offset)

    def list_generated_images_by_tool(
        self, tool_name: str, limit: int = images.DEFAULT_LIMIT, offset: int = 0
    ) -> list[GeneratedImageRecord]:
        """See projections.images."""
        with self._connection() as connection:
            return images.list_generated_images_by_tool(connection, tool_name, limit, offset)

    def list_failed_generated_images(
        self, limit: int = images.DEFAULT_LIMIT, offset: int = 0
    ) -> list[GeneratedImageRecord]:
        """See projections.images."""
        with self._connection() as connection:
            return images.list_failed_generated_images(connection, limit, offset)

    def close(self) -> None:
        """Wait for what is outstanding, and let go of the servers."""
        self._publisher.close()
        self._pool.close()

    def __enter__(self) -> ImageService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _connection(self) -> Iterator[Connection[Any]]:
        with self._pool.connection() as connection:
            yield connection
