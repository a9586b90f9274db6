"""Intents: tool calls that have begun and of which nothing is told yet, on disk.

Whoever finds the intent of a process that died tells it in that process's place.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from producers import spool_sql as sql
from producers.group_commit import Work
from producers.liveness import Owner, dead_owners
from producers.spool import Spool
from producers.spool_file import owners_folder
from schemas.codec import decode, encode
from schemas.events import GeneratedEvent, RequestData


class IntendedFile(NamedTuple):
    """An image that was about to be stored, and the event that was to tell of it."""

    number: int
    filename: str
    event: GeneratedEvent


class Intent(NamedTuple):
    """A tool call of which not everything is told."""

    id: int
    request: RequestData
    images: int
    """So many of its images are told."""
    files: tuple[IntendedFile, ...]


class Intents:
    """Of one spool. Every method raises SpoolError; what gives Work does nothing itself."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def open(self, request: RequestData) -> int:
        """The call begins; its number. Raises SpoolFull, before anything is generated in vain."""
        text = request.model_dump_json()
        row = (self._spool.owner, os.getpid(), time.time(), text)
        opened: list[int] = []

        def work(connection: sqlite3.Connection) -> None:
            number = connection.execute(sql.OPEN_INTENT, row).lastrowid
            assert number is not None  # noqa: S101  # of an INSERT
            opened[:] = [number]

        self._spool.run(work, adds=len(text))
        return opened[0]

    def open_file(self, intent: int, file: IntendedFile) -> None:
        """An image of the call is about to be stored."""
        row = (intent, file.number, file.filename, encode(file.event))
        self._spool.run(lambda connection: _do(connection, sql.OPEN_FILE, row))

    def close_file(self, intent: int, number: int) -> None:
        """It was not stored."""
        self._spool.later(lambda connection: _do(connection, sql.CLOSE_FILE, (intent, number)))

    def told_image(self, intent: int, number: int) -> Work[None]:
        """With the event that tells of the image."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(sql.CLOSE_FILE, (intent, number))
            connection.execute(sql.COUNT_IMAGE, (intent,))

        return work

    def told_all(self, intent: int) -> Work[None]:
        """With the last event of the call, or when all is told."""
        return lambda connection: _do(connection, sql.CLOSE_INTENT, (intent,))

    @contextmanager
    def of_the_dead(self) -> Iterator[list[Intent]]:
        """The intents of dead processes; those that are left afterwards are found again later."""
        folder = owners_folder(self._spool.path)
        owners = {str(owner) for (owner,) in self._spool.read(sql.INTENT_OWNERS)}
        dead = dead_owners(folder, owners - {self._spool.owner})
        taker = Owner(folder)
        try:
            for owner in dead:
                self._spool.run(partial(_do, query=sql.TAKE_INTENTS, row=(taker.name, owner)))
            yield [self._intent(row) for row in self._spool.read(sql.INTENTS_OF, taker.name)]
        finally:
            taker.release()

    def _intent(self, row: tuple[Any, ...]) -> Intent:
        intent, text, images = row
        files = []
        for number, filename, value in self._spool.read(sql.FILES_OF, intent):
            event = decode(value)
            assert isinstance(event, GeneratedEvent)  # noqa: S101  # as it was written
            files.append(IntendedFile(number, filename, event))
        return Intent(intent, RequestData.model_validate_json(text), images, tuple(files))


def _do(connection: sqlite3.Connection, query: str, row: tuple[object, ...]) -> None:
    connection.execute(query, row)
