"""Being woken when a projection has come further."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from projections.positions import NOTIFY_CHANNEL


def listen(connection: Connection[Any]) -> None:
    """Have the connection, in autocommit mode, notified from now on. Raises psycopg.Error."""
    connection.execute(f"LISTEN {NOTIFY_CHANNEL}")


def woken(connection: Connection[Any], timeout_s: float) -> bool:
    """Wait for a notice, at most so long; whether one came. Raises psycopg.Error."""
    # To its end: while the generator is open, what arrives during a query gets lost.
    return bool(list(connection.notifies(timeout=timeout_s, stop_after=1)))
