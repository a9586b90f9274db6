"""Putting a shadow in the live tables' place, comparing both first, and taking it back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections import shadow_sql as sql
from projections.image_rows import COLUMNS
from projections.positions import Claim, ProjectionKey, announce, lock_positions, lock_projection
from projections.shadow import RebuildRefused, Shadow, exists
from schemas.record import FIRST_LOG_ID

READERS_WAIT = "50ms"
"""For the lock that readers queue up behind: when it is not to be had, give way and try again."""
WRITERS_WAIT = "10s"
DEADLINE_S = 120.0
SAMPLES = 5

Positions = Mapping[int, Claim]


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


def lock_live(connection: Connection[Any], key: ProjectionKey) -> Positions:
    """Hold the workers and redrives back until the transaction ends; where the workers are."""
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (WRITERS_WAIT,))
    lock_projection(connection, key.projection, exclusive=True)
    return lock_positions(connection, key, range(1024))


def carry_over(connection: Connection[Any], shadow: Shadow, *, unmade: bool) -> int:
    """Keep the live table's ids and, if wanted, the rows that no event made; how many of those."""
    if shadow.projection != "table":
        return 0
    connection.execute(sql.DROP_UNMADE.format(**shadow.names))
    if not _same_on_both_sides(connection, shadow, sql.DIGEST_IDS):
        keep_ids(connection, shadow)
    return _carry_unmade(connection, shadow) if unmade else 0


def compare(connection: Connection[Any], shadow: Shadow, *, unmade: bool) -> Comparison:
    """``carry_over``, and compare all requests.

    The shadow must be where the live positions are, or ahead of them.
    """
    connection.execute("SELECT set_config('statement_timeout', '0', true)")
    of_table = shadow.projection == "table"
    if of_table:
        connection.execute(sql.DROP_UNMADE.format(**shadow.names))
    alike = _is_alike(connection, shadow)
    if not alike and keep_ids(connection, shadow):
        alike = _is_alike(connection, shadow)
    carried = _carry_unmade(connection, shadow) if of_table and unmade else 0
    if alike:
        return Comparison(0, 0, 0, 0, unmade=carried)
    return _compare_each(connection, shadow, carried)


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
    if connection.execute(sql.HAS_UNMADE.format(**shadow.names)).fetchone() is None:
        return 0
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


def _is_alike(connection: Connection[Any], shadow: Shadow) -> bool:
    """Whether both sides have as many rows, and the sums of their rows' hashes are the same.

    A third of the work of a join, and by chance as often wrong as one in 2**64. False, too, when
    a column has been added whose type has no hash.
    """
    digest = sql.DIGEST_TABLE if shadow.projection == "table" else sql.DIGEST_STATS
    try:
        with connection.transaction():
            return _same_on_both_sides(connection, shadow, digest)
    except psycopg.errors.UndefinedFunction:
        return False


def _same_on_both_sides(connection: Connection[Any], shadow: Shadow, query: SQL) -> bool:
    live, made = (
        connection.execute(query.format(schema=schema)).fetchone()
        for schema in (shadow.names["live"], shadow.names["shadow"])
    )
    return live == made


def swap(
    connection: Connection[Any],
    shadow: Shadow,
    key: ProjectionKey,
    catch_up: Callable[[Positions], None],
    *,
    unmade: bool,
) -> int:
    """Put the shadow in the live tables' place, in one transaction; how many tries it took.

    ``catch_up`` brings the shadow to the given live positions, over a connection of its own. The
    old tables and positions go to the previous schema. Raises RebuildRefused when the locks cannot
    be had in DEADLINE_S.
    """

    def once() -> None:
        catch_up(lock_live(connection, key))
        _lock_tables(connection, shadow, "SHARE ROW EXCLUSIVE", "1s")
        carry_over(connection, shadow, unmade=unmade)
        parameters = {"projection": key.projection, "topic": key.topic}
        _exchange(connection, shadow, shadow.schema, parameters)
        if key.projection == "table":
            connection.execute(sql.FOLLOW_OLD_IDS, {"first": FIRST_LOG_ID})
        connection.execute(sql.ADD_DEAD_LETTERS.format(**shadow.names))
        connection.execute(sql.SETTLE_DEAD_LETTERS.format(**shadow.names), parameters)
        connection.execute(SQL("DROP SCHEMA {shadow} CASCADE").format(**shadow.names))
        announce(connection, key)

    return _until_locked(connection, once)


