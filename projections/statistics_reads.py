"""Reading the statistics: the document's five numbers, and the same by day, tool, and so on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from psycopg import Connection

from projections import statistics_sql as sql


class Dimension(Enum):
    """By what the statistics are broken down."""

    DAY = "day"
    TOOL = "tool"
    MODEL = "model"
    PROVIDER = "provider"
    USER = "user"
    ERROR = "error"


class Numbers(NamedTuple):
    """The document's stats query: its five names, and its own types."""

    total_images: int
    unique_users: int
    successful: int
    failed: int
    avg_file_size: Decimal | None
    """Mean of bytes over the rows that have it; None when none has."""


class Entry(NamedTuple):
    """One value of a dimension, and the five numbers of the rows that have it."""

    value: str | None
    """None: the rows in which it is NULL, such as the provider of a failure."""

    numbers: Numbers
    label: str | None = None
    """What an error's fingerprint stands for."""


NOTHING = Numbers(0, 0, 0, 0, None)


def read_numbers(connection: Connection[Any]) -> Numbers:
    """The five numbers over all images, in constant time. Raises psycopg.Error."""
    entries = _read(connection, "total", "total~", None, by_total=False)
    return entries[0].numbers if entries else NOTHING


def read_breakdown(
    connection: Connection[Any], dimension: Dimension, limit: int | None = None
) -> list[Entry]:
    """The five numbers of each value, those with the most images first; days in their order.

    In the breakdown by error a success is counted nowhere; elsewhere the values together come to
    the total. Raises psycopg.Error.
    """
    name = dimension.value
    by_total = dimension is not Dimension.DAY
    return _read(connection, name, f"{name}~", limit, by_total=by_total)


def read_days(connection: Connection[Any], first: date, last: date) -> list[Entry]:
    """The five numbers of each day in UTC on which there were any, first and last included."""
    return _read(connection, f"day={first}", f"day={last}~", None, by_total=False)


def _read(
    connection: Connection[Any], first: str, end: str, limit: int | None, *, by_total: bool
) -> list[Entry]:
    parameters = {"first": first, "end": end, "shard": None, "by_total": by_total, "limit": limit}
    rows = connection.execute(sql.READ_BUCKETS, parameters)
    return [_entry(*row) for row in rows]


def _entry(bucket: str, *columns: Any) -> Entry:
    _, equals, value = bucket.partition("=")
    *numbers, label = columns
    return Entry(value if equals else None, Numbers(*numbers), label)
