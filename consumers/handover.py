"""What the poller and the writer thread share: who holds which partition, and the next batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from consumers.decoding import Draft

MAX_POLL_RECORDS = 1000
"""No more is asked of the log at once, so that a row of huge records cannot fill the memory."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon after a batch the next may begin. Times are in seconds."""

    per_record_s: float = 0.0001
    """For each record of the first: up to ten thousand records a second nobody waits, and with more
    each wait has the next batch become larger."""
    longest_s: float = 0.03


@dataclass(frozen=True, slots=True)
class Work:
    """What the writer has to do next, in this order; claims come before batches."""

    forget: frozenset[int]
    claim: bool
    draft: Draft | None


@dataclass(frozen=True, slots=True)
class News:
    """What the poller has to know."""

    granted: Mapping[int, int]
    """Partitions that are claimed and not yet read, and from where to read them."""
    fence_lost: bool
    """A batch met the fence; everything was dropped, no partition is held any more."""
    explained: bool
    """The fence was lost to a rebalance that this worker has seen since it took the batch."""


class Handover:
    """A slot that the poller fills and the writer empties whenever it is free.

    So batches are small when there is little to do and large when there is much, and neither
    thread waits for the other's timeouts. A batch costs as much as some hundred records in it, so
    near to what the machine can do the writer waits for some more (``pace``), unless the slot is
    full. A partition goes through four states: wanted (the group gave it), granted (the writer
    claimed it), live (the poller reads it), gone. Only records of live partitions are let in, and
    whoever drops a record also ends its partition's being live, so that what is handed over is
    without gaps.
    """

    def __init__(self, max_records: int, max_bytes: int, pace: Pace = Pace()) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._pace = pace
        self._earliest = 0.0
        self._changed = threading.Condition()
        self._slot = Draft()
        self._in_flight: Draft | None = None
        self._done: list[Draft] = []
        self._mean_bytes = 1.0
        self._wanted: dict[int, int] = {}
        self._granted: dict[int, int] = {}
        self._live: dict[int, int] = {}
        self._forget: set[int] = set()
        self._tickets = 0
        self._rebalances = 0
        self._taken_at = 0
        self._fence_lost = self._explained = False
        self._failure: BaseException | None = None
        self._stopping = False

    # --- for the poller ---

    def want(self, partitions: Collection[int]) -> None:
        """The group gave these partitions: the writer is to claim them."""
        with self._changed:
            for partition in partitions:
                self._tickets += 1
                self._wanted[partition] = self._tickets
            self._changed.notify_all()

    def revoke(self, partitions: Collection[int]) -> None:
        """The group took these partitions: what is not yet in the writer's hands is dropped."""
        with self._changed:
            self._rebalances += 1
            self._slot.drop(partitions)
            for partition in partitions:
                for state in (self._wanted, self._granted, self._live):
                    state.pop(partition, None)
            self._forget.update(partitions)
            self._changed.notify_all()

    def news(self) -> News:
        """What happened since the last call. Raises whatever ended the writer."""
        with self._changed:
            if self._failure is not None:
                raise self._failure
            lost, self._fence_lost = self._fence_lost, False
            return News(dict(self._granted), lost, self._explained)

    def started(self, positions: Mapping[int, int]) -> None:
        """The log reads these from there on: they are live, unless the fence was lost meanwhile."""
        with self._changed:
            for partition, position in positions.items():
                if self._granted.get(partition) == position:
                    del self._granted[partition]
                    self._live[partition] = position

    def add(self, draft: Draft) -> None:
        """Put records into the slot, but for those of partitions that are not live."""
        with self._changed:
            draft.drop([p for p in draft.next_offsets if p not in self._live])
            if draft.next_offsets:
                self._live |= draft.next_offsets
                self._slot.extend(draft)
                if draft.records:
                    self._mean_bytes += (draft.bytes / draft.records - self._mean_bytes) / 4
                self._changed.notify_all()
        self._free_done()

    def skip_gaps(self, positions: Mapping[int, int]) -> None:
        """Move on to where the log reads next, when it returned no record on the way there."""
        with self._changed:
            beyond = {p: n for p, n in positions.items() if n > self._live.get(p, n)}
            self._live |= beyond
            self._slot.next_offsets |= beyond
            if beyond:
                self._changed.notify_all()
        self._free_done()

    def _free_done(self) -> None:
        """Takes a while for thousands of events, in which nobody else should have to wait."""
        with self._changed:
            done, self._done = self._done, []
        done.clear()

    def room(self) -> int:
        """How many records may be asked of the log now; 0 when the slot is full."""
        with self._changed:
            return self._room()

    def await_room(self, timeout_s: float) -> bool:
        """Wait until the writer takes the slot; whether it did, or has other news."""
        with self._changed:
            return self._changed.wait_for(lambda: self._room() > 0 or self._has_news(), timeout_s)

    def await_taken(self, timeout_s: float) -> None:
        """Wait until the writer has taken what is in the slot, or has news; or for so long."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._slot.records or self._has_news() or self._stopping, timeout_s
            )

    def wanted(self) -> frozenset[int]:
        """The partitions that still have to be claimed."""
        with self._changed:
            return frozenset(self._wanted)

    def stop(self) -> None:
        """Give the writer nothing more; what is in the slot is dropped."""
        with self._changed:
            self._stopping = True
            self._slot = Draft()
            self._changed.notify_all()

    def oldest_ms(self) -> dict[int, int]:
        """Timestamp of the oldest record handed over and not yet done, by partition."""
        with self._changed:
            return self._slot.oldest_ms | (self._in_flight.oldest_ms if self._in_flight else {})

    # --- for the writer ---

    def next_work(self) -> Work | None:
        """Wait for something to do; None when there will be nothing more.

        What was given out before is done. It is the poller who frees it: the writer has the next
        batch to see to, for which the database is waiting.
        """
        with self._changed:
            if self._in_flight is not None:
                self._done.append(self._in_flight)
                self._in_flight = None
            while not self._has_work():
                self._changed.wait(self._pause_s() if self._slot.next_offsets else None)
            if self._stopping:
                return None
            forget, self._forget = frozenset(self._forget), set()
            if forget or self._wanted:
                return Work(forget, bool(self._wanted), None)
            self._in_flight, self._slot = self._slot, Draft()
            self._taken_at = self._rebalances
            pause_s = min(self._pace.longest_s, self._pace.per_record_s * self._in_flight.records)
            self._earliest = time.monotonic() + pause_s
            self._changed.notify_all()
            return Work(forget, False, self._in_flight)

    def tickets(self) -> dict[int, int]:
        """The partitions to claim now, each with the number of the request for it."""
        with self._changed:
            return {} if self._stopping else dict(self._wanted)

    def grant(self, tickets: Mapping[int, int], positions: Mapping[int, int]) -> None:
        """These were claimed; one that was revoked meanwhile does not count."""
        with self._changed:
            for partition, ticket in tickets.items():
                if self._wanted.get(partition) == ticket:
                    del self._wanted[partition]
                    self._granted[partition] = positions[partition]
                    self._forget.discard(partition)
            self._changed.notify_all()

    def lose_fence(self) -> None:
        """The batch in flight met the fence: nothing that is held can be trusted any more."""
        with self._changed:
            self._slot = Draft()
            self._granted.clear()
            self._live.clear()
            self._fence_lost = True
            self._explained = self._taken_at != self._rebalances
            self._changed.notify_all()

    def fail(self, failure: BaseException) -> None:
        """The writer ends for this reason."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    # --- under the lock ---

    def _room(self) -> int:
        records = self._max_records - self._slot.records
        by_bytes = (self._max_bytes - self._slot.bytes) / max(1.0, self._mean_bytes)
        if records <= 0 or self._slot.bytes >= self._max_bytes:
            return 0
        return max(1, min(records, MAX_POLL_RECORDS, int(by_bytes)))

    def _has_news(self) -> bool:
        return bool(self._granted) or self._fence_lost or self._failure is not None

    def _has_work(self) -> bool:
        if self._stopping or self._forget or self._wanted:
            return True
        return bool(self._slot.next_offsets) and (not self._room() or self._pause_s() <= 0)

    def _pause_s(self) -> float:
        return self._earliest - time.monotonic()