def roll_back(connection: Connection[Any], shadow: Shadow, key: ProjectionKey) -> int:
    """Take the last swap back, with the positions of then; what it had put in place is kept, too.

    Raises RebuildRefused when there is nothing to go back to.
    """
    if not exists(connection, shadow.previous):
        raise RebuildRefused(
            f"there is nothing to roll {key.projection} back to: no rebuild has replaced it"
        )

    def once() -> None:
        lock_live(connection, key)
        holding = f"{shadow.schema}_back"
        rename = SQL("ALTER SCHEMA {previous} RENAME TO {holding}")
        connection.execute(rename.format(holding=Identifier(holding), **shadow.names))
        parameters = {"projection": key.projection, "topic": key.topic}
        _exchange(connection, shadow, holding, parameters)
        restore = sql.RESTORE_LETTERS.format(source=Identifier(holding), **shadow.names)
        connection.execute(restore)
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(holding)))
        announce(connection, key)

    return _until_locked(connection, once)


def _exchange(
    connection: Connection[Any], shadow: Shadow, source: str, parameters: dict[str, str]
) -> None:
    """The live tables to the previous schema, the source's to the live one; then the positions."""
    names = {"source": Identifier(source), **shadow.names}
    connection.execute(SQL("DROP SCHEMA IF EXISTS {previous} CASCADE").format(**names))
    connection.execute(SQL("CREATE SCHEMA {previous}").format(**names))
    connection.execute(sql.SAVE_POSITIONS.format(**names), parameters)
    connection.execute(sql.SAVE_LETTERS.format(**names), parameters)
    connection.execute(sql.RESET_POSITIONS.format(**names), parameters)
    connection.execute(sql.SET_POSITIONS.format(**names), parameters)
    _lock_tables(connection, shadow, "ACCESS EXCLUSIVE", READERS_WAIT)
    for table in shadow.tables:
        place = {"table": Identifier(table), **names}
        sequences = connection.execute(sql.SEQUENCES, (f"{shadow.live}.{table}",)).fetchall()
        for sequence, _ in sequences:
            connection.execute(SQL(f"ALTER SEQUENCE {sequence} OWNED BY NONE"))
        for statement in (
            "ALTER TABLE {live}.{table} SET SCHEMA {previous}",
            "ALTER TABLE {source}.{table} SET SCHEMA {live}",
        ):
            connection.execute(SQL(statement).format(**place))
        for sequence, column in sequences:
            owned = SQL(f"ALTER SEQUENCE {sequence} OWNED BY {{live}}.{{table}}.{{column}}")
            connection.execute(owned.format(column=Identifier(column), **place))


def _lock_tables(connection: Connection[Any], shadow: Shadow, mode: str, wait: str) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (wait,))
    tables = [SQL("{live}.{}").format(Identifier(t), **shadow.names) for t in shadow.tables]
    statement = SQL("LOCK TABLE {} IN {} MODE").format(SQL(", ").join(tables), SQL(mode))
    connection.execute(statement)


def _until_locked(connection: Connection[Any], once: Callable[[], None]) -> int:
    deadline = time.monotonic() + DEADLINE_S
    tries = 0
    while True:
        tries += 1
        try:
            with connection.transaction():
                once()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as exc:
            if time.monotonic() > deadline:
                raise RebuildRefused(
                    f"the tables could not be locked in {DEADLINE_S:.0f} s: somebody reads or "
                    "writes them for long; look at pg_stat_activity, then try again"
                ) from exc
            time.sleep(random.uniform(0.1, 0.5))  # noqa: S311  jitter
        else:
            return tries
