"""Dead letters: records that cannot be projected, kept whole, with the reason."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import Connection

from projections import dead_letter_sql as sql
from schemas.record import Record

MAX_MESSAGE = 1000


class DeadLetter(NamedTuple):
    """A record that was set aside; error_class is a stable short name, message says why."""

    record: Record
    error_class: str
    message: str


def store(connection: Connection[Any], projection: str, letters: Sequence[DeadLetter]) -> None:
    """Keep the records, in the transaction that advances the position past them.

    A record that is set aside once more (a replay, a redrive that failed) keeps its history and
    counts its attempts. Raises psycopg.Error.
    """
    if not letters:
        return
    with connection.cursor() as cursor:
        cursor.executemany(sql.STORE, [_row(projection, letter) for letter in letters])


def restore(connection: Connection[Any], projection: str, letters: Sequence[DeadLetter]) -> int:
    """Add letters that were exported; those that are there already stay as they are.

    How many were added. Raises psycopg.Error.
    """
    with connection.cursor() as cursor:
        cursor.executemany(sql.RESTORE, [_row(projection, letter) for letter in letters])
        return cursor.rowcount


def fingerprint(error_class: str, message: str) -> str:
    """Twelve hex digits, equal for faults of one kind: quoted text and numbers do not count."""
    kind = re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "?", message.lower())
    return hashlib.sha256(f"{error_class}\n{kind}".encode("utf-8", "replace")).hexdigest()[:12]


def _row(projection: str, letter: DeadLetter) -> tuple[Any, ...]:
    record = letter.record
    message = printable(letter.message)[:MAX_MESSAGE]
    headers = [[printable(k), base64.b64encode(v or b"").decode()] for k, v in record.headers]
    return (
        projection,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        record.key,
        record.value,
        json.dumps(headers),
        letter.error_class,
        message,
        fingerprint(letter.error_class, message),
    )


def printable(text: str) -> str:
    """The text without what Postgres cannot hold: NUL and lone surrogates are shown escaped."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
