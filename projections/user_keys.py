"""Users' keys: made when first needed, looked up by those who seal and unseal, destroyed for good.

A key is committed before anything is sealed with it, so whoever meets its id finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection

from projections.faults import database_complaint
from schemas.sealing import KeysUnavailable, SealingKey, new_key

OF_USERS = "SELECT user_id, key_id, key FROM user_keys WHERE user_id = ANY(%b::text[])"
MAKE = """
INSERT INTO user_keys (user_id, key_id, key)
SELECT * FROM unnest(%s::text[], %s::bytea[], %s::bytea[])
ON CONFLICT DO NOTHING
"""
BY_ID = "SELECT key_id, key FROM user_keys WHERE key_id = ANY(%b::bytea[])"
DESTROY = """
UPDATE user_keys SET key = NULL, user_id = NULL, destroyed_at = clock_timestamp()
WHERE user_id = %s RETURNING key_id
"""
DESTROYED = "SELECT key_id FROM user_keys WHERE destroyed_at > now() - interval '1 hour'"


def provide(connection: Connection[Any], user_ids: Collection[str]) -> dict[str, SealingKey]:
    """The users' keys; made for those who have none. The connection is in autocommit mode."""
    wanted = sorted(set(user_ids))
    found = _of_users(connection, wanted)
    missing = [user for user in wanted if user not in found]
    if missing:
        made = [new_key() for _ in missing]
        columns = (missing, [one.key_id for one in made], [one.key for one in made])
        connection.execute(MAKE, columns)
        # Another producer may have been quicker.
        found |= _of_users(connection, missing)
    return found


def _of_users(connection: Connection[Any], user_ids: list[str]) -> dict[str, SealingKey]:
    rows = connection.execute(OF_USERS, (user_ids,)).fetchall()
    return {user: SealingKey(bytes(key_id), bytes(key)) for user, key_id, key in rows}


def look_up(connection: Connection[Any], key_ids: Iterable[bytes]) -> dict[bytes, bytes | None]:
    """The keys of these ids; None for one that was destroyed. What never was is left out."""
    rows = connection.execute(BY_ID, (list(key_ids),)).fetchall()
    return {bytes(key_id): None if key is None else bytes(key) for key_id, key in rows}


def destroy(connection: Connection[Any], user_id: str) -> list[bytes]:
    """Destroy the user's key; the ids of what was destroyed. A later event gets a new one."""
    ids = [bytes(row[0]) for row in connection.execute(DESTROY, (user_id,))]
    if ids:
        # The old version of the row would lie in the table until somebody cleans up.
        connection.execute("VACUUM user_keys")
    return ids


class KeyTable:
    """producers.sealing.KeyStore over the database. One thread at a time uses it."""

    def __init__(self, connect: Callable[[], Connection[Any]]) -> None:
        self._connect = connect
        self._connection: Connection[Any] | None = None

    def provide(self, user_ids: Collection[str]) -> Mapping[str, SealingKey]:
        """See KeyStore."""
        with self._connected() as connection:
            return provide(connection, user_ids)

    def destroyed(self) -> frozenset[bytes]:
        """See KeyStore."""
        with self._connected() as connection:
            return frozenset(bytes(row[0]) for row in connection.execute(DESTROYED))

    def close(self) -> None:
        """Give up the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _connected(self) -> Iterator[Connection[Any]]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            yield self._connection
        except psycopg.Error as exc:
            self.close()
            said = database_complaint(exc) or " ".join(str(exc).split())
            raise KeysUnavailable(f"users' keys: {said}") from exc
