"""Removing images: told to the log first, then their bytes, in an order that no crash can spoil.

A removal is planned in the database; ImageDeleted is published; when the table has let go of the
row, the bytes go, and the plan's line last. Whatever interrupts it, the next run goes on: events
have ids that follow from the plan, and removing bytes twice is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from operations.storing import Stores
from producers.publisher import Acknowledgement, Publisher, PublishError
from producers.storage import Storage, StorageUnavailable
from projections import removals
from projections.connections import Connection
from projections.read_your_writes import ReadTimeout, wait_for
from projections.removals import Removal
from schemas.events import DeletedEvent, ImageDeleted, new_event

PAGE = 500
SHOWN_WITHIN_S = 60.0
NAMESPACE = UUID("6b1a1f0e-8f52-5c1f-9d0c-3f0e2b6d7a41")
"""Of the ids of these events."""


@dataclass(slots=True)
class Removed:
    """What came of a run."""

    images: int = 0
    """Told, and gone from the table."""
    files: int = 0
    shared: int = 0
    """Files that stay, because other images are of the same URL."""
    elsewhere: int = 0
    """URLs that are none of the configured stores'."""
    stopped: str | None = None
    """Why it ended early; the next run goes on."""


class Remover:
    """Does what is planned in image_removals.

    ``projections`` are those that have to show it before any bytes go.
    """

    def __init__(
        self,
        connection: Connection[Any],
        publisher: Publisher,
        stores: Stores,
        topic: str,
        *,
        progress: Callable[[int], None] = lambda _: None,
        projections: Sequence[str] = ("table",),
    ) -> None:
        self._projections = projections
        self._connection = connection
        self._publisher = publisher
        self._stores: list[Storage] = [one for one in stores if one is not None]
        self._topic = topic
        self._progress = progress
        self.result = Removed()

    def run(self, erasure_id: int | None = None) -> Removed:
        """Remove all that is planned, or what belongs to an erasure.

        A store, a Kafka or a worker that does not answer ends it; ``result.stopped`` says so.
        """
        after = ""
        try:
            while page := removals.open_removals(self._connection, after, PAGE, erasure_id):
                self._remove(page)
                after = page[-1].request_id
                self._progress(len(page))
        except (StorageUnavailable, PublishError) as exc:
            self.result.stopped = str(exc)
        except ReadTimeout as exc:
            self.result.stopped = f"told, and the bytes stay for now: {exc}"
        return self.result

    def _remove(self, page: Sequence[Removal]) -> None:
        self._tell(page)
        ids = [one.request_id for one in page]
        there = removals.still_there(self._connection, ids)
        if there:
            # Set aside, say, or a worker of another topic: nothing is removed behind its back.
            raise ReadTimeout(f"the table still has {min(there)}; look at its dead letters")
        self._remove_files(url for one in page for url in one.files)
        removals.done(self._connection, ids)
        self.result.images += len(ids)

    def _tell(self, page: Sequence[Removal]) -> None:
        answers = [self._publisher.publish_async(deletion_of(one)) for one in page]
        last: dict[int, Acknowledgement] = {}
        for acknowledgement in (answer.result() for answer in answers):
            before = last.get(acknowledgement.partition)
            if before is None or before.offset < acknowledgement.offset:
                last[acknowledgement.partition] = acknowledgement
        for projection in self._projections:
            for one in last.values():
                place = one.position
                wait_for(self._connection, projection, self._topic, place, SHOWN_WITHIN_S)

    def _remove_files(self, urls: Iterable[str]) -> None:
        """Every store may have a copy: the fallback's stays for a while after a transfer."""
        places: dict[str, tuple[Storage, str]] = {}
        for url in set(urls):
            names = {name for store in self._stores if (name := store.filename_of(url))}
            if not names:
                self.result.elsewhere += 1
            places |= {
                store.url_of(name): (store, name) for name in names for store in self._stores
            }
        used = removals.still_used(self._connection, list(places))
        self.result.shared += len(used)
        for url, (store, name) in places.items():
            if url not in used:
                self.result.files += store.delete(name)


def deletion_of(removal: Removal) -> DeletedEvent:
    """The event that tells it; the very same one when it is told again."""
    data = ImageDeleted(
        request_id=removal.request_id,
        reason=removal.reason,  # type: ignore[arg-type]  # it was checked when it was planned
        deleted_by=removal.deleted_by,
    )
    key = f"{removal.request_id}\n{removal.planned_at.isoformat()}"
    event = new_event(data, time=removal.planned_at, event_id=str(uuid5(NAMESPACE, key)))
    assert isinstance(event, DeletedEvent)  # noqa: S101  # from its data
    return event
