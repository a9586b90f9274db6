"""Reading given ranges of a Kafka topic, outside any group: LogReader on Kafka."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumers.kafka_fetcher import Fetcher
from consumers.kafka_topics import must_be_same, topic_id, topic_state
from consumers.log import LogError, LogUnavailable, OffsetOutOfRange, TopicState
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """How ranges are read."""

    stall_timeout_s: float = 30.0
    """So long may nothing arrive before LogUnavailable is raised."""
    partition_fetch_bytes: int = 2**16
    """What is fetched of a partition at once, or a batch if that is more; as it was produced."""


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
        log = self.describe()
        self._check(log, start, end)
        batches = KafkaRecordBatches(
            self._connection,
            self._topic,
            start=start,
            end=end,
            max_records=max_records,
            topic_id=log.topic_id,
            settings=self._settings,
        )
        self._open.append(batches)
        return batches

    def close(self) -> None:
        for batches in self._open:
            batches.close()
        self._open.clear()

    def _check(self, log: TopicState, start: Mapping[int, int], end: Mapping[int, int]) -> None:
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
        topic_id: str,
        settings: ReaderSettings,
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._topic_id = topic_id
        self._positions = dict(start)
        self._end = dict(end)
        self._max_records = max_records
        self._settings = settings
        self._unfinished = {number for number in start if start[number] < end[number]}
        self._fetcher: Fetcher | None = None
        self._same_topic = not self._unfinished
        if self._unfinished:
            self._fetcher = Fetcher(connection, topic, settings.partition_fetch_bytes)
            self._fetcher.start({number: start[number] for number in self._unfinished})

    def __iter__(self) -> KafkaRecordBatches:
        return self

    def __next__(self) -> Sequence[Record]:
        """Raises OffsetOutOfRange, LogUnavailable, LogError."""
        moved_at = time.monotonic()
        while self._fetcher is not None and self._unfinished:
            try:
                found, moved = self._poll(self._fetcher)
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
        if not self._same_topic and not self._unfinished:
            self._check_id()
        raise StopIteration

    @property
    def positions(self) -> Mapping[int, int]:
        return dict(self._positions)

    def close(self) -> None:
        """May be called twice."""
        fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None:
            fetcher.close()

    def _check_id(self) -> None:
        """Whether all was of one topic: librdkafka reads on in a new one of the same name."""
        now = topic_id(self._connection, self._topic)
        must_be_same(self._topic, now, self._topic_id)
        self._same_topic = True

    def _poll(self, fetcher: Fetcher) -> tuple[Sequence[Record], bool]:
        """What arrived of the range, and whether any position moved."""
        found = fetcher.poll(0.1, self._max_records)
        moved = done = False
        for number, position in fetcher.positions().items():
            at = min(position, self._end[number])
            moved = moved or at > self._positions[number]
            self._positions[number] = at
            if at == self._end[number]:
                self._unfinished.discard(number)
                fetcher.stop([number])
                done = True
        if done:
            # What stands behind the end has come with the last ones.
            end = self._end
            found = [record for record in found if record.offset < end[record.partition]]
        return found, moved
