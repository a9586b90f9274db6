"""Indexes of shadow tables: those that the live tables have, under the same names."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections import shadow_sql as sql
from projections.shadow import Shadow

BUILDERS = 2
"""An index is sorted by several processes of the server, and written by one: while one is written,
another can be sorted."""

MEMORY = "256MB"
CANCEL_S = 5.0


def build_indexes(connection: Connection[Any], shadow: Shadow, table: str) -> None:
    """Build them one after the other, in the caller's transaction."""
    for statement in _missing(connection, shadow, table):
        connection.execute(statement)


def build_side_by_side(
    connect: Callable[[], Connection[Any]], shadow: Shadow, tables: Iterable[str]
) -> None:
    """Build what is missing, each in a transaction of its own. Raises psycopg.Error.

    The server goes on with an index whose builder was killed; ``hold_alone`` refuses meanwhile.
    """
    with connect() as connection:
        left = deque(one for table in tables for one in _missing(connection, shadow, table))
    at_work: list[Connection[Any]] = []

    def build() -> None:
        try:
            with connect() as connection:
                at_work.append(connection)
                connection.execute(sql.BE_AN_INDEX_BUILDER, (shadow.index_builders,))
                connection.execute(sql.SET_UP_BUILDER, (MEMORY,))
                while (statement := _next(left)) is not None:
                    with connection.transaction():
                        if _is_gin(statement):
                            connection.execute(sql.BUILD_ALONE)
                        connection.execute(statement)
                connection.execute(sql.UNLOCK_ALL)
        except BaseException:
            left.clear()
            raise

    with ThreadPoolExecutor(BUILDERS) as pool:
        jobs = [pool.submit(build) for _ in range(min(BUILDERS, len(left)))]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            # Also of Ctrl-C: who waits here wants an end, and the others would build on for long.
            left.clear()
            for connection in at_work:
                with suppress(psycopg.Error):
                    connection.cancel_safe(timeout=CANCEL_S)
            raise


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
    return sorted(statements, key=_is_gin, reverse=True)


def _is_gin(statement: SQL) -> bool:
    return " USING gin " in statement.as_string(None)


def _of_live(connection: Connection[Any], shadow: Shadow, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql.TABLE_INDEXES, (f"{shadow.live}.{table}",)).fetchall()
