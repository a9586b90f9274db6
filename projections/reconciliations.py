"""What the last reconcile of each projection found."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

NOTE = """
INSERT INTO reconciliations (projection, ran_at, differences) VALUES (%s, clock_timestamp(), %s)
ON CONFLICT (projection) DO UPDATE SET ran_at = excluded.ran_at, differences = excluded.differences
"""
READ = "SELECT projection, ran_at, differences FROM reconciliations ORDER BY projection"


class LastReconciliation(NamedTuple):
    """When it ran, and how much was left different."""

    projection: str
    ran_at: datetime
    differences: int


def note(connection: Connection[Any], projection: str, differences: int) -> None:
    """A reconcile has run, and left so many differences."""
    connection.execute(NOTE, (projection, differences))


def last(connection: Connection[Any]) -> list[LastReconciliation]:
    """The last of each projection."""
    return [LastReconciliation(*row) for row in connection.execute(READ)]
