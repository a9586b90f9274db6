"""Making events of rows that no event made, so that the table can be rebuilt from nothing.

What it decides by is in the table and in the log and nowhere else: a row whose event the table has
read has an event_id, and what the table has not read yet is looked up in the log. So a run that is
interrupted anywhere is gone on with by the next, and one that is repeated publishes nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from consumers.history import decoded_or_none
from consumers.log import LogReader
from operations.backfill_result import SAMPLES, Backfilled, Rejected
from operations.old_rows import SOURCE, NotCarried, event_of, is_success
from operations.pacing import Pace
from producers.data_urls import BrokenDataUrl, embedded, is_data_url
from producers.publisher import Acknowledgement, Publisher, PublishError, PublishRefused
from producers.storage import Storage, StorageRefused, StorageUnavailable, Stored, file_name
from producers.storage.wrapped import WrappedStorage
from projections.backfill import OldRow, OldRows, lettered, name_rows
from projections.connections import Connection
from schemas.events import Event
from schemas.limits import BYTE_LIMITS

PAGE = 1_000
IN_FLIGHT = 5_000
"""Events whose answers are waited for."""
MOST_URL = BYTE_LIMITS["storage_url"]


class Batch(NamedTuple):
    """What became of a page of rows."""

    rows: int
    events: Sequence[tuple[OldRow, Event]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where events and images go. Without a publisher nothing is changed anywhere."""

    topic: str
    storage: Storage
    publisher: Publisher | None
    prepare: Callable[[Collection[str]], None] = lambda _: None
    """Called with the users of each page before their events are published."""


class Pretended(WrappedStorage):
    """A store that takes everything and keeps nothing, for whoever only wants to know."""

    def put(self, data: bytes, filename: str, _: str) -> Stored:
        """Where it would lie."""
        digest = hashlib.sha256(data).hexdigest()
        return Stored(self.url_of(filename), self.provider, len(data), digest)


