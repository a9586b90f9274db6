"""The log as it was at a time: what was appended later is passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from consumers.log import LogReader, RecordBatches, TopicState
from schemas.record import Record


class LogAsOf:
    """A LogReader that leaves out records with a later timestamp than ``until_ms``.

    ``until_ms`` is in milliseconds since 1970. A record's timestamp is its producer's, from when it
    was sent; the event inside may be far older (a backfill), and was in no table until then.
    """

    def __init__(self, open_reader: Callable[[], LogReader], until_ms: int) -> None:
        self._reader = open_reader()
        self._until_ms = until_ms

    def describe(self) -> TopicState:
        """See LogReader."""
        return self._reader.describe()

    def read(
        self, start: Mapping[int, int], end: Mapping[int, int], max_records: int = 5000
    ) -> RecordBatches:
        """See LogReader; a batch of which nothing is left is returned empty."""
        return _Batches(self._reader.read(start, end, max_records), self._until_ms)

    def close(self) -> None:
        """See LogReader."""
        self._reader.close()


class _Batches:
    def __init__(self, batches: RecordBatches, until_ms: int) -> None:
        self._batches = batches
        self._until_ms = until_ms

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> Sequence[Record]:
        return [one for one in next(self._batches) if one.timestamp_ms <= self._until_ms]

    @property
    def positions(self) -> Mapping[int, int]:
        return self._batches.positions
