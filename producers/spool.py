"""The write-ahead spool: events on this machine's disk until Kafka has acknowledged them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import structlog

from producers import spool_sql as sql
from producers.group_commit import Done, GroupCommit, Work
from producers.liveness import any_alive, dead_owners
from producers.spool_errors import SpoolError, SpoolFull, SpoolUnavailable
from producers.spool_file import open_spool, owners_folder
from producers.spool_rows import Claimed, RefusedEvent, SpoolEntry, SpoolLimits, SpoolStatus

log = structlog.stdlib.get_logger(__name__)

REFUSED_KEPT = 1_000
"""Of refused events the latest so many are kept, so that they never fill the spool."""

DEFAULT_LIMITS = SpoolLimits()

AllDone = Callable[[Mapping[int, SpoolError]], None]
"""Is told which are not durable, by their places, and why; on the spool's thread."""

Row = tuple[str, str, bytes, float, str | None]
T = TypeVar("T")

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
        self._removing = threading.Lock()
        self._removal: list[str] | None = None
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

    def append_all_soon(
        self,
        events: Sequence[SpoolEntry],
        done: AllDone,
        *,
        claim: bool,
        along: Work[None] | None = None,
    ) -> None:
        """As ``append_soon`` for all of them, in one transaction and few statements."""
        now, owner = self._clock(), self.owner if claim else None
        rows = [(*event, now, owner) for event in events]
        full: dict[int, SpoolError] = {}

        def work(connection: sqlite3.Connection) -> None:
            if along is not None:
                along(connection)
            if along is not None or self._have_room(connection, events):
                _append_all(connection, rows)
            else:
                full.update(self._append_each(connection, rows))

        def told(error: Exception | None) -> None:
            if error is not None and not isinstance(error, SpoolError):
                error = SpoolUnavailable(str(error))
            done(full if error is None else dict.fromkeys(range(len(rows)), error))

        self._commits.submit(work, told)

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
        with self._removing:
            if self._removal is None:
                removal: list[str] = []
                self._removal = removal
                self._commits.later(lambda connection: self._remove(connection, removal))
            self._removal.append(event_id)

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

    def _have_room(self, connection: sqlite3.Connection, events: Sequence[SpoolEntry]) -> bool:
        """Whether all of them fit, none of which may be there already."""
        there, taken, intents = connection.execute(sql.TOTALS).fetchone()
        size = sum(len(event.value) for event in events)
        return bool(
            there + intents + len(events) <= self._limits.max_events
            and taken + size <= self._limits.max_bytes
        )

    def _append_each(
        self, connection: sqlite3.Connection, rows: Sequence[Row]
    ) -> dict[int, SpoolError]:
        """Those for which there is no room."""
        full: dict[int, SpoolError] = {}
        for index, row in enumerate(rows):
            try:
                self._check_room(connection, len(row[2]))
            except SpoolFull as exc:
                full[index] = exc
            else:
                connection.execute(sql.APPEND, row)
        return full

    def _remove(self, connection: sqlite3.Connection, event_ids: list[str]) -> None:
        with self._removing:
            if self._removal is event_ids:
                # Whoever comes from here on begins another list; this one may be tried again.
                self._removal = None
        for some in _portions(event_ids):
            # To name one of them several times is no harm, and spares other statements.
            wide = [*some, *[some[-1]] * (sql.MANY - len(some))]
            connection.execute(sql.REMOVE_MANY, wide)

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


def _append_all(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    whole = len(rows) - len(rows) % sql.MANY
    for some in _portions(rows[:whole]):
        connection.execute(sql.APPEND_MANY, list(chain.from_iterable(some)))
    connection.executemany(sql.APPEND, rows[whole:])


def _portions(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[n : n + sql.MANY] for n in range(0, len(values), sql.MANY))


def _execute(connection: sqlite3.Connection, query: str, *parameters: object) -> None:
    connection.execute(query, parameters)


def _execute_each(connection: sqlite3.Connection, query: str, values: Iterable[str]) -> None:
    connection.executemany(query, [(value,) for value in values])
