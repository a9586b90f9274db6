"""The facts a health check goes by: who did something last, and when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from consumers.log import Contact


@dataclass(frozen=True, slots=True)
class PartitionVitals:
    """How one partition stands. Times are of the monotonic clock, in seconds."""

    next_offset: int
    end_offset: int | None
    still_since: float
    """When it last moved, or had nothing to do, or was started."""
    moved_at: float
    """When it last moved, or was started."""

    @property
    def lag(self) -> int:
        """Records between the position and the end, as far as is known."""
        return max(0, (self.end_offset or 0) - self.next_offset)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All facts at one moment."""

    now: float
    turned_at: float
    """When the poll loop last came round."""
    log_fault: tuple[float, str] | None
    """Since when the log has not answered, and what it said last."""
    contact: Contact
    joined_at: float
    """When it last was in the group."""
    busy_since: float | None
    """Since when the writer has been at the same claim or batch."""
    writer_fault: str | None
    """What the last try of it said."""
    ready: bool
    partitions: Mapping[int, PartitionVitals] = field(default_factory=dict)


class Vitals:
    """Written by the poller and the writer, read by the threads of the health server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        now = clock()
        self._facts = Snapshot(now, now, None, Contact(False, 0.0), now, None, None, False)
        self._partitions: dict[int, PartitionVitals] = {}

    def turned(self, contact: Contact, *, ready: bool) -> None:
        """The poll loop came round."""
        with self._lock:
            now = self._clock()
            joined_at = now if contact.joined else self._facts.joined_at
            self._facts = replace(
                self._facts, turned_at=now, contact=contact, joined_at=joined_at, ready=ready
            )

    def log_failed(self, reason: str) -> None:
        """The log did not answer."""
        with self._lock:
            since = self._facts.log_fault[0] if self._facts.log_fault else self._clock()
            self._facts = replace(self._facts, log_fault=(since, reason))

    def log_answered(self) -> None:
        """The log did."""
        with self._lock:
            if self._facts.log_fault:
                self._facts = replace(self._facts, log_fault=None)

    def writer_began(self) -> None:
        """The writer has a claim or a batch to do."""
        with self._lock:
            self._facts = replace(self._facts, busy_since=self._clock(), writer_fault=None)

    def writer_failed(self, reason: str) -> None:
        """A try failed and will be repeated."""
        with self._lock:
            self._facts = replace(self._facts, writer_fault=reason)

    def writer_ended(self) -> None:
        """The claim or batch is done with."""
        with self._lock:
            self._facts = replace(self._facts, busy_since=None, writer_fault=None)

    def started(self, positions: Mapping[int, int]) -> None:
        """These partitions are read from there on."""
        with self._lock:
            now = self._clock()
            for partition, position in positions.items():
                self._partitions[partition] = PartitionVitals(position, None, now, now)

    def gone(self, partitions: Collection[int]) -> None:
        """These partitions are not this worker's any more."""
        with self._lock:
            for partition in partitions:
                self._partitions.pop(partition, None)

    def moved(self, next_offsets: Mapping[int, int]) -> None:
        """These positions are committed."""
        with self._lock:
            now = self._clock()
            for partition, position in next_offsets.items():
                held = self._partitions.get(partition)
                if held is not None:
                    end = held.end_offset
                    self._partitions[partition] = PartitionVitals(position, end, now, now)

    def ends(self, end_offsets: Mapping[int, int]) -> None:
        """Where the log ends now."""
        with self._lock:
            now = self._clock()
            for partition, held in self._partitions.items():
                end = end_offsets.get(partition, held.end_offset)
                idle = end is not None and end <= held.next_offset
                since = now if idle else held.still_since
                self._partitions[partition] = replace(held, end_offset=end, still_since=since)

    def snapshot(self) -> Snapshot:
        """All facts, now."""
        with self._lock:
            return replace(self._facts, now=self._clock(), partitions=dict(self._partitions))
