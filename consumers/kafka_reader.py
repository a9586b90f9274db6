"""Reading given ranges of a Kafka topic, outside any group: LogReader on kafka-python."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumers.kafka_client import Consumer, TopicPartition, records, translated
from consumers.kafka_topics import topic_state
from consumers.log import LogError, LogUnavailable, OffsetOutOfRange, TopicState
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """How ranges are read."""

    connect_timeout_s: float = 10.0
    stall_timeout_s: float = 30.0
    """So long may nothing arrive before LogUnavailable is raised."""
    partition_fetch_bytes: int = 2**20
    """What is fetched ahead of each partition, at most; compressed, as it was produced."""


class KafkaLogReader:
    """LogReader on a Kafka topic. Opens nothing before it is used, so that it can be pickled."""

    def __init__(
        self, connection: KafkaConnection, topic: str, settings: ReaderSettings = ReaderSettings()
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._settings = settings
        self._open: list[KafkaRecordBatches] = []

    def describe(self) -> TopicState:
        """The ends are those of what can be read: before the first open transaction."""
        return topic_state(self._connection, self._topic)

    def read(
        self, start: Mapping[int, int], end: Mapping[int, int], max_records: int = 5000
    ) -> KafkaRecordBatches:
        """Each call has its own connection; it ends with the range, or with ``close``."""
        missing = start.keys() ^ end.keys()
        if missing:
            raise ValueError(f"partitions {sorted(missing)} have only one bound")
        self._check(start, end)
        batches = KafkaRecordBatches(
            self._connection,
            self._topic,
            start=start,
            end=end,
            max_records=max_records,
            settings=self._settings,
        )
        self._open.append(batches)
        return batches

    def close(self) -> None:
        for batches in self._open:
            batches.close()
        self._open.clear()

    def _check(self, start: Mapping[int, int], end: Mapping[int, int]) -> None:
        log = self.describe()
        for number, first in start.items():
            if number not in log.begin:
                raise OffsetOutOfRange(f"topic {self._topic} has no partition {number}")
            begin, last = log.begin[number], log.end[number]
            if first < end[number] and not begin <= first <= end[number] <= last:
                raise OffsetOutOfRange(
                    f"partition {number} of topic {self._topic}: {first} to {end[number]} is asked"
                    f" for, the log has {begin} to {last}"
                )


class KafkaRecordBatches:
    """RecordBatches of a range. Also an iterator that can be closed before its end."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        *,
        start: Mapping[int, int],
        end: Mapping[int, int],
        max_records: int,
        settings: ReaderSettings,
    ) -> None:
        self._topic = topic
        self._positions = dict(start)
        self._end = dict(end)
        self._max_records = max_records
        self._settings = settings
        self._unfinished = {number for number in start if start[number] < end[number]}
        self._consumer: Consumer | None = None
        if self._unfinished:
            self._consumer = self._opened(connection)

    def __iter__(self) -> KafkaRecordBatches:
        return self

    def __next__(self) -> Sequence[Record]:
        """Raises OffsetOutOfRange, LogUnavailable, LogError."""
        moved_at = time.monotonic()
        while self._consumer is not None and self._unfinished:
            try:
                found, moved = self._poll(self._consumer)
            except LogError:
                self.close()
                raise
            if found:
                return found
            now = time.monotonic()
            moved_at = now if moved else moved_at
            if now - moved_at > self._settings.stall_timeout_s:
                self.close()
                stalled = f"{self._settings.stall_timeout_s:g} s"
                raise LogUnavailable(f"nothing of topic {self._topic} arrived for {stalled}")
        self.close()
        raise StopIteration

    @property
    def positions(self) -> Mapping[int, int]:
        return dict(self._positions)

    def close(self) -> None:
        """May be called twice."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close(1.0)

    def _opened(self, connection: KafkaConnection) -> Consumer:
        settings = self._settings
        with translated():
            consumer = Consumer(
                connection,
                settings.connect_timeout_s,
                max_partition_fetch_bytes=settings.partition_fetch_bytes,
                fetch_max_bytes=8 * settings.partition_fetch_bytes,
            )
            consumer.kafka.assign(self._places(self._unfinished))
            for place in self._places(self._unfinished):
                consumer.kafka.seek(place, self._positions[place.partition])
        return consumer

    def _poll(self, consumer: Consumer) -> tuple[Sequence[Record], bool]:
        """What arrived of the range, and whether any position moved."""
        with translated():
            fetched = consumer.kafka.poll(100, self._max_records)
            moved = self._advance(consumer)
        inside = {place: self._inside(place.partition, of) for place, of in fetched.items()}
        return records(inside), moved

    def _advance(self, consumer: Consumer) -> bool:
        """Note how far the consumer has come, past gaps too, and stop what has reached its end."""
        moved = False
        for place in self._places(sorted(self._unfinished)):
            number = place.partition
            position = min(consumer.kafka.position(place, timeout_ms=0), self._end[number])
            moved = moved or position > self._positions[number]
            self._positions[number] = position
            if position == self._end[number]:
                self._unfinished.discard(number)
                consumer.kafka.pause(place)
        return moved

    def _inside(self, partition: int, found: list[Record]) -> list[Record]:
        """A partition's, without those behind the end, which come with the last batch."""
        end = self._end[partition]
        if found and found[-1].offset >= end:
            return [record for record in found if record.offset < end]
        return found

    def _places(self, numbers: Collection[int]) -> list[Any]:
        return [TopicPartition(self._topic, number) for number in numbers]
