"""The write-ahead spool: events on this machine's disk until Kafka has acknowledged them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from producers import spool_sql as sql
from producers.group_commit import Done, GroupCommit, Work
from producers.liveness import any_alive, dead_owners
from producers.spool_errors import SpoolError, SpoolFull
from producers.spool_file import open_spool, owners_folder
from producers.spool_rows import Claimed, RefusedEvent, SpoolEntry, SpoolLimits, SpoolStatus

log = structlog.stdlib.get_logger(__name__)

REFUSED_KEPT = 1_000
"""Of refused events the latest so many are kept, so that they never fill the spool."""

DEFAULT_LIMITS = SpoolLimits()

CLAIM_BYTES = 8 * 2**20
"""A claim takes no more at once, but for a single larger event."""


class Spool:
    """Of one file, that several processes may have open. All threads may use it.

    Every method raises SpoolError. A process makes its own: none survives a fork.
    """

    def __init__(
        self,
        path: Path,
        limits: SpoolLimits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._limits = limits
        self._clock = clock
        connection, self._owner = open_spool(path)
        self._commits = GroupCommit(connection, path)
        with suppress(SpoolError):
            self.free_dead()

    @property
    def owner(self) -> str:
        """The name of this opener: what it claims belongs to it until it dies or lets go."""
        return self._owner.name

    def append(self, event: SpoolEntry, *, claim: bool) -> None:
        """Write it; durable when this returns. Raises SpoolFull.

        With ``claim`` the caller sends it; without, whoever claims next. The same event id again
        changes nothing.
        """
        self._commits.run(self._appending(event, claim, None))

    def append_soon(
        self, event: SpoolEntry, done: Done, *, claim: bool, along: Work[None] | None = None
    ) -> None:
        """As ``append``, without waiting: ``done`` is told, on the spool's own thread.

        ``along`` is done in the same transaction: for an event that takes the place of something
        in the spool, which has its room and is not refused for want of it.
        """
        self._commits.submit(self._appending(event, claim, along), done)

    def run(self, work: Work[None], *, adds: int = 0) -> None:
        """Other work on the tables, durable when this returns.

        Raises SpoolFull without room for ``adds`` bytes.
        """

        def checked(connection: sqlite3.Connection) -> None:
            if adds:
                self._check_room(connection, adds)
            work(connection)

        self._commits.run(checked)

    def later(self, work: Work[None]) -> None:
        """As ``run``, with the next transaction; a crash may forget it."""
        self._commits.later(work)

    def read(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query of ``spool_sql``."""
        return self._commits.run(lambda c: c.execute(query, parameters).fetchall())

    def acknowledged(self, event_id: str) -> None:
        """Remove it, some time soon: what a crash leaves of these is only sent twice."""
        self._commits.later(lambda c: _execute(c, sql.REMOVE, event_id))

    def released(self, event_id: str, error: str | None) -> None:
        """It was not sent: let whoever claims next try."""
        self._commits.later(lambda c: _execute(c, sql.RELEASE, error, event_id))

    def refused(self, event_id: str, reason: str) -> None:
        """Keep it, and the reason, out of the others' way."""
        self._commits.later(lambda c: _execute(c, sql.REFUSE, reason, event_id))
        self._commits.later(lambda c: _execute(c, sql.FORGET_OLD_REFUSED, REFUSED_KEPT))

    def retry_refused(self) -> None:
        """Let the refused ones be sent again."""
        self._commits.run(lambda c: _execute(c, sql.RETRY_REFUSED))

    def claim(self, limit: int) -> list[Claimed]:
        """Take up to so many that nobody else is sending, those tried least first."""
        return self._commits.run(lambda connection: self._claim(connection, limit))

    def free_dead(self) -> None:
        """Let go of what dead processes had claimed, and of their names."""
        owners = {str(owner) for (owner,) in self.read(sql.OWNERS)}
        dead = dead_owners(owners_folder(self.path), owners - {self.owner})
        if dead:
            self._commits.run(lambda c: _execute_each(c, sql.LET_GO, dead))
        # A process that had claimed nothing when it died has left no more than its name.
        any_alive(owners_folder(self.path))

    def sync(self) -> None:
        """Commit what was put off."""
        self._commits.sync()

    def status(self) -> SpoolStatus:
        """What is in it, with what was put off."""
        self.sync()
        return self._commits.run(lambda c: SpoolStatus(*c.execute(sql.STATUS).fetchone()))

    def list_refused(self, limit: int = 100) -> list[RefusedEvent]:
        """The refused ones, oldest first."""
        return self._commits.run(
            lambda c: [RefusedEvent(*row) for row in c.execute(sql.REFUSED, (limit,))]
        )

    def close(self) -> None:
        """Let go of what was claimed. May be called twice."""
        try:
            self._commits.run(lambda c: _execute(c, sql.LET_GO, self.owner))
        except SpoolError as exc:
            log.debug("the spool was closed without letting go", reason=str(exc))
        self._commits.close()
        self._owner.release()

    def _appending(self, event: SpoolEntry, claim: bool, along: Work[None] | None) -> Work[None]:
        row = (*event, self._clock(), self.owner if claim else None)

        def work(connection: sqlite3.Connection) -> None:
            if along is None:
                self._check_room(connection, len(event.value))
            else:
                along(connection)
            connection.execute(sql.APPEND, row)

        return work

    def _claim(self, connection: sqlite3.Connection, limit: int) -> list[Claimed]:
        found: list[Claimed] = []
        size = 0
        for row in connection.execute(sql.UNCLAIMED, (limit,)):
            found.append(Claimed(*row))
            size += len(found[-1].value)
            if size >= CLAIM_BYTES:
                break
        connection.executemany(sql.CLAIM, [(self.owner, event.event_id) for event in found])
        return found

    def _check_room(self, connection: sqlite3.Connection, size: int) -> None:
        events, taken, intents = connection.execute(sql.TOTALS).fetchone()
        limits = self._limits
        if events + intents >= limits.max_events:
            limit = f"{limits.max_events:,} events"
        elif taken + size > limits.max_bytes:
            limit = f"{limits.max_bytes:,} bytes"
        else:
            return
        raise SpoolFull(
            f"spool {self.path} is full: {events:,} events, {taken:,} bytes and {intents:,} calls"
            f" under way, limit {limit}; is Kafka up? (`omega-images spool status`)"
        )


def _execute(connection: sqlite3.Connection, query: str, *parameters: object) -> None:
    connection.execute(query, parameters)


def _execute_each(connection: sqlite3.Connection, query: str, values: Iterable[str]) -> None:
    connection.executemany(query, [(value,) for value in values])