class Backfill:
    """One run over the rows that no event made."""

    def __init__(
        self,
        connection: Connection[Any],
        target: Target,
        already: Collection[str] = frozenset(),
        *,
        reject: Callable[[Rejected], None] = lambda _: None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._rows = OldRows(connection, MOST_URL)
        self._target = target
        self._already = already
        self._reject = reject
        self._progress = progress
        self._refusing = threading.Lock()
        self._waiting: deque[tuple[OldRow, Future[Acknowledgement]]] = deque()
        self.result = Backfilled()
        self.last: dict[int, Acknowledgement] = {}
        """The last event of each partition."""

    def run(self, limit: int | None = None, rate: float | None = None) -> Backfilled:
        """Publish so many events, or all.

        A store or a Kafka that does not answer ends it; ``result.stopped`` says so.
        """
        pace, batches = Pace(rate), self._batches(limit)
        # The database works on a page while Kafka takes the one before.
        with ThreadPoolExecutor(1, "backfill-rows") as rows:
            try:
                coming = rows.submit(next, batches, None)
                while (batch := coming.result()) is not None:
                    coming = rows.submit(next, batches, None)
                    self._publish(batch.events, pace)
                    self._progress(batch.rows)
                while self._waiting:
                    self._settle()
            except (StorageUnavailable, PublishError) as exc:
                self.result.stopped = str(exc)
                self._settle_what_is_left()
        return self.result

    def _batches(self, left: int | None) -> Iterator[Batch]:
        """What is to be published, page by page. Nobody else uses the connection meanwhile."""
        for page in self._rows.pages(PAGE):
            events = self._events(page, left)
            left = None if left is None else left - len(events)
            yield Batch(len(page), events)
            if left == 0:
                return

    def _events(self, page: Sequence[OldRow], most: int | None) -> list[tuple[OldRow, Event]]:
        """The events that are to be published now."""
        letters = lettered(self._connection, self._target.topic, page)
        events: list[tuple[OldRow, Event]] = []
        for row in page:
            if len(events) == most:
                break
            if row.event_id in self._already and row.id not in letters:
                self.result.already += 1
                continue
            try:
                events.append((row, self._event(row)))
            except (NotCarried, BrokenDataUrl, StorageRefused) as exc:
                self._refuse(row, str(exc))
        return self._without_letters(self._named(events), letters)

    def _event(self, row: OldRow) -> Event:
        if row.deleted:
            raise NotCarried("an event has deleted this request for good: delete the row, too")
        if row.taken:
            raise NotCarried(f"another row has the request id {row.event_id} that it would get")
        if not is_data_url(row.storage_url):
            if row.url_bytes > MOST_URL:
                raise NotCarried(f"storage_url: {row.url_bytes} bytes, limit {MOST_URL}")
            return self._told(*event_of(row))
        if not is_success(row):
            raise NotCarried(f"status {row.status!r}, but an image in its storage_url")
        image = embedded(self._rows.whole_url(row))
        row = row._replace(mime_type=image.mime_type)
        # Whether all the rest fits is known before anything is stored.
        nowhere = Stored("https://storage.invalid/x", "none", len(image.data), "0" * 64)
        event_of(row, nowhere)
        name = file_name(row.tool_name, row.name, image.mime_type)
        stored = self._target.storage.put(image.data, name, image.mime_type)
        self.result.stored += 1
        return self._told(*event_of(row, stored))

    def _told(self, event: Event, changes: Sequence[str]) -> Event:
        for what in changes:
            self.result.adapted[what] = self.result.adapted.get(what, 0) + 1
        return event

    def _named(self, events: list[tuple[OldRow, Event]]) -> list[tuple[OldRow, Event]]:
        """Rows without a request id get theirs before the log speaks of it."""
        nameless = {row.id for row, _ in events if row.request_id is None}
        if self._target.publisher is None:
            self.result.named += len(nameless)
            return events
        named = name_rows(self._connection, nameless)
        self.result.named += len(named)
        left = nameless - named
        for row, _ in events:
            if row.id in left:
                self._refuse(row, "it was changed meanwhile: run it again")
        return [(row, event) for row, event in events if row.id not in left]

    def _without_letters(
        self, events: list[tuple[OldRow, Event]], letters: Mapping[int, int]
    ) -> list[tuple[OldRow, Event]]:
        for row, _ in events:
            if row.id in letters:
                why = f"its event is dead letter {letters[row.id]}"
                self._refuse(row, f"{why}: omega-images dead-letters redrive {letters[row.id]}")
        return [(row, event) for row, event in events if row.id not in letters]

    def _publish(self, events: Sequence[tuple[OldRow, Event]], pace: Pace) -> None:
        publisher = self._target.publisher
        if publisher is None:
            self.result.published += len(events)
            return
        self._target.prepare({row.user_id for row, _ in events})
        for row, event in events:
            pace.wait()
            try:
                self._waiting.append((row, publisher.publish_async(event)))
            except PublishRefused as exc:
                self._refuse(row, str(exc))
            if len(self._waiting) > IN_FLIGHT:
                self._settle()

    def _settle(self) -> None:
        row, answer = self._waiting.popleft()
        try:
            acknowledgement = answer.result()
        except PublishRefused as exc:
            self._refuse(row, str(exc))
        else:
            self.result.published += 1
            self.last[acknowledgement.partition] = acknowledgement

    def _settle_what_is_left(self) -> None:
        while self._waiting:
            try:
                self._settle()
            except PublishError:
                continue

    def _refuse(self, row: OldRow, reason: str) -> None:
        rejected = Rejected(row.id, row.request_id, reason)
        with self._refusing:
            self.result.rejected += 1
            if len(self.result.samples) < SAMPLES:
                self.result.samples.append(rejected)
            self._reject(rejected)


def already_published(
    reader: LogReader, table: Mapping[int, int], progress: Callable[[int], None] = lambda _: None
) -> set[str]:
    """The ids of our events that the log has beyond the table's positions. Raises LogError."""
    state = reader.describe()
    start = {
        number: min(max(table.get(number, 0), begin), state.end[number])
        for number, begin in state.begin.items()
    }
    found, needle = set(), f'"{SOURCE}"'.encode()
    for records in reader.read(start, state.end):
        progress(len(records))
        for record in records:
            if needle in (record.value or b""):
                decoded = decoded_or_none(record)
                if decoded is not None and decoded.event.source == SOURCE:
                    found.add(decoded.event.id)
    return found
