"""A topic in memory: partitions with offsets, gaps, retention; it can be recreated or go away."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from consumers.log import LogUnavailable, OffsetOutOfRange, TopicMissing, TopicState
from schemas.codec import HEADERS
from schemas.partitioning import home_partition
from schemas.record import Position, Record


@dataclass
class MemoryPartition:
    """Records in the order of their offsets, which may leave gaps."""

    records: list[Record] = field(default_factory=list)
    begin: int = 0
    end: int = 0


class MemoryTopic:
    """All threads may use it; ``changed`` is notified of whatever happens to it."""

    def __init__(self, name: str = "events", partitions: int = 6) -> None:
        self.name = name
        self.changed = threading.Condition()
        self.exists = True
        self.available = True
        self.topic_id = str(uuid.uuid4())
        self.partitions = [MemoryPartition() for _ in range(partitions)]

    def append(
        self,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        headers: tuple[tuple[str, bytes], ...] = HEADERS,
    ) -> Position:
        """Write a record at the end of its partition."""
        with self.changed:
            if partition is None:
                partition = home_partition(key or b"", len(self.partitions))
            log = self.partitions[partition]
            now_ms = time.time_ns() // 1_000_000
            log.records.append(Record(self.name, partition, log.end, now_ms, key, value, headers))
            log.end += 1
            self.changed.notify_all()
            return Position(partition, log.end - 1)

    def skip(self, partition: int) -> None:
        """Use up an offset without a record, as a transaction's marker does."""
        with self.changed:
            self.partitions[partition].end += 1
            self.changed.notify_all()

    def forget_before(self, partition: int, offset: int) -> None:
        """Retention takes the records before ``offset``."""
        with self.changed:
            log = self.partitions[partition]
            log.records = [record for record in log.records if record.offset >= offset]
            log.begin = offset

    def add_partitions(self, total: int) -> None:
        """Enlarge it to so many."""
        with self.changed:
            while len(self.partitions) < total:
                self.partitions.append(MemoryPartition())
            self.changed.notify_all()

    def recreate(self) -> None:
        """Delete it and make it anew, under another id, empty."""
        with self.changed:
            self.topic_id = str(uuid.uuid4())
            self.partitions = [MemoryPartition() for _ in self.partitions]
            self.changed.notify_all()

    def set_available(self, available: bool) -> None:
        """Take the brokers away, or bring them back."""
        with self.changed:
            self.available = available
            self.changed.notify_all()

    def state(self) -> TopicState:
        """Raises TopicMissing, LogUnavailable."""
        with self.changed:
            if not self.available:
                raise LogUnavailable("no broker answers")
            if not self.exists:
                raise TopicMissing(f"topic {self.name} does not exist")
            return TopicState(
                self.name,
                self.topic_id,
                {number: log.begin for number, log in enumerate(self.partitions)},
                {number: log.end for number, log in enumerate(self.partitions)},
            )

    def read(self, partition: int, offset: int, max_records: int) -> tuple[list[Record], int]:
        """Records from there on, and the offset after them, past gaps. Raises OffsetOutOfRange."""
        log = self.partitions[partition]
        if not log.begin <= offset <= log.end:
            bounds = f"the log has {log.begin} to {log.end}"
            raise OffsetOutOfRange(f"partition {partition}: {offset}, {bounds}")
        found = [record for record in log.records if record.offset >= offset]
        if len(found) > max_records:
            return found[:max_records], found[max_records - 1].offset + 1 if max_records else offset
        return found, log.end

    def wait(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Wait until the condition holds, looked at whenever something changes."""
        with self.changed:
            self.changed.wait_for(condition, timeout_s)
