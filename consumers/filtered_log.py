"""The log with some of its records left out, for reading only what is meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from consumers.log import LogReader, RecordBatches, TopicState
from schemas.record import Record


class FilteredLog:
    """A LogReader that leaves out what ``keep`` does not want; positions move on all the same."""

    def __init__(
        self, open_reader: Callable[[], LogReader], keep: Callable[[Record], bool]
    ) -> None:
        self._reader = open_reader()
        self._keep = keep

    def describe(self) -> TopicState:
        """See LogReader."""
        return self._reader.describe()

    def read(
        self, start: Mapping[int, int], end: Mapping[int, int], max_records: int = 5000
    ) -> RecordBatches:
        """See LogReader; a batch of which nothing is left is returned empty."""
        return _Batches(self._reader.read(start, end, max_records), self._keep)

    def close(self) -> None:
        """See LogReader."""
        self._reader.close()


class _Batches:
    def __init__(self, batches: RecordBatches, keep: Callable[[Record], bool]) -> None:
        self._batches = batches
        self._keep = keep

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> Sequence[Record]:
        return list(filter(self._keep, next(self._batches)))

    @property
    def positions(self) -> Mapping[int, int]:
        return self._batches.positions
