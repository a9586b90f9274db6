"""Comparing the live schema with the declared one, as PostgreSQL itself describes both."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

import projections.statistics_tables
import projections.upkeep_tables  # noqa: F401  both declare their tables in the same metadata
from projections.migrate import engine_of, latest
from projections.tables import metadata

SCRATCH = "omega_verify"

COLUMNS = text("""
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || l.collname ELSE '' END
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = :schema ::regnamespace AND c.relkind IN ('r', 'p')
    AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
""")
INDEXES = text("""
SELECT t.relname, c.relname, pg_get_indexdef(i.indexrelid)
        || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relnamespace = :schema ::regnamespace
""")

Description = dict[tuple[str, str, str], str]
"""(table, "column" or "index", name) -> definition."""


def verify(database_url: str) -> list[str]:
    """Each difference in a line; none when the schema is as declared.

    Tables, columns and indexes that somebody added are their own affair. The declared tables are
    made in a scratch schema, described, and rolled back. Raises sqlalchemy.exc.DBAPIError.
    """
    with engine_of(database_url).connect() as connection:
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        live, order = _describe(connection, schema)
        declared = _declared(connection)
        connection.rollback()
        return _differences(declared, live, order) + _behind(connection, live)


def _declared(connection: Connection) -> Description:
    connection.exec_driver_sql(f"CREATE SCHEMA {SCRATCH}")
    connection.exec_driver_sql(f"SET LOCAL search_path = {SCRATCH}")
    metadata.create_all(connection, checkfirst=False)
    return _describe(connection, SCRATCH)[0]


def _describe(connection: Connection, schema: str) -> tuple[Description, list[str]]:
    found: Description = {}
    order = []
    for table, column, definition in connection.execute(COLUMNS, {"schema": schema}):
        found[table, "column", column] = definition.replace(f"{schema}.", "")
        if table == "generated_images":
            order.append(column)
    for table, index, definition in connection.execute(INDEXES, {"schema": schema}):
        found[table, "index", index] = definition.replace(f"{schema}.", "")
    return found, order


def _differences(declared: Description, live: Description, order: list[str]) -> list[str]:
    lines = []
    missing_tables = {table for table, *_ in declared} - {table for table, *_ in live}
    lines += [f"table {table} is missing" for table in sorted(missing_tables)]
    for key, definition in sorted(declared.items()):
        table, kind, name = key
        if table in missing_tables:
            continue
        actual = live.get(key)
        if actual is None:
            lines.append(f"{kind} {name} of {table} is missing")
        elif actual != definition:
            lines.append(f"{kind} {name} of {table} is {actual!r}, must be {definition!r}")
    wanted = [column.name for column in metadata.tables["generated_images"].columns]
    if "generated_images" not in missing_tables and order[: len(wanted) - 1] != wanted[:-1]:
        lines.append("the columns of generated_images are in another order than documented")
    return lines


def _behind(connection: Connection, live: Description) -> list[str]:
    if ("alembic_version", "column", "version_num") not in live:
        return ["no migration has been run: run `omega-images db migrate`"]
    revision: Any = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    head = latest()
    if revision != head:
        return [f"the tables are at revision {revision}, must be {head}: `omega-images db migrate`"]
    return []
