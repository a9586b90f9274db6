"""Where a projection differs from one that was built anew at the same positions, and mending it.

The fresh one stands in a schema of its own (``projections.shadow``); the caller holds the live
positions still.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections import shadow_sql
from projections import statistics_sql as sums
from projections.shadow import Shadow
from projections.statistics import settle_alone

BY_REQUEST = {
    "table": ("generated_images", "image_relocations", "deleted_images"),
    "stats": ("statistics_requests",),
}
IN_SUM = ("statistics_sums", "statistics_members", "statistics_unsettled")
"""Rows that belong to no one request."""

DIFFERENCES = SQL("""
SELECT request_id,
    CASE WHEN l.request_id IS NULL THEN 'missing' WHEN s.request_id IS NULL THEN 'unfounded'
        ELSE 'changed' END,
    CASE WHEN l.request_id IS NOT NULL AND s.request_id IS NOT NULL THEN (
        SELECT array_agg(o.key ORDER BY o.key) FROM jsonb_each(to_jsonb(l)) AS o
        WHERE o.value IS DISTINCT FROM to_jsonb(s) -> o.key) END
FROM (SELECT * FROM {live}.{table} WHERE {made} AND {chosen}) AS l
    FULL JOIN (SELECT * FROM {shadow}.{table} WHERE {made} AND {chosen}) AS s USING (request_id)
WHERE l.request_id IS NULL OR s.request_id IS NULL OR s.* IS DISTINCT FROM l.*
ORDER BY request_id
""")
CHOSEN = SQL("request_id = ANY(%(ids)s::text[])")

VALUES = SQL("""
SELECT (SELECT to_jsonb(l) FROM {live}.{table} AS l WHERE request_id = %(id)s AND {made}),
    (SELECT to_jsonb(s) FROM {shadow}.{table} AS s WHERE request_id = %(id)s AND {made})
""")

UNLETTERED = SQL("""
SELECT s.partition, s."offset", s.error_class FROM {shadow}.dead_letters AS s
WHERE NOT EXISTS (SELECT FROM {live}.dead_letters AS l WHERE l.projection = s.projection
    AND l.topic = s.topic AND l.partition = s.partition AND l."offset" = s."offset")
