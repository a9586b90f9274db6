"""Looking at dead letters, discarding them, and carrying them as files."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from projections import dead_letter_sql as sql
from projections.dead_letters import DeadLetter
from schemas.record import Record

PAGE_SIZE = 100
"""Letters in memory at a time; one may weigh some megabytes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters: one by id, those of a fingerprint or projection, or all of a state."""

    projection: str | None = None
    fingerprint: str | None = None
    id: int | None = None
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one kind."""

    projection: str
    fingerprint: str
    error_class: str
    example: str
    count: int
    first_id: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """A dead letter without its record."""

    id: int
    projection: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    bytes: int | None
    """Of its value; None where it has none."""
    error_class: str
    message: str
    fingerprint: str
    first_seen: datetime
    last_seen: datetime
    attempts: int
    state: str


class StoredLetter(NamedTuple):
    """A dead letter as it is kept; ``headers`` and ``history`` are JSON."""

    id: int
    projection: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: list[list[str]]
    error_class: str
    message: str
    fingerprint: str
    first_seen: datetime
    last_seen: datetime
    attempts: int
    state: str
    history: list[dict[str, Any]]

    @property
    def record(self) -> Record:
        """The record, as it stood on the topic."""
        headers = tuple((name, base64.b64decode(value)) for name, value in self.headers)
        place = (self.topic, self.partition, self.offset, self.timestamp_ms)
        return Record(*place, self.key, self.value, headers)


def list_groups(
    connection: Connection[Any], *, state: str = "open", projection: str | None = None
) -> list[Group]:
    """Dead letters grouped by kind, the largest group first."""
    with connection.cursor(row_factory=class_row(Group)) as cursor:
        parameters = {"state": state, "projection": projection}
        return cursor.execute(sql.GROUPS, parameters).fetchall()


def count(connection: Connection[Any], selection: Selection) -> int:
    """How many are selected."""
    row = connection.execute(sql.COUNT, _parameters(selection)).fetchone()
    return 0 if row is None else int(row[0])


def get_letter(connection: Connection[Any], letter_id: int) -> StoredLetter | None:
    """One dead letter, whole; None where there is none of this id."""
    row = connection.execute(sql.GET, (letter_id,)).fetchone()
    return None if row is None else StoredLetter(*row)


def page(connection: Connection[Any], selection: Selection, after: int = 0) -> list[StoredLetter]:
    """Up to PAGE_SIZE letters with an id over ``after``."""
    parameters = _parameters(selection) | {"after": after, "limit": PAGE_SIZE}
    return [StoredLetter(*row) for row in connection.execute(sql.PAGE, parameters)]


def summaries(
    connection: Connection[Any], selection: Selection, after: int = 0, limit: int = PAGE_SIZE
) -> list[Summary]:
    """Up to ``limit`` letters with an id over ``after``, without their records."""
    parameters = _parameters(selection) | {"after": after, "limit": limit}
    with connection.cursor(row_factory=class_row(Summary)) as cursor:
        return cursor.execute(sql.SUMMARIES, parameters).fetchall()


def hold(connection: Connection[Any], ids: list[int]) -> list[StoredLetter]:
    """The open ones of these letters, locked, less those that another redrive holds."""
    return [StoredLetter(*row) for row in connection.execute(sql.HOLD, (ids,))]


def each(connection: Connection[Any], selection: Selection) -> Iterator[StoredLetter]:
    """Every selected letter, in the order of ids, a page at a time."""
    after = 0
    while letters := page(connection, selection, after):
        yield from letters
        after = letters[-1].id


def canaries(connection: Connection[Any], selection: Selection) -> list[int]:
    """The id of one open letter of each kind in the selection."""
    return [row[0] for row in connection.execute(sql.CANARIES, _parameters(selection))]


def settle(
    connection: Connection[Any], ids: list[int], state: str, *, attempts: int = 0, note: str = ""
) -> None:
    """Give the letters another state; what they were stays in their history."""
    parameters = {"ids": ids, "state": state, "attempts": attempts, "note": note}
    connection.execute(sql.SETTLE, parameters)


def discard(connection: Connection[Any], selection: Selection, reason: str) -> int:
    """Give the open letters up, with a reason that their history keeps; how many there were."""
    return connection.execute(sql.DISCARD, _parameters(selection) | {"reason": reason}).rowcount


def to_line(letter: StoredLetter) -> str:
    """A letter as a line of JSON; ``from_line`` makes the same record of it again."""
    return json.dumps(
        {
            "projection": letter.projection,
            "topic": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
            "timestamp_ms": letter.timestamp_ms,
            "key": _encoded(letter.key),
            "value": _encoded(letter.value),
            "headers": letter.headers,
            "error_class": letter.error_class,
            "message": letter.message,
        }
    )


def from_line(line: str) -> tuple[str, DeadLetter]:
    """The projection and the letter of an exported line. Raises ValueError, KeyError, TypeError."""
    fields = json.loads(line)
    headers = tuple((name, base64.b64decode(value)) for name, value in fields["headers"])
    record = Record(
        str(fields["topic"]),
        int(fields["partition"]),
        int(fields["offset"]),
        int(fields["timestamp_ms"]),
        _decoded(fields["key"]),
        _decoded(fields["value"]),
        headers,
    )
    letter = DeadLetter(record, str(fields["error_class"]), str(fields["message"]))
    return str(fields["projection"]), letter


def _encoded(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _decoded(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value, validate=True)


def _parameters(selection: Selection) -> dict[str, Any]:
    return {
        "projection": selection.projection,
        "fingerprint": selection.fingerprint,
        "id": selection.id,
        "state": selection.state,
    }
