"""Pools of connections for many readers, which find a database again as soon as it is back."""

from __future__ import annotations

from typing import Any

from psycopg_pool import ConnectionPool

from projections.connections import Connection, connection_info


def open_pool(
    database_url: str, name: str, *, least: int, most: int, wait_s: float
) -> ConnectionPool[Connection[Any]]:
    """A pool of ``least`` to ``most`` connections in autocommit mode; close it.

    Whoever gets none within ``wait_s`` is told psycopg_pool.PoolTimeout.
    """
    return ConnectionPool(
        connection_info(database_url, name),
        kwargs={"autocommit": True},
        min_size=least,
        max_size=most,
        timeout=wait_s,
        # It tries at intervals that double, by default for five minutes: after an outage of two
        # it would stay away for two more. What is given up the next request begins anew.
        reconnect_timeout=wait_s,
        # One that broke while it lay here is replaced, and nobody sees it.
        check=ConnectionPool.check_connection,
        open=True,
    )