""")

# A pair that is unsettled is judged by the requests, whatever the members say; the shadow has none.
MEMBERS = SQL("""
WITH wrong AS (
    (SELECT bucket, user_id, 'unfounded' AS kind FROM {live}.statistics_members
    EXCEPT SELECT bucket, user_id, 'unfounded' FROM {shadow}.statistics_members)
    UNION ALL
    (SELECT bucket, user_id, 'missing' FROM {shadow}.statistics_members
    EXCEPT SELECT bucket, user_id, 'missing' FROM {live}.statistics_members)
)
SELECT bucket || ' of ' || user_id, kind FROM wrong
WHERE (bucket, user_id) NOT IN (SELECT bucket, user_id FROM {live}.statistics_unsettled)
""")

REMOVE = SQL("DELETE FROM {live}.{table} WHERE request_id = ANY(%s::text[]) AND {made}")
RESTORE = SQL("""
INSERT INTO {live}.{table} SELECT * FROM {shadow}.{table}
WHERE request_id = ANY(%s::text[]) AND {made}
""")
OF_EVENTS = SQL("event_id IS NOT NULL")
ALL = SQL("true")
EVERYTHING = {"first": "", "end": "~", "shard": None, "by_total": False, "limit": None}
NEW_GENERATION = SQL("UPDATE {live}.statistics_generation SET generation = generation + 1")


class Difference(NamedTuple):
    """One thing that is not as the log says.

    ``kind``: missing (the log made it), unfounded (nothing in the log makes it) or changed.
    """

    projection: str
    table: str
    what: str
    """The request id, the bucket of a sum, or the place of a record."""
    kind: str
    columns: tuple[str, ...] = ()


class RowDiff(NamedTuple):
    """A row as it is and as it should be; None where there is none."""

    table: str
    request_id: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


def of_requests(live: Connection[Any], shadow: Shadow, ids: Sequence[str]) -> list[Difference]:
    """The differences of these requests."""
    return [
        difference
        for table in BY_REQUEST[shadow.projection]
        for difference in _of_table(live, shadow, table, ids)
    ]


def values_of(live: Connection[Any], shadow: Shadow, found: Sequence[Difference]) -> list[RowDiff]:
    """The rows that differ, with their old and new values."""
    diffs = []
    for one in found:
        names = {"table": Identifier(one.table), "made": _made(one.table), **shadow.names}
        (row,) = live.execute(VALUES.format(**names), {"id": one.what}).fetchall()
        diffs.append(RowDiff(one.table, one.what, *row))
    return diffs


def _of_table(
    live: Connection[Any], shadow: Shadow, table: str, ids: Sequence[str] | None
) -> Iterator[Difference]:
    statement = DIFFERENCES.format(
        table=Identifier(table),
        made=_made(table),
        chosen=ALL if ids is None else CHOSEN,
        **shadow.names,
    )
    rows = live.execute(statement, None if ids is None else {"ids": list(ids)}).fetchall()
    for request_id, kind, columns in rows:
        yield Difference(shadow.projection, table, request_id, kind, tuple(columns or ()))


def _made(table: str) -> SQL:
    return OF_EVENTS if table == "generated_images" else ALL


def find(live: Connection[Any], fresh: Connection[Any], shadow: Shadow) -> Iterator[Difference]:
    """Every difference. ``fresh`` finds the shadow's tables on its search_path.

    What processes left unsettled in the shadow, as they loaded it side by side, is settled first:
    whatever is unsettled there could not be told from damage here.
    """
    for table in BY_REQUEST[shadow.projection]:
        yield from _of_table(live, shadow, table, None)
    if shadow.projection == "stats":
        settle_alone(fresh)
        yield from _of_sums(live, fresh)
        for pair, kind in live.execute(MEMBERS.format(**shadow.names)):
            yield Difference("stats", "statistics_members", pair, kind)
    for partition, offset, error_class in live.execute(UNLETTERED.format(**shadow.names)):
        place = f"{partition}:{offset}"
        yield Difference(shadow.projection, "dead_letters", place, "missing", (error_class,))


def _of_sums(live: Connection[Any], fresh: Connection[Any]) -> Iterator[Difference]:
    told, right = (_told(connection) for connection in (live, fresh))
    names = ("total", "unique_users", "successful", "failed", "average")
    for bucket in sorted(told.keys() | right.keys()):
        here, there = told.get(bucket), right.get(bucket)
        if here is None or there is None:
            kind = "missing" if here is None else "unfounded"
            yield Difference("stats", "statistics_sums", bucket, kind)
        elif here != there:
            wrong = [name for name, a, b in zip(names, here, there, strict=True) if a != b]
            yield Difference("stats", "statistics_sums", bucket, "changed", tuple(wrong))


def _told(connection: Connection[Any]) -> dict[str, tuple[Any, ...]]:
    """The numbers of every bucket; labels are the first come, and any will do."""
    rows = connection.execute(sums.READ_BUCKETS, EVERYTHING)
    return {row[0]: tuple(row[1:6]) for row in rows}


def mend(
    connection: Connection[Any], shadow: Shadow, found: Sequence[Difference], *, lose: bool
) -> int:
    """Take over from the fresh tables what differs; how many differences that mended.

    In the caller's transaction. What is unfounded stays, unless ``lose`` says otherwise.
    """
    chosen = [one for one in found if lose or one.kind != "unfounded"]
    for table in BY_REQUEST[shadow.projection]:
        ids = [one.what for one in chosen if one.table == table]
        if ids:
            names = {"table": Identifier(table), "made": _made(table), **shadow.names}
            connection.execute(REMOVE.format(**names), (ids,))
            connection.execute(RESTORE.format(**names), (ids,))
    if any(one.projection == "stats" for one in chosen):
        _mend_sums(connection, shadow)
    if any(one.table == "dead_letters" for one in chosen):
        connection.execute(shadow_sql.ADD_DEAD_LETTERS.format(**shadow.names))
    return len(chosen)


def _mend_sums(connection: Connection[Any], shadow: Shadow) -> None:
    for table in IN_SUM:
        names = {"table": Identifier(table), **shadow.names}
        connection.execute(SQL("DELETE FROM {live}.{table}").format(**names))
        copy = SQL("INSERT INTO {live}.{table} SELECT * FROM {shadow}.{table}")
        connection.execute(copy.format(**names))
    # Workers remember members; they look anew when the generation is another.
    connection.execute(NEW_GENERATION.format(**shadow.names))
