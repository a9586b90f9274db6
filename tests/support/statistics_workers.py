"""Workers of the statistics whose transactions a test opens, commits and undoes as it likes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.errors import LockNotAvailable

from projections.pipelining import pipeline
from projections.positions import ProjectionKey, lock_projection
from projections.projection import Decoded, NeedExclusive
from projections.statistics import StatisticsProjection
from schemas.codec import decode_record
from schemas.record import Record
from tests.support.load import Message

KEY = ProjectionKey("stats", "t", "topic-id")
TABLES = (
    "statistics_requests",
    "statistics_sums",
    "statistics_members",
    "statistics_unsettled",
    "statistics_generation",
)
LOCK_TIMEOUT = "500ms"
"""Nobody should ever wait for rows; a test that blocks fails by it."""


class SomebodyIsAlone(Exception):
    """A batch that found itself alone settles what is unsettled, and is alone until it commits."""


class Worker:
    """One worker: a projection of its own, and one connection with at most one open transaction."""

    def __init__(self, connection: Connection[Any], projection: StatisticsProjection) -> None:
        self.connection = connection
        self.projection = projection
        self.open: list[Decoded] = []
        self.turns = 0

    def apply(self, events: Sequence[Decoded], *, exclusive: bool = False) -> None:
        """Begin a transaction, apply the events, and leave it open.

        Raises NeedExclusive, SomebodyIsAlone.
        """
        self.connection.execute("BEGIN")
        try:
            lock_projection(self.connection, KEY.projection, exclusive=exclusive)
        except LockNotAvailable:
            self.connection.execute("ROLLBACK")
            raise SomebodyIsAlone from None
        # Every other batch is written as a few events are.
        self.turns += 1
        try:
            with pipeline(self.connection) if self.turns % 2 else nullcontext():
                self.projection.apply(self.connection, events, exclusive=exclusive)
        except NeedExclusive:
            self.connection.execute("ROLLBACK")
            raise
        self.open = list(events)

    def commit(self) -> list[Decoded]:
        """End the transaction, if there is one; the events that stand in the tables now."""
        self.connection.execute("COMMIT")
        done, self.open = self.open, []
        return done

    def rollback(self) -> list[Decoded]:
        """Undo the transaction, if there is one; the events that have to be applied again."""
        self.connection.execute("ROLLBACK")
        self.projection.forget()
        undone, self.open = self.open, []
        return undone


@contextmanager
def connections(database_url: str, number: int) -> Iterator[list[Connection[Any]]]:
    """Connections on which a statement that has to wait for a lock fails soon."""
    opened = [
        psycopg.connect(database_url, autocommit=True, options=f"-c lock_timeout={LOCK_TIMEOUT}")
        for _ in range(number)
    ]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


def clear(connection: Connection[Any]) -> None:
    """Empty the statistics' tables; for a few rows quicker than TRUNCATE."""
    for table in TABLES:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608  constants


def placed(message: Message, partition: int, offset: int) -> Decoded:
    """The message as a record of the log, with its event."""
    record = Record("t", partition, offset, 0, message.key, message.value, message.headers)
    return Decoded(record, decode_record(record))
