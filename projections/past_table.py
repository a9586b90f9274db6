"""Giving a table that was built beside the live ones a name of its own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections.shadow import RebuildRefused, Shadow

NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
INDEXES = """
SELECT indexrelid::regclass::text, relname FROM pg_index JOIN pg_class ON oid = indexrelid
WHERE indrelid = %s::regclass
"""
COMMENT = "generated_images as of {}: what the log had until then"


def check_name(connection: Connection[Any], live: str, name: str) -> None:
    """Raises RebuildRefused when a table cannot be called so."""
    if not NAME.fullmatch(name):
        raise RebuildRefused(
            f"{name[:60]!r} is no name for a table: lower-case letters, digits and underscores, "
            "at most 40"
        )
    found = connection.execute("SELECT to_regclass(%s)", (f"{live}.{name}",)).fetchone()
    if found is not None and found[0] is not None:
        raise RebuildRefused(f"there is a {name} already: choose another name, or drop it")


def publish(connection: Connection[Any], shadow: Shadow, name: str, at: datetime) -> int:
    """Move the shadow's image table to the live schema under this name; how many rows it has.

    The rest of the shadow is dropped. One transaction.
    """
    names = {"name": Identifier(name), **shadow.names}
    with connection.transaction():
        for index, short in connection.execute(
            INDEXES, (f"{shadow.schema}.generated_images",)
        ).fetchall():
            rename = SQL(f"ALTER INDEX {index} RENAME TO {{}}")
            connection.execute(rename.format(Identifier(_own(short, name))))
        for statement in (
            "ALTER TABLE {shadow}.generated_images ALTER COLUMN id DROP DEFAULT",
            "ALTER TABLE {shadow}.generated_images RENAME TO {name}",
            "ALTER TABLE {shadow}.{name} SET SCHEMA {live}",
            "DROP SCHEMA {shadow} CASCADE",
        ):
            connection.execute(SQL(statement).format(**names))
        comment = SQL("COMMENT ON TABLE {live}.{name} IS {comment}")
        connection.execute(comment.format(comment=COMMENT.format(at.isoformat()), **names))
        rows = connection.execute(SQL("SELECT count(*) FROM {live}.{name}").format(**names))
        return int(rows.fetchall()[0][0])


def _own(index: str, name: str) -> str:
    """The index's name, of the new table."""
    return f"{name}_{index.removeprefix('idx_').removeprefix('generated_images_')}"[:63]
