"""The statistics as they are kept, beside a plain group-by over rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC
from typing import Any

from psycopg import Connection

from projections.fingerprint import fingerprint
from projections.statistics_reads import Dimension, read_breakdown, read_numbers
from tests.support.checker import Row, five_numbers

Breakdown = dict[str | None, dict[str, Any]]


def stored_numbers(connection: Connection[Any]) -> dict[str, Any]:
    """The five numbers as the projection keeps them."""
    return read_numbers(connection)._asdict()


def breakdowns_of_statistics(connection: Connection[Any]) -> dict[str, Breakdown]:
    """Every breakdown as the projection keeps it."""
    return {
        dimension.value: {
            entry.value: entry.numbers._asdict() for entry in read_breakdown(connection, dimension)
        }
        for dimension in Dimension
    }


def breakdowns_of_rows(rows: Iterable[Row]) -> dict[str, Breakdown]:
    """The same, by plain grouping of the table's rows."""
    rows = list(rows)
    keys: dict[str, Callable[[Row], str | None]] = {
        "day": lambda row: row["created_at"].astimezone(UTC).date().isoformat(),
        "tool": lambda row: row["tool_name"],
        "model": lambda row: row["model"],
        "provider": lambda row: row["storage_provider"],
        "user": lambda row: row["user_id"],
    }
    breakdowns = {name: _grouped(rows, key) for name, key in keys.items()}
    failed = [row for row in rows if row["status"] == "failed"]
    breakdowns["error"] = _grouped(failed, _fingerprint)
    return breakdowns


def _fingerprint(row: Row) -> str:
    code = (row["metadata"] or {}).get("error_code")
    return fingerprint(row["error"], code).digest


def _grouped(rows: Iterable[Row], key: Callable[[Row], str | None]) -> Breakdown:
    groups: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {value: five_numbers(group) for value, group in groups.items()}
