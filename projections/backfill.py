"""Rows that no event made: reading them in the order of their ids, and giving them request ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

PREFIX = "backfill-"
"""Of the request ids and event ids that are made; the row's id follows."""

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('omega-images/backfill', 0))"

COUNT = "SELECT count(*) FROM generated_images WHERE event_id IS NULL"

# No index knows which rows no event made; the primary key's order makes it one pass over the table.
# A URL may be an image of megabytes, so only its beginning comes along; and Python has no times
# that PostgreSQL calls infinity, or that are before Christ.
PAGE = """
SELECT id, nullif(request_id, ''), user_id, username, tool_name, prompt, model, size, quality,
    style, n, left(storage_url, %(most_url)s), octet_length(storage_url), storage_provider,
    mime_type, bytes, rtrim(sha256), tags, status, error, metadata::text, message_id,
    CASE WHEN created_at >= '1970-01-01Z' AND created_at < '9999-12-31Z' THEN created_at END,
    EXISTS (SELECT FROM deleted_images AS d
        WHERE d.request_id = coalesce(nullif(g.request_id, ''), 'backfill-' || g.id)),
    nullif(request_id, '') IS NULL AND EXISTS (SELECT FROM generated_images AS o
        WHERE o.request_id = 'backfill-' || g.id)
FROM generated_images AS g WHERE event_id IS NULL AND id > %(after)s ORDER BY id LIMIT %(limit)s
"""

URL_OF = "SELECT storage_url FROM generated_images WHERE id = %s"

NAME_ROWS = """
UPDATE generated_images AS g SET request_id = 'backfill-' || id
WHERE id = ANY(%s) AND event_id IS NULL AND nullif(request_id, '') IS NULL
    AND NOT EXISTS (SELECT FROM generated_images AS o WHERE o.request_id = 'backfill-' || g.id)
RETURNING id
"""

LETTERS = """
SELECT convert_from(key, 'UTF8'), id, value FROM dead_letters
WHERE projection = 'table' AND state = 'open' AND topic = %s AND key = ANY(%s::bytea[])
"""


class OldRow(NamedTuple):
    """A row that no event made."""

    id: int
    request_id: str | None
    user_id: str
    username: str | None
    tool_name: str
    prompt: str
    model: str | None
    size: str | None
    quality: str | None
    style: str | None
    n: int | None
    storage_url: str
    """Its beginning, when it is longer than an event's may be."""
    url_bytes: int
    storage_provider: str | None
    mime_type: str | None
    bytes: int | None
    sha256: str | None
    tags: list[Any] | None
    status: str
    error: str | None
    metadata: str | None
    """As JSON."""
    message_id: str | None
    created_at: datetime | None
    """None for a time that no event can have."""
    deleted: bool
    """Its request was deleted by an event."""
    taken: bool
    """It has no request id, and another row has the one that it would get."""

    @property
    def name(self) -> str:
        """The request id that it has, or that is made for it."""
        return self.request_id or self.event_id

    @property
    def event_id(self) -> str:
        """Of the event that it becomes."""
        return f"{PREFIX}{self.id}"


def hold_alone(connection: Connection[Any]) -> bool:
    """Be the only backfill for as long as the connection stands; False when another is one."""
    return bool(connection.execute(TRY_LOCK).fetchall()[0][0])


def count_unmade(connection: Connection[Any]) -> int:
    """How many rows no event made."""
    return int(connection.execute(COUNT).fetchall()[0][0])


def pages(connection: Connection[Any], size: int, most_url: int) -> Iterator[Sequence[OldRow]]:
    """The rows that no event made, by id, each once; of each URL at most so many characters."""
    after = -(2**63)
    while True:
        bounds = {"after": after, "limit": size, "most_url": most_url}
        rows = connection.execute(PAGE, bounds, prepare=True).fetchall()
        if rows:
            yield [OldRow._make(row) for row in rows]
            after = rows[-1][0]
        if len(rows) < size:
            return


def whole_url(connection: Connection[Any], row: OldRow) -> str:
    """The row's storage_url; empty when the row is gone."""
    found = connection.execute(URL_OF, (row.id,)).fetchone()
    return "" if found is None else str(found[0])


def name_rows(connection: Connection[Any], ids: Collection[int]) -> set[int]:
    """Write their made request ids into rows that have none; which got theirs."""
    return {row[0] for row in connection.execute(NAME_ROWS, (list(ids),))} if ids else set()


def lettered(connection: Connection[Any], topic: str, rows: Sequence[OldRow]) -> dict[int, int]:
    """Rows whose own event is an open dead letter, and the letter's id."""
    by_name = {row.name: row for row in rows}
    keys = [name.encode() for name in by_name]
    found = {}
    for name, letter, value in connection.execute(LETTERS, (topic, keys)):
        row = by_name[name]
        if f'"id":"{row.event_id}"'.encode() in (value or b""):
            found[row.id] = letter
    return found
