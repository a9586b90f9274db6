"""Taking a user's events and tool calls out of a spool."""

from __future__ import annotations

import json
import sqlite3

from producers import spool_sql as sql
from producers.spool import Spool
from schemas.codec import decode
from schemas.errors import InvalidEvent


def erase_user(spool: Spool, user_id: str) -> int:
    """Remove what waits, was refused, or is under way of this user; how many that was.

    A call that is under way in a living process is forgotten, too: what it still makes it tells.
    Raises SpoolError.
    """
    removed: list[int] = []

    def work(connection: sqlite3.Connection) -> None:
        events = [
            (event_id,)
            for event_id, value in connection.execute(sql.ALL_EVENTS)
            if _is_of(value, user_id)
        ]
        calls = [
            (number,)
            for number, request in connection.execute(sql.ALL_INTENTS)
            if json.loads(request).get("user_id") == user_id
        ]
        connection.executemany(sql.REMOVE, events)
        connection.executemany(sql.CLOSE_INTENT, calls)
        removed[:] = [len(events) + len(calls)]

    spool.sync()
    spool.run(work)
    return removed[0]


def _is_of(value: bytes, user_id: str) -> bool:
    try:
        data = decode(value).data
    except InvalidEvent:
        return False
    return getattr(data, "user_id", None) == user_id
