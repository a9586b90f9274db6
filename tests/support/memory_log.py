"""A log in memory, in the place of Kafka: groups with rebalances, readers, injected failures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from consumers.log import (
    Assignment,
    Contact,
    LogUnavailable,
    OffsetOutOfRange,
    RecordBatches,
    TopicMissing,
    TopicState,
)
from schemas.record import Record
from tests.support.memory_topic import MemoryTopic

__all__ = ["MemoryGroup", "MemoryGroupLog", "MemoryLogReader", "MemoryTopic"]


class MemoryGroup:
    """Hands out a topic's partitions, cooperatively: none has two owners that poll.

    A member learns of its share when it polls; a partition that is to move waits until its owner
    has learned that it is gone.
    """

    def __init__(self, topic: MemoryTopic) -> None:
        self.topic = topic
        self.members: list[MemoryGroupLog] = []
        self._owners: dict[int, MemoryGroupLog] = {}

    def join(self, member: MemoryGroupLog) -> None:
        """A member polls."""
        if member not in self.members:
            self.members.append(member)
            self.topic.changed.notify_all()

    def leave(self, member: MemoryGroupLog) -> None:
        """A member says goodbye, or its session timed out: its partitions are free at once.

        When it did not say so itself, it is a zombie that learns of it at its next poll.
        """
        with self.topic.changed:
            if member in self.members:
                self.members.remove(member)
            self._owners = {p: owner for p, owner in self._owners.items() if owner is not member}
            self.topic.changed.notify_all()

    def share(self, member: MemoryGroupLog) -> set[int]:
        """What the member has from now on."""
        targets = self._targets()
        for partition, target in targets.items():
            owner = self._owners.get(partition)
            if owner is member and target is not member:
                del self._owners[partition]
                self.topic.changed.notify_all()
            elif owner is None and target is member:
                self._owners[partition] = member
        return {partition for partition, owner in self._owners.items() if owner is member}

    def settled(self) -> bool:
        """Whether every partition is where it belongs."""
        return self._owners == self._targets()

    def _targets(self) -> dict[int, MemoryGroupLog]:
        """An even share for each, with as few moves as possible."""
        numbers = range(len(self.topic.partitions)) if self.topic.exists else range(0)
        quotas = {
            member: len(numbers) // len(self.members) + (n < len(numbers) % len(self.members))
            for n, member in enumerate(self.members)
        }
        targets = {}
        for number in numbers:
            owner = self._owners.get(number)
            if owner is not None and quotas.get(owner, 0):
                targets[number] = owner
                quotas[owner] -= 1
        for number in numbers:
            if number not in targets and any(quotas.values()):
                member = next(member for member, quota in quotas.items() if quota)
                targets[number] = member
                quotas[member] -= 1
        return targets


class MemoryGroupLog:
    """GroupLog on a MemoryGroup. ``failures`` are raised by the next polls, one by each."""

    def __init__(
        self,
        group: MemoryGroup,
        *,
        topic_id: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._group = group
        self._topic = group.topic
        self._topic_id = topic_id
        self._clock = clock
        self._answered_at = clock()
        self._held: set[int] = set()
        self._told: set[int] = set()
        self._taken: set[int] = set()
        self._positions: dict[int, int] = {}
        self._paused = False
        self.failures: list[Exception] = []

    def poll(self, timeout_s: float, max_records: int) -> Sequence[Record]:
        if self.failures:
            raise self.failures.pop(0)
        with self._topic.changed:
            self._sync()
            deadline = self._clock() + timeout_s
            while not (found := self._fetch(max_records)):
                left = deadline - self._clock()
                if left <= 0 or not self._topic.changed.wait(left):
                    break
                self._sync()
            return found

    def rebalanced(self) -> Assignment:
        with self._topic.changed:
            revoked = frozenset(self._taken & self._told)
            assigned = frozenset(self._held - (self._told - revoked))
            self._told = set(self._held)
            self._taken.clear()
            return Assignment(assigned, revoked)

    def start(self, positions: Mapping[int, int]) -> None:
        with self._topic.changed:
            self._positions |= {p: offset for p, offset in positions.items() if p in self._held}

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def rejoin(self) -> None:
        self._group.leave(self)
        with self._topic.changed:
            self._lose(set(self._held))

    def end_offsets(self) -> Mapping[int, int]:
        with self._topic.changed:
            return {number: self._topic.partitions[number].end for number in self._held}

    def positions(self) -> Mapping[int, int]:
        return dict(self._positions)

    def contact(self) -> Contact:
        if self._topic.available:
            self._answered_at = self._clock()
        return Contact(self in self._group.members, self._clock() - self._answered_at)

    def close(self) -> None:
        self.rejoin()

    def _sync(self) -> None:
        """Take what the group gives, give what it takes."""
        if not self._topic.available:
            return
        if not self._topic.exists:
            raise TopicMissing(f"topic {self._topic.name} does not exist")
        if self._topic_id not in (None, self._topic.topic_id):
            raise OffsetOutOfRange(f"topic {self._topic.name} was recreated")
        if self not in self._group.members:
            self._lose(set(self._held))
            self._group.join(self)
        share = self._group.share(self)
        self._lose(self._held - share)
        self._held |= share

    def _lose(self, partitions: set[int]) -> None:
        self._held -= partitions
        self._taken |= partitions
        for partition in partitions:
            self._positions.pop(partition, None)

    def _fetch(self, max_records: int) -> list[Record]:
        found: list[Record] = []
        if self._paused or not self._topic.available:
            return found
        for partition in list(self._positions):
            offset = self._positions.pop(partition)
            records, after = self._topic.read(partition, offset, max_records - len(found))
            # Behind the others, so that each has its turn.
            self._positions[partition] = after if records or len(found) < max_records else offset
            found += records
        return found


class MemoryLogReader:
    """LogReader on a MemoryTopic."""

    def __init__(self, topic: MemoryTopic) -> None:
        self._topic = topic

    def describe(self) -> TopicState:
        return self._topic.state()

    def read(
        self, start: Mapping[int, int], end: Mapping[int, int], max_records: int = 5000
    ) -> RecordBatches:
        if start.keys() != end.keys():
            raise ValueError("each partition needs both bounds")
        log = self.describe()
        for partition, first in start.items():
            begin, last = log.begin.get(partition, 0), log.end.get(partition, -1)
            if first < end[partition] and not begin <= first <= end[partition] <= last:
                raise OffsetOutOfRange(f"partition {partition}: {first}, not in {begin} to {last}")
        return MemoryRecordBatches(self._topic, start, end, max_records)

    def close(self) -> None:
        """Nothing is open."""


class MemoryRecordBatches:
    """RecordBatches of a range of a MemoryTopic."""

    def __init__(
        self,
        topic: MemoryTopic,
        start: Mapping[int, int],
        end: Mapping[int, int],
        max_records: int,
    ) -> None:
        self._topic = topic
        self._positions = dict(start)
        self._end = end
        self._max_records = max_records

    def __iter__(self) -> MemoryRecordBatches:
        return self

    def __next__(self) -> Sequence[Record]:
        for partition, end in self._end.items():
            position = self._positions[partition]
            if position >= end:
                continue
            if not self._topic.available:
                raise LogUnavailable("no broker answers")
            found, after = self._topic.read(partition, position, self._max_records)
            self._positions[partition] = min(after, end)
            inside = [record for record in found if record.offset < end]
            if inside:
                return inside
        raise StopIteration

    @property
    def positions(self) -> Mapping[int, int]:
        return dict(self._positions)
