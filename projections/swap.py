"""Putting a shadow in the live tables' place, and taking it back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections import shadow_sql as sql
from projections.positions import Claim, ProjectionKey, announce, lock_positions, lock_projection
from projections.shadow import RebuildRefused, Shadow, drop_schema, exists
from schemas.record import FIRST_LOG_ID

READERS_WAIT = "50ms"
"""For the lock that readers queue up behind: when it is not to be had, give way and try again."""
WRITERS_WAIT = "10s"
DEADLINE_S = 120.0

Positions = Mapping[int, Claim]


def lock_live(connection: Connection[Any], key: ProjectionKey) -> Positions:
    """Hold the workers and redrives back until the transaction ends; where the workers are."""
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (WRITERS_WAIT,))
    lock_projection(connection, key.projection, exclusive=True)
    return lock_positions(connection, key, range(1024))


def swap(
    connection: Connection[Any],
    shadow: Shadow,
    key: ProjectionKey,
    catch_up: Callable[[Positions], None],
    look: Callable[[], object],
    *,
    patient: bool = True,
) -> int:
    """Put the shadow in the live tables' place, in one transaction; how many tries it took.

    ``catch_up`` brings the shadow to the given live positions, over a connection of its own.
    ``look`` is called in each try when both are at the same place and nobody writes to the live
    tables: to carry over, to compare, or to refuse by an exception. The old tables and positions go
    to the previous schema. Raises RebuildRefused when the locks cannot be had in DEADLINE_S; or
    returns 0, not ``patient``, when they were not to be had at once.
    """
    parameters = {"projection": key.projection, "topic": key.topic}
    names = {**shadow.names, "source": shadow.names["shadow"]}

    def once() -> None:
        catch_up(lock_live(connection, key))
        _lock_tables(connection, shadow, "SHARE ROW EXCLUSIVE", "1s")
        look()
        _exchange_positions(connection, shadow, names, parameters)
        connection.execute(sql.ADD_DEAD_LETTERS.format(**names))
        connection.execute(sql.SETTLE_DEAD_LETTERS.format(**names), parameters)
        connection.execute(sql.FORGET_STATE.format(**names))
        _exchange_tables(connection, shadow, names)
        if key.projection == "table":
            connection.execute(sql.FOLLOW_OLD_IDS, {"first": FIRST_LOG_ID})
        announce(connection, key)

    drop_schema(connection, shadow.replaced)
    tries = _until_locked(connection, once, patient=patient)
    if tries:
        # Which waits for the disk, and so for all that was committed before.
        drop_schema(connection, shadow.schema)
        # The swap is done, whoever still reads what was kept; the next rebuild drops it.
        with suppress(psycopg.errors.LockNotAvailable):
            drop_schema(connection, shadow.replaced)
    return tries


def roll_back(connection: Connection[Any], shadow: Shadow, key: ProjectionKey) -> int:
    """Take the last swap back, with the positions of then; what it had put in place is kept, too.

    Raises RebuildRefused when there is nothing to go back to.
    """
    if not exists(connection, shadow.previous):
        raise RebuildRefused(
            f"there is nothing to roll {key.projection} back to: no rebuild has replaced it"
        )

    parameters = {"projection": key.projection, "topic": key.topic}
    names = {**shadow.names, "source": shadow.names["replaced"]}

    def once() -> None:
        lock_live(connection, key)
        _exchange_positions(connection, shadow, names, parameters)
        connection.execute(sql.RESTORE_LETTERS.format(**names))
        _exchange_tables(connection, shadow, names)
        announce(connection, key)

    drop_schema(connection, shadow.replaced)
    tries = _until_locked(connection, once)
    drop_schema(connection, shadow.replaced)
    return tries


def _exchange_positions(
    connection: Connection[Any],
    shadow: Shadow,
    names: Mapping[str, Identifier],
    parameters: Mapping[str, str],
) -> None:
    """Make room for the tables that are live now, and take over the source's positions."""
    if exists(connection, shadow.previous):
        connection.execute(SQL("ALTER SCHEMA {previous} RENAME TO {replaced}").format(**names))
    connection.execute(SQL("CREATE SCHEMA {previous}").format(**names))
    for statement in (
        sql.SAVE_POSITIONS,
        sql.SAVE_LETTERS,
        sql.RESET_POSITIONS,
        sql.SET_POSITIONS,
    ):
        connection.execute(statement.format(**names), parameters)


def _exchange_tables(
    connection: Connection[Any], shadow: Shadow, names: Mapping[str, Identifier]
) -> None:
    """The live tables to the previous schema, the source's to the live one.

    Readers wait from here until the transaction has ended. So it does not wait for the disk: the
    next commit does, before anybody is told. PostgreSQL waits all the same where tables are
    dropped, which is therefore left for then.
    """
    _lock_tables(connection, shadow, "ACCESS EXCLUSIVE", READERS_WAIT)
    connection.execute("SELECT set_config('synchronous_commit', 'off', true)")
    for table in shadow.tables:
        place = {"table": Identifier(table), **names}
        sequences = connection.execute(sql.SEQUENCES, (f"{shadow.live}.{table}",)).fetchall()
        for sequence, _ in sequences:
            connection.execute(SQL(f"ALTER SEQUENCE {sequence} OWNED BY NONE"))
        for statement in (
            "ALTER TABLE {live}.{table} SET SCHEMA {previous}",
            "ALTER TABLE {source}.{table} SET SCHEMA {live}",
        ):
            connection.execute(SQL(statement).format(**place))
        for sequence, column in sequences:
            owned = SQL(f"ALTER SEQUENCE {sequence} OWNED BY {{live}}.{{table}}.{{column}}")
            connection.execute(owned.format(column=Identifier(column), **place))


def _lock_tables(connection: Connection[Any], shadow: Shadow, mode: str, wait: str) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (wait,))
    tables = [SQL("{live}.{}").format(Identifier(t), **shadow.names) for t in shadow.tables]
    statement = SQL("LOCK TABLE {} IN {} MODE").format(SQL(", ").join(tables), SQL(mode))
    connection.execute(statement)


def _until_locked(
    connection: Connection[Any], once: Callable[[], None], *, patient: bool = True
) -> int:
    deadline = time.monotonic() + DEADLINE_S
    tries = 0
    while True:
        tries += 1
        try:
            with connection.transaction():
                once()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as exc:
            if not patient:
                return 0
            if time.monotonic() > deadline:
                raise RebuildRefused(
                    f"the tables could not be locked in {DEADLINE_S:.0f} s: somebody reads or "
                    "writes them for long; look at pg_stat_activity, then try again"
                ) from exc
            time.sleep(random.uniform(0.1, 0.5))  # noqa: S311  jitter
        else:
            return tries
