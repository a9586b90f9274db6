"""Connections to PostgreSQL, with the time-outs that keep a lost or frozen client harmless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection, conninfo

__all__ = ["LOCK_S", "Connection", "DatabaseError", "connection_info", "connector"]

DatabaseError = psycopg.Error
"""Whatever the database or the way to it raises."""

CONNECT_S = 5
IDLE_IN_TRANSACTION_S = 15
"""A worker that freezes between two statements loses its session, and its locks, after this."""
STATEMENT_S = 120
LOCK_S = 20.0
SILENCE_S = 20
"""A server that acknowledges nothing for so long is taken for gone."""


def connector(
    database_url: str, name: str, *, search_path: str | None = None, lock_s: float = LOCK_S
) -> Callable[[], Connection[Any]]:
    """A function that opens connections in autocommit mode, to the writable server.

    ``search_path`` is for those that fill a shadow. Their commits do not wait for the disk:
    what ends a rebuild does, and whatever was committed before is then on the disk, too. The
    function raises psycopg.OperationalError.
    """
    url = connection_info(database_url, name, search_path=search_path, lock_s=lock_s)

    def connect() -> Connection[Any]:
        return psycopg.connect(url, autocommit=True)

    return connect


def connection_info(
    database_url: str, name: str, *, search_path: str | None = None, lock_s: float = LOCK_S
) -> str:
    """The URL with all time-outs; ``name`` is the application_name, cut to 63 bytes by the server.

    Holds the password: not for logs.
    """
    options = {
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S}s",
        "statement_timeout": f"{STATEMENT_S}s",
        "lock_timeout": f"{lock_s * 1000:.0f}ms",
        "timezone": "UTC",
    }
    if search_path is not None:
        options |= {"search_path": search_path, "synchronous_commit": "off"}
    return conninfo.make_conninfo(
        database_url,
        application_name=name,
        connect_timeout=CONNECT_S,
        target_session_attrs="read-write",
        tcp_user_timeout=SILENCE_S * 1000,
        keepalives_idle=5,
        keepalives_interval=5,
        keepalives_count=3,
        options=" ".join(f"-c {key}={value}" for key, value in options.items()),
    )
