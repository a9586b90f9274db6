"""Making the empty tables of a shadow, as the live ones are."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections import shadow_sql as sql
from projections.shadow import LATE_INDEXES, Shadow, drop
from projections.shadow_indexes import add_keys, build_indexes

LEDGER_TABLES = ("projection_positions", "dead_letters")
"""Copied empty, with their indexes, so that batches can be applied to the shadow as to the live."""


def create(connection: Connection[Any], shadow: Shadow) -> None:
    """Make the empty shadow, in the caller's transaction; what another rebuild left is dropped."""
    drop(connection, shadow)
    connection.execute(SQL("CREATE SCHEMA {shadow}").format(**shadow.names))
    for table in shadow.tables:
        _copy_table(connection, shadow, table)
        if table not in LATE_INDEXES:
            build_indexes(connection, shadow, table)
            add_keys(connection, shadow, table)
    for table in LEDGER_TABLES:
        statement = SQL("CREATE TABLE {shadow}.{table} (LIKE {live}.{table} INCLUDING ALL)")
        connection.execute(statement.format(table=Identifier(table), **shadow.names))
    connection.execute(sql.MAKE_DEFERRED.format(**shadow.names))


def _copy_table(connection: Connection[Any], shadow: Shadow, table: str) -> None:
    names = {"table": Identifier(table), **shadow.names}
    qualified = f"{shadow.live}.{table}"
    connection.execute(
        SQL(
            "CREATE TABLE {shadow}.{table} (LIKE {live}.{table} INCLUDING DEFAULTS"
            " INCLUDING CONSTRAINTS INCLUDING COMMENTS INCLUDING STORAGE INCLUDING COMPRESSION"
            " INCLUDING GENERATED INCLUDING IDENTITY INCLUDING STATISTICS)"
        ).format(**names)
    )
    options, comment, owner = connection.execute(sql.TABLE_OPTIONS, (qualified,)).fetchall()[0]
    if options:
        # From pg_class, which holds nothing but options that were accepted once.
        statement = SQL("ALTER TABLE {shadow}.{table} SET ({options})")
        connection.execute(statement.format(options=SQL(options), **names))
    if comment:
        statement = SQL("COMMENT ON TABLE {shadow}.{table} IS {comment}")
        connection.execute(statement.format(comment=comment, **names))
    statement = SQL("ALTER TABLE {shadow}.{table} OWNER TO {owner}")
    connection.execute(statement.format(owner=Identifier(owner), **names))
    for privilege, grantee, grantable in connection.execute(sql.TABLE_GRANTS, (qualified,)):
        statement = SQL("GRANT {privilege} ON {shadow}.{table} TO {grantee}{option}")
        connection.execute(
            statement.format(
                privilege=SQL(privilege),
                grantee=Identifier(grantee) if grantee else SQL("PUBLIC"),
                option=SQL(" WITH GRANT OPTION" if grantable else ""),
                **names,
            )
        )
