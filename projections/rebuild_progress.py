"""What is being built beside the live tables, for those who watch it. Only looks, never locks."""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.errors import InvalidSchemaName, UndefinedTable
from psycopg.sql import SQL

from projections import shadow_sql as sql
from projections.shadow import KINDS, TABLES, Shadow, is_in_work, shadow_of

LOADED = SQL("SELECT loaded FROM {shadow}.rebuild_state")

POSITIONS = SQL("""
SELECT partition, next_offset FROM {shadow}.projection_positions WHERE projection = %s
""")

PREVIOUS = SQL("SELECT to_regnamespace(%s) IS NOT NULL")


class Building(NamedTuple):
    """A shadow, and how far it has come."""

    projection: str
    kind: str
    """``rebuild``, ``reconcile``, ``replay`` or ``as_of``."""
    in_work: bool
    """Whether its builder is there; False: it ended without finishing or removing it."""
    loaded: bool
    """Whether the log has been loaded and the indexes are built."""
    bytes: int
    next_offsets: dict[int, int]
    """By partition."""


def buildings(connection: Connection[Any]) -> list[Building]:
    """The shadows there are. Raises psycopg.Error."""
    found = [_building(connection, name, kind) for name in TABLES for kind in KINDS]
    return [one for one in found if one is not None]


def has_previous(connection: Connection[Any], projection: str) -> bool:
    """Whether the tables before the last rebuild are kept, for a rollback."""
    schema = Shadow(projection, "", "rebuild").previous
    return bool(connection.execute(PREVIOUS, (schema,)).fetchall()[0][0])


def _building(connection: Connection[Any], projection: str, kind: str) -> Building | None:
    shadow = shadow_of(connection, projection, kind)
    (size,) = connection.execute(sql.SIZE, ([shadow.schema],)).fetchall()[0]
    if size is None:
        return None
    in_work = is_in_work(connection, shadow)
    loaded, positions = False, {}
    try:
        with connection.transaction():
            state = connection.execute(LOADED.format(**shadow.names)).fetchone()
            loaded = state is not None and bool(state[0])
            rows = connection.execute(POSITIONS.format(**shadow.names), (projection,))
            positions = dict(rows.fetchall())
    except (UndefinedTable, InvalidSchemaName):
        # Not a resumable one, or it went away just now.
        pass
    return Building(projection, kind, in_work, loaded, size, positions)
