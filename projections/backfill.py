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

# Whatever the planner believes of the table: by its keys, and never the whole for a page of it.
PLAN_BY_KEY = """
SELECT set_config(name, 'off', false) FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan',
    'enable_sort', 'enable_hashjoin', 'enable_mergejoin']) AS name
"""

# No index knows which rows no event made; the primary key's order makes it one pass over the table.
# EXISTS might be turned into a hash of all request ids; a scalar subquery is a look-up. A URL may
# be an image of megabytes, so only its beginning comes along; and Python has no times that
# PostgreSQL calls infinity, or that are before Christ.
PAGE = """
SELECT id, nullif(request_id, ''), user_id, username, tool_name, prompt, model, size, quality,
    style, n, left(storage_url, %(most_url)s), octet_length(storage_url), storage_provider,
    mime_type, bytes, rtrim(sha256), tags, status, error, metadata::text, message_id,
    CASE WHEN created_at >= '1970-01-01Z' AND created_at < '9999-12-31Z' THEN created_at END,
    coalesce((SELECT true FROM deleted_images AS d
        WHERE d.request_id = coalesce(nullif(g.request_id, ''), 'backfill-' || g.id)), false),
    nullif(request_id, '') IS NULL AND coalesce((SELECT true FROM generated_images AS o
        WHERE o.request_id = 'backfill-' || g.id), false)
FROM generated_images AS g WHERE event_id IS NULL AND id > %(after)s ORDER BY id LIMIT %(limit)s
"""

URL_OF = "SELECT storage_url FROM generated_images WHERE id = %s"

HAS_LONG_URLS = "SELECT to_regclass('generated_images_long_urls') IS NOT NULL"

LONG_URLS = """
SELECT id, left(storage_url, %s), octet_length(storage_url) FROM generated_images_long_urls
WHERE id = ANY(%s)
"""

LONG_URL_OF = "SELECT storage_url FROM generated_images_long_urls WHERE id = %s"

NAME_ROWS = """
UPDATE generated_images AS g SET request_id = 'backfill-' || id
WHERE id = ANY(%s) AND event_id IS NULL AND nullif(request_id, '') IS NULL
    AND NOT EXISTS (SELECT FROM generated_images AS o WHERE o.request_id = 'backfill-' || g.id)
RETURNING id
"""

ANY_LETTER = """
SELECT FROM dead_letters WHERE projection = 'table' AND state = 'open' AND topic = %s LIMIT 1
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


class OldRows:
    """The rows that no event made; of each URL at most so many characters.

    The connection is planned for that from then on.
    """

    def __init__(self, connection: Connection[Any], most_url: int) -> None:
        self._connection = connection
        self._most_url = most_url
        connection.execute(PLAN_BY_KEY)
        (found,) = connection.execute(HAS_LONG_URLS).fetchall()
        self._set_aside = bool(found[0])

    def pages(self, size: int) -> Iterator[Sequence[OldRow]]:
        """They, by id, each once."""
        after = -(2**63)
        while True:
            bounds = {"after": after, "limit": size, "most_url": self._most_url}
            found = self._connection.execute(PAGE, bounds, prepare=True).fetchall()
            if found:
                yield self._with_long_urls([OldRow._make(row) for row in found])
                after = found[-1][0]
            if len(found) < size:
                return

    def whole_url(self, row: OldRow) -> str:
        """The row's URL; empty when the row is gone."""
        found = self._connection.execute(URL_OF, (row.id,)).fetchone()
        if self._set_aside and found == ("",):
            found = self._connection.execute(LONG_URL_OF, (row.id,)).fetchone()
        return "" if found is None else str(found[0])

    def _with_long_urls(self, page: list[OldRow]) -> list[OldRow]:
        """What adoption has set aside, put back."""
        empty = [row.id for row in page if not row.storage_url] if self._set_aside else []
        if not empty:
            return page
        found = self._connection.execute(LONG_URLS, (self._most_url, empty)).fetchall()
        urls = {number: {"storage_url": url, "url_bytes": size} for number, url, size in found}
        return [row._replace(**urls.get(row.id, {})) for row in page]


def name_rows(connection: Connection[Any], ids: Collection[int]) -> set[int]:
    """Write their made request ids into rows that have none; which got theirs."""
    return {row[0] for row in connection.execute(NAME_ROWS, (list(ids),))} if ids else set()


def lettered(connection: Connection[Any], topic: str, rows: Sequence[OldRow]) -> dict[int, int]:
    """Rows whose own event is an open dead letter, and the letter's id."""
    if connection.execute(ANY_LETTER, (topic,)).fetchone() is None:
        return {}
    by_name = {row.name: row for row in rows}
    keys = [name.encode() for name in by_name]
    found = {}
    for name, letter, value in connection.execute(LETTERS, (topic, keys)):
        row = by_name[name]
        if f'"id":"{row.event_id}"'.encode() in (value or b""):
            found[row.id] = letter
    return found
