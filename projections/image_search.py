"""Pages of images by key, with any filters; each costs about the same, however far it is.

Statements are composed from the constants of this module; what is asked for goes in as parameters.
Three ways to find a page, each bounded:

1. Filters that an index has in the order of the page (user, tool, time, none) are read from it.
2. Others are looked for in a stretch of that same order, which is short at first.
3. If that did not fill the page, an index on the filter itself (tags, metadata, failures) gives
   all matches, as long as they are few; else stretch follows stretch until the page is full or
   the time is up. The page is short then, and its cursor goes on from where the search stopped.
"""

from __future__ import annotations

import base64
import json
import time
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.sql import SQL, Composed

from projections.image_filters import EVERYTHING, Filters
from projections.images import DEFAULT_LIMIT, GeneratedImageRecord, checked_limit

FIRST_STRETCH = 2_000
"""Rows that are looked through before anything else is tried."""

STRETCH = 10_000
FEW = 20_000
"""Matches of an index that are sorted for a page; where there are more, a stretch has some."""

PATIENCE_S = 0.5
"""No further stretch is begun after this."""

_COLUMNS = SQL(", ").join(map(SQL, GeneratedImageRecord.__slots__))
_AND = SQL(" AND ")

# What an index has in the order of the page; the first of them that is given is the one to read.
_BOUNDS = {
    "user_id": SQL("user_id = %(user_id)s"),
    "tool_name": SQL("tool_name = %(tool_name)s"),
    "since": SQL("created_at >= %(since)s"),
    "until": SQL("created_at < %(until)s"),
}
_REST = {
    "tool_name": _BOUNDS["tool_name"],
    "status": SQL("status = %(status)s"),
    "model": SQL("model = %(model)s"),
    "storage_provider": SQL("storage_provider = %(storage_provider)s"),
    "tag": SQL("tags @> ARRAY[%(tag)s::text]"),
    "metadata": SQL("metadata @> %(metadata)s::jsonb"),
    "with_words": SQL("prompt ILIKE ALL(%(with_words)s::text[])"),
    "without_words": SQL("NOT prompt ILIKE ANY(%(without_words)s::text[])"),
}
_FAILED = SQL("status <> 'success'")
"""As the document asks for failures, and as their index has them."""

_INDEXED = frozenset({"tag", "metadata"})


class _Way(NamedTuple):
    """An order, and what lies after and up to a place in it."""

    order: SQL
    after: SQL
    up_to: SQL


# The planner has no idea of how many rows a comparison of pairs leaves; of one of times it has.
_NEWEST = _Way(
    SQL("ORDER BY created_at DESC, id DESC"),
    SQL("created_at <= %(at)s AND (created_at, id) < (%(at)s, %(id)s::bigint)"),
    SQL("created_at >= %(end_at)s AND (created_at, id) >= (%(end_at)s, %(end_id)s::bigint)"),
)
_OLDEST = _Way(
    SQL("ORDER BY created_at, id"),
    SQL("created_at >= %(at)s AND (created_at, id) > (%(at)s, %(id)s::bigint)"),
    SQL("created_at <= %(end_at)s AND (created_at, id) <= (%(end_at)s, %(end_id)s::bigint)"),
)

_PLAIN = SQL("SELECT {columns} FROM generated_images WHERE {bounds} {order} LIMIT %(limit)s")

_END_OF_STRETCH = SQL("""
SELECT created_at, id FROM generated_images WHERE {bounds} {order} OFFSET %(stretch)s LIMIT 1
""")

# OFFSET 0 keeps the other conditions out: the stretch is read in its order, whatever they are.
_IN_STRETCH = SQL("""
SELECT {columns} FROM (
    SELECT {columns} FROM generated_images WHERE {bounds} {order} OFFSET 0
) AS stretch WHERE {rest} {order} LIMIT %(limit)s
""")

# Without an order inside, the planner is free to take the index on the filter.
_FEW_MATCHES = SQL("""
WITH matches AS MATERIALIZED (
    SELECT id, created_at FROM generated_images WHERE {bounds} AND {rest} LIMIT %(few)s + 1
), page AS (
    SELECT id FROM matches WHERE (SELECT count(*) FROM matches) <= %(few)s
    {order} LIMIT %(limit)s
)
SELECT (SELECT count(*) FROM matches) <= %(few)s, ARRAY(SELECT id FROM page)
""")

_BY_ID = SQL("SELECT {columns} FROM generated_images WHERE id = ANY(%(ids)s) {order}")


class Place(NamedTuple):
    """Where in the order: at an image that is, or was, there."""

    at: datetime
    id: int


class Page(NamedTuple):
    """Some images, and where the next ones begin; None: there are no more."""

    images: list[GeneratedImageRecord]
    next_cursor: str | None
    searched_to: datetime | None = None
    """How far the search came, if it ended before the page was full or all was seen."""


class InvalidCursor(ValueError):
    """A cursor is not one that list_page has given."""


def list_page(
    connection: Connection[Any],
    filters: Filters = EVERYTHING,
    *,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    oldest_first: bool = False,
    patience_s: float = PATIENCE_S,
) -> Page:
    """A page of images and the cursor of the next; every page costs the same, however far.

    Each image that is there throughout is met once, whatever is added meanwhile. A page may be
    short, even empty, and yet have a cursor: the search then took longer than ``patience_s``.
    The cursor is a place; with the other order it leads back. Raises InvalidCursor, InvalidFilter,
    and ValueError for a limit outside 1 to 1,000.
    """
    place = None if cursor is None else decode_cursor(cursor)
    search = _Search(connection, filters, oldest_first=oldest_first)
    if not search.has_rest:
        return _page(search.plain(place, checked_limit(limit) + 1), limit)
    return _searched(search, place, checked_limit(limit), time.monotonic() + patience_s)


