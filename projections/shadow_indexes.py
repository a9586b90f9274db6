"""Indexes of shadow tables: those that the live tables have, under the same names."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections import shadow_sql as sql

if TYPE_CHECKING:
    from projections.shadow import Shadow

BUILDERS = 2
"""An index is sorted by several processes of the server, and written by one: while one is written,
another can be sorted."""

MEMORY = "256MB"


def build_indexes(connection: Connection[Any], shadow: Shadow, table: str) -> None:
    """Build them one after the other, in the caller's transaction."""
    for statement in _missing(connection, shadow, table):
        connection.execute(statement)


def build_side_by_side(
    connect: Callable[[], Connection[Any]], shadow: Shadow, tables: Iterable[str]
) -> None:
    """Build what is missing, each in a transaction of its own. Raises psycopg.Error.

    What a builder that was killed has begun is waited for: the server goes on with it.
    """
    builders = f"build/{shadow.schema}"
    with connect() as connection:
        connection.execute("SELECT set_config('lock_timeout', '0', false)")
        connection.execute(sql.WAIT_FOR_OTHERS, (builders,))
        left = deque(one for table in tables for one in _missing(connection, shadow, table))

    def build() -> None:
        with connect() as connection:
            connection.execute(sql.BE_ONE_OF_OTHERS, (builders,))
            connection.execute("SELECT set_config('maintenance_work_mem', %s, false)", (MEMORY,))
            connection.execute("SELECT set_config('statement_timeout', '0', false)")
            while (statement := _next(left)) is not None:
                try:
                    connection.execute(statement)
                except BaseException:
                    left.clear()
                    raise

    with ThreadPoolExecutor(BUILDERS) as pool:
        for job in [pool.submit(build) for _ in range(min(BUILDERS, len(left)))]:
            job.result()


def _next(left: deque[SQL]) -> SQL | None:
    try:
        return left.popleft()
    except IndexError:
        return None


def add_keys(connection: Connection[Any], shadow: Shadow, table: str) -> None:
    """Make keys of those indexes that are keys of the live table."""
    for name, _, constraint, kind in _of_live(connection, shadow, table):
        if constraint is not None:
            statement = SQL(
                "ALTER TABLE {shadow}.{table} ADD CONSTRAINT {constraint} {kind} USING INDEX {name}"
            )
            connection.execute(
                statement.format(
                    table=Identifier(table),
                    constraint=Identifier(constraint),
                    kind=SQL("PRIMARY KEY" if kind == "p" else "UNIQUE"),
                    name=Identifier(name),
                    **shadow.names,
                )
            )


def _missing(connection: Connection[Any], shadow: Shadow, table: str) -> list[SQL]:
    """Statements for the indexes that the shadow has not; first those that take longest."""
    target = SQL("{shadow}.{table}").format(table=Identifier(table), **shadow.names)
    found = connection.execute(sql.INDEX_NAMES, (f"{shadow.schema}.{table}",)).fetchall()
    there = {name for (name,) in found}
    statements = []
    for name, definition, _, _ in _of_live(connection, shadow, table):
        head, _, tail = definition.partition(" USING ")
        start = head.partition(" ON ")[0]
        if name not in there:
            statements.append(SQL(f"{start} ON {target.as_string(connection)} USING {tail}"))
    return sorted(statements, key=lambda one: " USING gin " not in one.as_string(None))


def _of_live(connection: Connection[Any], shadow: Shadow, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql.TABLE_INDEXES, (f"{shadow.live}.{table}",)).fetchall()
