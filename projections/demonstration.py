"""The demonstration's own database, made anew each time; no other is ever dropped."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

DATABASE = "omega_demo"

DROP = "DROP DATABASE IF EXISTS omega_demo WITH (FORCE)"
CREATE = "CREATE DATABASE omega_demo"


def recreate_database(connection: Connection[Any]) -> None:
    """An empty ``omega_demo``; needs autocommit and another database. Raises psycopg.Error."""
    connection.execute(DROP)
    connection.execute(CREATE)
