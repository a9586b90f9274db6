"""Group commit: what several threads write at the same time goes to disk with one fsync."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from producers.spool_errors import SpoolUnavailable, as_spool_error

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""Statements in a transaction that is others' as well; what it raises, it raises before them."""

Done = Callable[[Exception | None], None]
"""Is told that the work is durable, or why it is not; on the writer's thread, so it is quick."""

GROUP = 256


class _Ticket:
    """Somebody's work, and what came of it."""

    __slots__ = ("done", "error", "result", "work")

    def __init__(self, work: Work[Any], done: Done) -> None:
        self.work = work
        self.done = done
        self.result: Any = None
        self.error: Exception | None = None


class GroupCommit:
    """One connection and one writer for all threads.

    While the disk syncs, the next group gathers; nothing is waited for to gather more.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._process = os.getpid()
        self._queue: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._later: deque[Work[None]] = deque()
        self._closing = threading.Lock()
        self._closed = False
        self._writer = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self._writer.start()

    def submit(self, work: Work[Any], done: Done) -> None:
        """Do the work soon. Raises SpoolUnavailable when it is closed."""
        self._put(_Ticket(work, done))

    def run(self, work: Work[T]) -> T:
        """Do the work; durable when this returns. Raises SpoolError."""
        woken = threading.Lock()
        woken.acquire()
        ticket = _Ticket(work, lambda _error: woken.release())
        self._put(ticket)
        woken.acquire()
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
        """Finish what was submitted; whoever comes later gets SpoolUnavailable."""
        with self._closing:
            closed, self._closed = self._closed, True
            if not closed:
                self._queue.put(None)
        self._writer.join()
        self._connection.close()

    def _put(self, ticket: _Ticket) -> None:
        if self._process != os.getpid():
            raise SpoolUnavailable(
                f"spool {self._path} was opened before a fork; open it in each process"
            )
        with self._closing:
            if self._closed:
                raise SpoolUnavailable(f"spool {self._path} is closed; open it again")
            self._queue.put(ticket)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group: list[_Ticket] = [first]
            open_ = _gather(self._queue, group)
            later = [self._later.popleft() for _ in range(len(self._later))]
            try:
                self._transaction(group, later)
            except sqlite3.Error as exc:
                error = as_spool_error(exc, self._path)
                for ticket in group:
                    ticket.error = error
                self._later.extendleft(reversed(later))
            for ticket in group:
                ticket.done(ticket.error)
            if not open_:
                return

    def _transaction(self, group: list[_Ticket], later: list[Work[None]]) -> None:
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            for put_off in later:
                put_off(self._connection)
            for ticket in group:
                _do(ticket, self._connection)
            execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise


def _gather(queue: SimpleQueue[_Ticket | None], group: list[_Ticket]) -> bool:
    """Add what is in the queue; False when its end is."""
    while len(group) < GROUP:
        try:
            ticket = queue.get_nowait()
        except Empty:
            return True
        if ticket is None:
            return False
        group.append(ticket)
    return True


def _do(ticket: _Ticket, connection: sqlite3.Connection) -> None:
    try:
        ticket.result = ticket.work(connection)
    except sqlite3.Error:
        raise
    except Exception as exc:  # noqa: BLE001  # its caller's, who gets it
        ticket.error = exc
