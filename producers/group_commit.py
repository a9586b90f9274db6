"""Group commit: what several threads write at the same time goes to disk with one fsync."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from producers.spool_errors import SpoolError, SpoolUnavailable, as_spool_error

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""Statements in the transaction of whoever commits them. Refuses by SpoolError before it writes
anything; must bear being done again when a transaction has failed."""


class _Ticket:
    """Somebody's work, and what came of it."""

    __slots__ = ("done", "error", "leads", "result", "woken", "work")

    def __init__(self, work: Work[Any]) -> None:
        self.work = work
        self.woken = threading.Lock()
        self.woken.acquire()
        self.leads = False
        self.done = False
        self.result: Any = None
        self.error: Exception | None = None


class GroupCommit:
    """One connection for all threads.

    One of the callers leads: it commits the work of all who wait, then hands the lead to one of
    those who came while the disk synced. A single caller pays for no change of threads.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._state = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._led = False
        self._in_use = threading.Lock()
        self._later: deque[Work[None]] = deque()
        self._closed = False

    def run(self, work: Work[T]) -> T:
        """Do the work; durable when this returns. Raises SpoolError."""
        ticket = _Ticket(work)
        with self._state:
            self._waiting.append(ticket)
            ticket.leads, self._led = not self._led, True
        try:
            if not ticket.leads:
                ticket.woken.acquire()
            if not ticket.done:
                self._commit_group(ticket)
        finally:
            self._leave(ticket)
        if ticket.error is not None:
            raise ticket.error
        result: T = ticket.result
        return result

    def later(self, work: Work[None]) -> None:
        """Do the work with the next transaction. A crash may forget it."""
        self._later.append(work)

    def sync(self) -> None:
        """Commit what was put off, if anything was. Raises SpoolError."""
        if self._later:
            self.run(lambda _connection: None)

    def close(self) -> None:
        """Whoever comes later gets SpoolUnavailable."""
        with self._in_use:
            self._closed = True
            self._connection.close()

    def _leave(self, ticket: _Ticket) -> None:
        """Also when its caller was interrupted while it waited, or led."""
        with self._state:
            if not ticket.done and ticket in self._waiting:
                self._waiting.remove(ticket)
            if not ticket.leads:
                return
            if not self._waiting:
                self._led = False
                return
            successor = self._waiting[0]
            successor.leads = True
        successor.woken.release()

    def _check_open(self) -> None:
        if self._closed:
            raise SpoolUnavailable(f"spool {self._path} is closed; open it again")

    def _commit_group(self, mine: _Ticket) -> None:
        with self._state:
            group = _taken(self._waiting)
        later = _taken(self._later)
        try:
            with self._in_use:
                self._check_open()
                self._transaction(group, later)
        except (sqlite3.Error, SpoolError) as exc:
            error = as_spool_error(exc, self._path) if isinstance(exc, sqlite3.Error) else exc
            for ticket in group:
                ticket.error, ticket.done = error, True
            self._later.extendleft(reversed(later))
        except BaseException:
            # Interrupted: the others' work is done by the next of them.
            with self._state:
                self._waiting.extendleft(t for t in reversed(group) if t is not mine)
            self._later.extendleft(reversed(later))
            raise
        for ticket in group:
            if ticket is not mine:
                ticket.woken.release()

    def _transaction(self, group: list[_Ticket], later: list[Work[None]]) -> None:
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            for put_off in later:
                put_off(self._connection)
            for ticket in group:
                _do(ticket, self._connection)
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        for ticket in group:
            ticket.done = True


def _do(ticket: _Ticket, connection: sqlite3.Connection) -> None:
    ticket.error = None
    try:
        ticket.result = ticket.work(connection)
    except sqlite3.Error:
        raise
    except Exception as exc:  # noqa: BLE001  # its caller's, who gets it
        ticket.error = exc


def _taken(queue: deque[Any]) -> list[Any]:
    """What is in it now, taken out; others may put more in meanwhile."""
    return [queue.popleft() for _ in range(len(queue))]