def _searched(search: _Search, place: Place | None, limit: int, deadline: float) -> Page:
    found: list[GeneratedImageRecord] = []
    stretch = FIRST_STRETCH
    while True:
        end = search.end_of_stretch(place, stretch)
        found += search.in_stretch(place, end, limit + 1 - len(found))
        if end is None or len(found) > limit:
            return _page(found, limit)
        place = end
        if stretch == FIRST_STRETCH and search.has_index:
            matches = search.few_matches(place, limit + 1 - len(found))
            if matches is not None:
                return _page(found + matches, limit)
        if time.monotonic() >= deadline:
            return Page(found, encode_cursor(place), place.at)
        stretch = STRETCH


def _page(found: list[GeneratedImageRecord], limit: int) -> Page:
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], encode_cursor(Place(last.created_at, last.id)))


class _Search:
    """The statements for some filters, in one of the two orders."""

    def __init__(
        self, connection: Connection[Any], filters: Filters, *, oldest_first: bool
    ) -> None:
        self._connection = connection
        self._way = _OLDEST if oldest_first else _NEWEST
        self._given = filters.parameters()
        bounds = [name for name in _BOUNDS if name in self._given]
        if "user_id" in bounds and "tool_name" in bounds:
            bounds.remove("tool_name")
        self._bounds = [_BOUNDS[name] for name in bounds]
        rest = [name for name in _REST if name in self._given and name not in bounds]
        failed = self._given.get("status") == "failed"
        self._rest = _AND.join(
            _FAILED if failed and name == "status" else _REST[name] for name in rest
        )
        self.has_rest = bool(rest)
        self.has_index = failed or not _INDEXED.isdisjoint(rest)

    def plain(self, place: Place | None, limit: int) -> list[GeneratedImageRecord]:
        """The next images, when the bounds are all that is asked for."""
        return self._images(_PLAIN, place, None, limit)

    def end_of_stretch(self, place: Place | None, stretch: int) -> Place | None:
        """The last place of the next so many images; None when there are not so many."""
        statement = self._compose(_END_OF_STRETCH, place, None)
        parameters = self._parameters(place, None) | {"stretch": stretch - 1}
        row = self._connection.execute(statement, parameters, prepare=False).fetchone()
        return None if row is None else Place(*row)

    def in_stretch(
        self, place: Place | None, end: Place | None, limit: int
    ) -> list[GeneratedImageRecord]:
        """The images that meet all filters after ``place`` and up to ``end``, which is included."""
        return self._images(_IN_STRETCH, place, end, limit)

    def few_matches(self, place: Place, limit: int) -> list[GeneratedImageRecord] | None:
        """The next images that meet all filters; None where very many do."""
        statement = self._compose(_FEW_MATCHES, place, None)
        parameters = self._parameters(place, None) | {"few": FEW, "limit": limit}
        cursor = self._connection.execute(statement, parameters, prepare=False)
        are_few, ids = cursor.fetchall()[0]
        if not are_few:
            return None
        by_id = _BY_ID.format(columns=_COLUMNS, order=self._way.order)
        with self._connection.cursor(row_factory=class_row(GeneratedImageRecord)) as reader:
            return reader.execute(by_id, {"ids": ids}).fetchall()

    def _images(
        self, statement: SQL, place: Place | None, end: Place | None, limit: int
    ) -> list[GeneratedImageRecord]:
        parameters = self._parameters(place, end) | {"limit": limit}
        composed = self._compose(statement, place, end)
        with self._connection.cursor(row_factory=class_row(GeneratedImageRecord)) as reader:
            # Never prepared: a plan for any value would not know a rare tool from a common one.
            return reader.execute(composed, parameters, prepare=False).fetchall()

    def _compose(self, statement: SQL, place: Place | None, end: Place | None) -> Composed:
        bounds = list(self._bounds)
        if place is not None:
            bounds.append(self._way.after)
        if end is not None:
            bounds.append(self._way.up_to)
        return statement.format(
            columns=_COLUMNS,
            bounds=_AND.join(bounds or [SQL("true")]),
            rest=self._rest,
            order=self._way.order,
        )

    def _parameters(self, place: Place | None, end: Place | None) -> dict[str, Any]:
        here = {} if place is None else {"at": place.at, "id": place.id}
        there = {} if end is None else {"end_at": end.at, "end_id": end.id}
        return self._given | here | there


def encode_cursor(place: Place) -> str:
    """The place as a word that may stand in a URL."""
    text = json.dumps([place.at.isoformat(), place.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Place:
    """The place that a page's cursor names. Raises InvalidCursor."""
    refused = f"cursor {cursor[:40]!a}: is none that a page has given; begin without one"
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        at, image_id = json.loads(text)
        when = datetime.fromisoformat(at)
    except (ValueError, TypeError, RecursionError) as exc:
        raise InvalidCursor(refused) from exc
    if when.tzinfo is None or type(image_id) is not int or not 0 <= image_id < 2**63:
        raise InvalidCursor(refused)
    return Place(when, image_id)
