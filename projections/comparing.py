"""Comparing a shadow with the live tables, and carrying over what only the live ones have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections import shadow_sql as sql
from projections.image_rows import COLUMNS
from projections.shadow import RebuildRefused, Shadow

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the shadow differs from the live tables, in requests."""

    added: int
    lost: int
    """In the live table, and neither in the shadow nor deleted by an event."""
    deleted: int
    changed: int
    columns: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, list[str]] = field(default_factory=dict)
    unmade: int = 0
    """Rows that no event made, carried over."""

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.lost or self.deleted or self.changed)


def carry_over(connection: Connection[Any], shadow: Shadow, *, unmade: bool) -> int:
    """Keep the live table's ids and, if wanted, the rows that no event made; how many of those."""
    if shadow.projection != "table":
        return 0
    both = _look_at_both(connection, shadow, sql.DIGEST_IDS)
    return _take_over(connection, shadow, both, unmade=unmade)[1]


def compare(connection: Connection[Any], shadow: Shadow, *, unmade: bool) -> Comparison:
    """``carry_over``, and compare all requests.

    The shadow must be where the live positions are, or ahead of them.
    """
    connection.execute("SELECT set_config('statement_timeout', '0', true)")
    both = _compare_sums(connection, shadow)
    kept, carried = _take_over(connection, shadow, both, unmade=unmade)
    if both.alike or (kept and _compare_sums(connection, shadow).alike):
        return Comparison(0, 0, 0, 0, unmade=carried)
    return _compare_each(connection, shadow, carried)


def _take_over(
    connection: Connection[Any], shadow: Shadow, both: BothSides, *, unmade: bool
) -> tuple[int, int]:
    """How many ids of live rows, and how many rows that no event made, the shadow has taken."""
    if both.unmade_of_shadow:
        connection.execute(sql.DROP_UNMADE.format(**shadow.names))
    kept = 0 if both.alike else keep_ids(connection, shadow)
    carried = _carry_unmade(connection, shadow) if unmade and both.unmade_of_live else 0
    return kept, carried


def keep_ids(connection: Connection[Any], shadow: Shadow) -> int:
    """Give the shadow's rows the ids that the live ones have; how many had others."""
    if shadow.projection != "table":
        return 0
    room_for_joins(connection)
    return connection.execute(sql.KEEP_IDS.format(**shadow.names)).rowcount


def room_for_joins(connection: Connection[Any]) -> None:
    """Let whole tables be joined in memory, until the transaction ends."""
    connection.execute(sql.ROOM_FOR_JOINS)


def _carry_unmade(connection: Connection[Any], shadow: Shadow) -> int:
    room_for_joins(connection)
    taken = connection.execute(sql.TAKEN_IDS.format(**shadow.names), (SAMPLES,)).fetchall()
    if taken:
        names = ", ".join(f"{number} ({request_id})" for number, request_id in taken)
        raise RebuildRefused(
            f"events name the ids of rows that no event made: {names}; run `omega-images "
            "backfill`, which says why, or give those rows up with --drop-unmade"
        )
    columns = SQL(", ").join(map(Identifier, COLUMNS))
    return connection.execute(sql.CARRY_UNMADE.format(columns=columns, **shadow.names)).rowcount


def _compare_each(connection: Connection[Any], shadow: Shadow, unmade: int) -> Comparison:
    room_for_joins(connection)
    of_table = shadow.projection == "table"
    count, sample = (
        (sql.COUNT_TABLE, sql.SAMPLE_TABLE) if of_table else (sql.COUNT_STATS, sql.SAMPLE_STATS)
    )
    counts = connection.execute(count.format(**shadow.names)).fetchall()[0]
    columns: dict[str, int] = {}
    samples: dict[str, list[str]] = {}
    if any(counts):
        for kind, request_id in connection.execute(
            sample.format(**shadow.names), {"limit": SAMPLES}
        ):
            samples.setdefault(kind, []).append(request_id)
    if of_table and counts[3]:
        columns = dict(connection.execute(sql.CHANGED_COLUMNS.format(**shadow.names)).fetchall())
    added, lost, deleted, changed = counts
    return Comparison(added, lost, deleted, changed, columns, samples, unmade)


class BothSides(NamedTuple):
    """What one look at every row of the live table and of the shadow says."""

    alike: bool
    """Whether they have as many rows that events made, and the sums of their hashes are the same:
    a third of the work of a join, and by chance as often wrong as one in 2**64."""
    unmade_of_live: int
    unmade_of_shadow: int


def _compare_sums(connection: Connection[Any], shadow: Shadow) -> BothSides:
    """Not alike, too, when a column has been added whose type has no hash."""
    of_table = shadow.projection == "table"
    try:
        with connection.transaction():
            digest = sql.DIGEST_TABLE if of_table else sql.DIGEST_STATS
            return _look_at_both(connection, shadow, digest)
    except psycopg.errors.UndefinedFunction:
        if not of_table:
            return BothSides(False, 0, 0)
        return _look_at_both(connection, shadow, sql.DIGEST_IDS)._replace(alike=False)


def _look_at_both(connection: Connection[Any], shadow: Shadow, query: SQL) -> BothSides:
    live, made = (
        connection.execute(query.format(schema=schema)).fetchall()[0]
        for schema in (shadow.names["live"], shadow.names["shadow"])
    )
    return BothSides(live[:2] == made[:2], live[2], made[2])
