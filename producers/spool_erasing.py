"""Taking a user's events and tool calls out of a spool."""

from __future__ import annotations

import json
import sqlite3
from typing import NamedTuple

from producers import spool_sql as sql
from producers.intents import Intents
from producers.spool import Spool
from schemas.codec import decode
from schemas.errors import InvalidEvent
from schemas.events import Event, ImageGenerated


class Waiting(NamedTuple):
    """Where images of a user lie that only the spool knows of, by request."""

    urls: dict[str, str]
    """Of events that wait."""
    filenames: dict[str, str]
    """Of calls whose process died between the image and its event."""


def waiting_images(spool: Spool, user_id: str) -> Waiting:
    """Look before ``erase_user``: afterwards nobody knows of these images. Raises SpoolError."""
    waiting = Waiting({}, {})
    spool.sync()
    for _, value in spool.read(sql.ALL_EVENTS):
        event = _event_of(value, user_id)
        if event is not None and isinstance(event.data, ImageGenerated):
            waiting.urls[event.data.request_id] = event.data.storage_url
    with Intents(spool).of_the_dead() as intents:
        for intent in intents:
            if intent.request.user_id == user_id:
                for file in intent.files:
                    waiting.filenames[file.event.data.request_id] = file.filename
    return waiting


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
            if _event_of(value, user_id) is not None
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


def _event_of(value: bytes, user_id: str) -> Event | None:
    try:
        event = decode(value)
    except InvalidEvent:
        return None
    return event if getattr(event.data, "user_id", None) == user_id else None
