"""What a consumer and a projection say to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Struct
from psycopg import Connection

from schemas.compact import CompactEvent, read_record
from schemas.events import Event
from schemas.record import Record


class Decoded(Struct, gc=False):
    """A record of the log with the event that it decoded to."""

    record: Record
    held: Any
    """The event; None once it was let go, see PreparedBatch.let_go. It is ``event`` that is asked
    for, but by whoever has just decoded it: a call would cost a third of what is done with it."""

    @property
    def event(self) -> Event | CompactEvent:
        """The event, which is read again from the record if it was let go."""
        held: Event | CompactEvent | None = self.held
        if held is None:
            held = self.held = read_record(self.record)
        return held


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch changed, for metrics: counts of requests, and the requests in conflict."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    conflicts: tuple[str, ...] = ()

    def plus(self, other: Applied) -> Applied:
        """The counts of both."""
        return Applied(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.unchanged + other.unchanged,
            self.conflicts + other.conflicts,
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A batch as one statement, made of positions.ADVANCE_WITH, and its own parameters."""

    statement: str
    values: Mapping[str, Any]
    made: Applied
    """What it comes to, if it changes anything; it inserts only."""


class NeedExclusive(Exception):
    """The batch has to run alone: try it again from its start under the projection's lock.

    A transaction that writes a tombstone or a move for a request without a row finds nothing to
    lock, so another one that inserts this row at the same time would not be noticed.
    """


class Prepared(Protocol):
    """What can be made of events before the database is asked."""

    def join(self, later: Any) -> None:
        """Take in what the same projection prepared of events that follow."""
        ...

    def let_go(self) -> None:
        """Free the events of which all that will be written is ready: they can be read again."""
        ...


class Projection(Protocol):
    """Turns events into rows, inside a transaction that somebody else began and will commit."""

    @property
    def name(self) -> str:
        """``table`` or ``stats``: the key under which positions and dead letters are kept."""
        ...

    def prepare(self, events: Sequence[Decoded]) -> Prepared:
        """Do what needs no database. Another thread than that of ``apply`` may do so meanwhile."""
        ...

    def whole(self, prepared: Any) -> Whole | None:
        """The whole batch as one statement, which changes nothing where ``apply`` is needed.

        None when it cannot be put like that. Raises what ``apply`` raises for a record's fault.
        """
        ...

    def ask(self, connection: Connection[Any], prepared: Any) -> None:
        """Send the queries for what is stored of the batch's requests; ``apply`` takes the answers.

        In the same transaction, which ``positions.begin_batch`` has begun. Not needed, but in a
        pipeline it saves a round trip.
        """
        ...

    def apply(
        self,
        connection: Connection[Any],
        events: Sequence[Decoded],
        prepared: Any = None,
        *,
        exclusive: bool = False,
    ) -> Applied:
        """Merge the events into the tables found on the connection's search_path.

        ``prepared`` is what ``prepare`` made of just these events, if it was called; it may be
        given again when the transaction was undone. Order, duplicates and the cut into batches do
        not matter. In a pipeline, rows go by INSERT, otherwise by COPY. Never commits. Raises
        psycopg.Error, which ``projections.faults.classify`` sorts into faults of the environment,
        which are retried, and faults of a record, which are isolated by halving the batch.
        Raises NeedExclusive, before it has written anything, when the batch has to run alone and
        ``exclusive`` does not say that it does.
        """
        ...

    def forget(self) -> None:
        """Drop whatever was remembered between batches: a transaction or savepoint was undone."""
        ...
