"""How far an unfinished rebuild has come, kept in the shadow itself: what makes it resumable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections.positions import ProjectionKey
from projections.shadow import LATE_INDEXES, Shadow, exists
from projections.shadow_indexes import add_keys, build_side_by_side

MAKE = SQL("""
CREATE TABLE {shadow}.rebuild_state (
    topic_id TEXT NOT NULL, definition TEXT NOT NULL, loaded BOOLEAN NOT NULL DEFAULT false
)
""")

BEGIN = SQL("INSERT INTO {shadow}.rebuild_state (topic_id, definition) VALUES (%s, %s)")

# Epochs begin at a number that no shadow before this one has had (microseconds since 1970): who
# loads for one that was dropped meanwhile is fenced off by this one, too.
BEGIN_AT = SQL("""
INSERT INTO {shadow}.projection_positions
    (projection, topic, partition, topic_id, next_offset, epoch, owner)
SELECT %s, %s, partition, %s, next_offset,
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, 'rebuild'
FROM unnest(%s::int[], %s::bigint[]) AS b (partition, next_offset)
""")

READ = SQL("SELECT topic_id, definition, loaded FROM {shadow}.rebuild_state")

SET_LOADED = SQL("UPDATE {shadow}.rebuild_state SET loaded = true")

# What a shadow was copied from: when it has changed since, the shadow is of no use any more.
DEFINITION = """
SELECT md5(coalesce(string_agg(line, E'\\n' ORDER BY line), '')) FROM (
    SELECT format('%%s %%s %%s %%s', c.relname, a.attname, a.atttypid::regtype, a.attnotnull)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = %(schema)s::regnamespace AND c.relname = ANY(%(tables)s)
        AND NOT a.attisdropped
    UNION ALL
    SELECT pg_get_indexdef(i.indexrelid) FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
    WHERE c.relnamespace = %(schema)s::regnamespace AND c.relname = ANY(%(tables)s)
) AS lines (line)
"""

STATE_TABLE = "SELECT to_regclass(%s)"


def begin(
    connection: Connection[Any], shadow: Shadow, key: ProjectionKey, starts: Mapping[int, int]
) -> None:
    """Note what the shadow is made from, in the transaction that makes it.

    ``starts`` is where the log of each partition begins.
    """
    connection.execute(MAKE.format(**shadow.names))
    definition = _definition(connection, shadow)
    connection.execute(BEGIN.format(**shadow.names), (key.topic_id, definition))
    places = (sorted(starts), [starts[number] for number in sorted(starts)])
    parameters = (key.projection, key.topic, key.topic_id, *places)
    connection.execute(BEGIN_AT.format(**shadow.names), parameters)


def resumable(connection: Connection[Any], shadow: Shadow, key: ProjectionKey) -> bool:
    """Whether a shadow is there, of this topic and of tables as they are now."""
    if not exists(connection, shadow.schema):
        return False
    found = connection.execute(STATE_TABLE, (f"{shadow.schema}.rebuild_state",)).fetchone()
    if found is None or found[0] is None:
        return False
    state = connection.execute(READ.format(**shadow.names)).fetchone()
    definition = _definition(connection, shadow)
    return state is not None and tuple(state[:2]) == (key.topic_id, definition)


def finish_loading(
    connection: Connection[Any], shadow: Shadow, connect: Callable[[], Connection[Any]]
) -> None:
    """Build the indexes that were left out, and give the planner statistics; once.

    ``connect`` opens further connections, for building side by side.
    """
    if _is_loaded(connection, shadow):
        return
    late = [table for table in shadow.tables if table in LATE_INDEXES]
    build_side_by_side(connect, shadow, late)
    with connection.transaction():
        connection.execute("SELECT set_config('statement_timeout', '0', false)")
        for table in late:
            add_keys(connection, shadow, table)
        for table in (*shadow.tables, "deferred_records"):
            statement = SQL("ANALYZE {shadow}.{table}")
            connection.execute(statement.format(table=Identifier(table), **shadow.names))
        connection.execute(SET_LOADED.format(**shadow.names))


def _is_loaded(connection: Connection[Any], shadow: Shadow) -> bool:
    state = connection.execute(READ.format(**shadow.names)).fetchone()
    return state is None or bool(state[2])


def _definition(connection: Connection[Any], shadow: Shadow) -> str:
    parameters = {"schema": shadow.live, "tables": list(shadow.tables)}
    return str(connection.execute(DEFINITION, parameters).fetchall()[0][0])
