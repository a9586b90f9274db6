"""What a worker needs of a log; Kafka and the in-memory log of the tests both have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.record import Record


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the group gave and took since it was last asked."""

    assigned: frozenset[int] = frozenset()
    revoked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Contact:
    """How a member stands with its group, for its health check."""

    joined: bool
    """Whether the group has given this member its share, which may be nothing."""
    silent_s: float
    """Seconds since a broker last answered; grows for as long as none can be reached."""


class GroupLog(Protocol):
    """A member of a consumer group on one topic. One thread uses it; no method commits offsets.

    A newly assigned partition is held back (paused, no record of it is returned) until
    ``start`` names the offset to read from: the position lives in Postgres, never in the group.
    """

    def poll(self, timeout_s: float, max_records: int) -> Sequence[Record]:
        """Up to max_records of the started, unpaused partitions; waits at most timeout_s for one.

        Keeps the membership alive. Raises LogUnavailable (retry), OffsetOutOfRange (fatal: the
        position is outside the log) and LogError (fatal).
        """
        ...

    def rebalanced(self) -> Assignment:
        """What was assigned and revoked since the last call. A lost partition counts as revoked."""
        ...

    def start(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from these offsets on (partition -> next offset)."""
        ...

    def pause(self) -> None:
        """Return no records from poll, which still keeps the membership alive."""
        ...

    def resume(self) -> None:
        """Undo pause."""
        ...

    def rejoin(self) -> None:
        """Leave the group and join again, after a fence was lost."""
        ...

    def end_offsets(self) -> Mapping[int, int]:
        """The next offset that will be written, for each partition held now (may lag by a poll)."""
        ...

    def positions(self) -> Mapping[int, int]:
        """The offset that poll reads next, for each started partition.

        Beyond all that poll has returned, and beyond what is no record (control records, what
        compaction took), so that it equals the end offset when there is nothing more to read.
        """
        ...

    def contact(self) -> Contact:
        """Whether the group is joined and its brokers answer. Never waits."""
        ...

    def close(self) -> None:
        """Leave the group, at once and without waiting for a timeout. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is now: its id (another when it was recreated) and its partitions' bounds."""

    topic: str
    topic_id: str
    begin: Mapping[int, int]
    end: Mapping[int, int]


class LogReader(Protocol):
    """Reads given ranges of a topic, outside any group: replay, rebuild, explain, tests."""

    def describe(self) -> TopicState:
        """The topic now. Raises TopicMissing, LogUnavailable."""
        ...

    def read(
        self, start: Mapping[int, int], end: Mapping[int, int], max_records: int = 5000
    ) -> RecordBatches:
        """The records from start[p] up to, not including, end[p], in batches.

        Ends when the position has reached ``end`` (gaps of control records and compaction
        included). Raises OffsetOutOfRange, LogUnavailable.
        """
        ...

    def close(self) -> None: ...


class RecordBatches(Protocol):
    """An iterator of batches that also knows how far it has come."""

    def __iter__(self) -> RecordBatches: ...

    def __next__(self) -> Sequence[Record]: ...

    @property
    def positions(self) -> Mapping[int, int]:
        """Next offset for each partition, after the batch that was returned last."""
        ...


class LogError(Exception):
    """The log cannot be read; retrying will not help."""


class LogUnavailable(LogError):
    """The log does not answer; retry."""


class TopicMissing(LogError):
    """The topic does not exist."""


class OffsetOutOfRange(LogError):
    """A position is outside the log: retention ate unread events, or the topic was recreated."""
