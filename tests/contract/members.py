"""A group's member with a poll loop of its own, and a shared place where positions are kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from consumers.log import Assignment, GroupLog
from schemas.record import Record
from tests.support.waiting import eventually


class Positions:
    """What Postgres is to a worker: where each partition is read on from, and who owns it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.next_offsets: dict[int, int] = {}
        self.owners: dict[int, Member] = {}
        self.read: list[tuple[Member, Record]] = []


class Member:
    """Polls in a thread; records are taken only while the partition is the member's own."""

    def __init__(self, log: GroupLog, positions: Positions) -> None:
        self.log = log
        self.held: set[int] = set()
        self.error: BaseException | None = None
        self._positions = positions
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop and leave the group."""
        self._stop.set()
        self._thread.join(10)
        self.log.close()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                records = self.log.poll(0.1, 100)
                self._rebalance(self.log.rebalanced())
                self._take(records)
        except BaseException as exc:  # noqa: BLE001  the test looks at it
            self.error = exc

    def _rebalance(self, change: Assignment) -> None:
        self.held = (self.held - change.revoked) | change.assigned
        if change.assigned:
            store = self._positions
            with store.lock:
                store.owners |= dict.fromkeys(change.assigned, self)
                claimed = {p: store.next_offsets.get(p, 0) for p in change.assigned}
            self.log.start(claimed)

    def _take(self, records: list[Record] | object) -> None:
        assert isinstance(records, list | tuple)
        store = self._positions
        with store.lock:
            for record in records:
                if store.owners.get(record.partition) is not self:
                    continue
                expected = store.next_offsets.get(record.partition, 0)
                if record.offset == expected:
                    store.next_offsets[record.partition] = expected + 1
                    store.read.append((self, record))


@contextmanager
def members(*logs: GroupLog, positions: Positions) -> Iterator[list[Member]]:
    """Members with these logs; all have stopped when the block ends."""
    running = [Member(log, positions) for log in logs]
    try:
        yield running
    finally:
        for member in running:
            member.stop()
    for member in running:
        if member.error is not None:
            raise member.error


def shared_evenly(running: list[Member], partitions: int) -> bool:
    """Whether together they hold every partition once, and none much more than another."""
    shares = [len(member.held) for member in running]
    union = set().union(*(member.held for member in running))
    return len(union) == sum(shares) == partitions and max(shares) - min(shares) <= 1


def poll_until_assigned(log: GroupLog, partitions: int = 6) -> Assignment:
    """Poll until the log has all partitions; the changes, put together."""
    assigned: set[int] = set()
    revoked: set[int] = set()

    def all_assigned() -> bool:
        log.poll(0.05, 100)
        change = log.rebalanced()
        revoked.update(change.revoked)
        assigned.difference_update(change.revoked)
        assigned.update(change.assigned)
        return len(assigned) == partitions

    eventually(all_assigned, timeout_s=20, what="the assignment")
    return Assignment(frozenset(assigned), frozenset(revoked))


def poll_records(log: GroupLog, count: int, max_records: int = 100) -> list[Record]:
    """Poll until so many records have come."""
    found: list[Record] = []

    def enough() -> bool:
        batch = log.poll(0.1, max_records)
        assert len(batch) <= max_records
        found.extend(batch)
        return len(found) >= count

    eventually(enough, timeout_s=20, what=f"{count} records")
    return found
