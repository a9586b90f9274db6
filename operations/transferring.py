"""Moving images from the fallback to their provider, so that each has a place at every moment.

Copy, look at the copy, publish ImageMoved. What it decides by is in the table and in the stores
and nowhere else, so a run that is interrupted anywhere is gone on with by the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from producers.image_kind import mime_type_of
from producers.publisher import Acknowledgement, Publisher, PublishError, PublishRefused
from producers.storage import NotStored, Storage, StorageRefused, StorageUnavailable
from projections.connections import Connection
from projections.image_filters import Filters
from projections.image_search import list_page
from projections.images import GeneratedImageRecord
from schemas.errors import InvalidEvent
from schemas.events import ImageMoved, new_event

PAGE = 500


@dataclass(slots=True)
class Transferred:
    """What came of a run. Images are named by their request ids."""

    moved: int = 0
    bytes: int = 0
    deleted: int = 0
    """Old files that are gone."""
    kept: int = 0
    """Old files that stay although their images have moved: the new place has other bytes."""
    missing: list[str] = field(default_factory=list)
    """The fallback does not have the bytes that the row speaks of."""
    damaged: list[str] = field(default_factory=list)
    """It has others than the row speaks of; they are left where they are."""
    elsewhere: list[str] = field(default_factory=list)
    """Their URL is none of the fallback's, or their row was made by no event."""
    refused: list[str] = field(default_factory=list)
    """The provider will never take them."""
    stopped: str | None = None
    """Why it ended early; the next run goes on."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left that a person has to look at, or another run to do."""
        return not (self.missing or self.damaged or self.elsewhere or self.refused or self.stopped)


class Transfer:
    """One run over the images of the table that lie at the fallback."""

    def __init__(
        self,
        connection: Connection[Any],
        primary: Storage,
        fallback: Storage,
        publisher: Publisher,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._primary, self._fallback = primary, fallback
        self._publisher = publisher
        self._progress = progress
        self.result = Transferred()
        self.last: dict[int, Acknowledgement] = {}
        """The last move of each partition."""

    def move(self, limit: int | None = None) -> Transferred:
        """Move so many images, or all. The old bytes stay.

        A store or a Kafka that does not answer ends it; ``result.stopped`` says so.
        """
        try:
            for row in self._rows():
                if limit is not None and self.result.moved >= limit:
                    break
                self._one(row)
                self._progress(1)
        except (StorageUnavailable, PublishError) as exc:
            self.result.stopped = str(exc)
        return self.result

    def _rows(self) -> Iterator[GeneratedImageRecord]:
        """The newest first. Pages by key: what is moved meanwhile makes none be passed over."""
        wanted = Filters(status="success", storage_provider=self._fallback.provider)
        cursor = None
        while True:
            page = list_page(self._connection, wanted, cursor=cursor, limit=PAGE)
            yield from page.images
            cursor = page.next_cursor
            if cursor is None:
                return

    def _one(self, row: GeneratedImageRecord) -> None:
        filename = self._fallback.filename_of(row.storage_url)
        if filename is None or row.request_id is None or row.event_id is None:
            self.result.elsewhere.append(row.request_id or f"row {row.id}")
            return
        try:
            data = self._fallback.read(filename)
        except NotStored:
            self.result.missing.append(row.request_id)
            return
        if row.sha256 is not None and hashlib.sha256(data).hexdigest() != row.sha256:
            self.result.damaged.append(row.request_id)
            return
        try:
            self._publish(row.request_id, filename, data, row.mime_type or mime_type_of(data))
        except (StorageRefused, PublishRefused, InvalidEvent):
            self.result.refused.append(row.request_id)

    def _publish(self, request_id: str, filename: str, data: bytes, mime_type: str) -> None:
        """The event goes out only when the copy was read back, and is what it should be."""
        stored = self._primary.put(data, filename, mime_type)
        if hashlib.sha256(self._primary.read(filename)).hexdigest() != stored.sha256:
            raise StorageUnavailable(f"{stored.url} does not have the bytes that were stored there")
        moved = ImageMoved(
            request_id=request_id,
            storage_url=stored.url,
            storage_provider=stored.provider,
            mime_type=mime_type,
            bytes=stored.bytes,
            sha256=stored.sha256,
        )
        acknowledgement = self._publisher.publish(new_event(moved))
        self.last[acknowledgement.partition] = acknowledgement
        self.result.moved += 1
        self.result.bytes += stored.bytes
