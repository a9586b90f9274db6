"""Images on their way out, and what is kept about users that were erased.

A line in image_removals is written before anything is told or removed, and goes last: a crash
leaves it, and the next run goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from projections.shadow import KINDS, TABLES, Shadow

PLAN = """
INSERT INTO image_removals (request_id, reason, deleted_by, erasure_id, files)
SELECT wanted, %(reason)s, %(deleted_by)s, %(erasure_id)s, to_jsonb(array_remove(array[
    nullif(i.storage_url, ''), r.storage_url, r.original_storage_url, url], NULL))
FROM unnest(%(ids)s::text[], %(urls)s::text[]) AS planned (wanted, url)
    LEFT JOIN generated_images AS i ON i.request_id = wanted
    LEFT JOIN image_relocations AS r ON r.request_id = wanted
    LEFT JOIN deleted_images AS d ON d.request_id = wanted
WHERE d.reason IS DISTINCT FROM %(reason)s
ON CONFLICT (request_id) DO NOTHING
"""
OPEN = """
SELECT request_id, reason, deleted_by, planned_at, ARRAY(SELECT jsonb_array_elements_text(files))
FROM image_removals
WHERE request_id > %s AND (%s::bigint IS NULL OR erasure_id = %s) ORDER BY request_id LIMIT %s
"""
COUNT_OPEN = "SELECT count(*) FROM image_removals"
STILL_USED = "SELECT storage_url FROM generated_images WHERE storage_url = ANY(%s::text[])"
STILL_THERE = "SELECT request_id FROM generated_images WHERE request_id = ANY(%s::text[])"
DONE = "DELETE FROM image_removals WHERE request_id = ANY(%s::text[])"
USES_GONE = "DELETE FROM image_uses WHERE request_id = ANY(%s::text[])"

NAME_ROWS = """
UPDATE generated_images SET request_id = 'row-' || id
WHERE user_id = %s AND request_id IS NULL
"""
OF_USER = """
SELECT request_id FROM generated_images WHERE user_id = %(user)s
UNION SELECT request_id FROM statistics_requests WHERE user_id = %(user)s
"""
LETTERS_GONE = """
DELETE FROM {}
WHERE position(%s::bytea IN value) > 0 OR position(%s::bytea IN value) > 0
"""
KEPT = """
SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s) AND tablename = ANY(%s)
"""
# Sums stay as they were, for a rollback; what stands for an error that was this user's alone goes.
LABELS_GONE = SQL("""
UPDATE {schema}.statistics_sums SET label = NULL
WHERE label IS NOT NULL AND bucket IN (
    SELECT 'error=' || error_fingerprint FROM {schema}.statistics_requests
    WHERE error_fingerprint IS NOT NULL GROUP BY error_fingerprint HAVING bool_and(user_id = %s))
""")
COPIES = """
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    AND obj_description(c.oid, 'pg_class') LIKE 'generated_images as of %%'
"""

BEGIN = "INSERT INTO erasures (user_id, requested_by, receipt) VALUES (%s, %s, '{}') RETURNING id"
BEGUN = """
SELECT id, requested_at, receipt FROM erasures
WHERE user_id = %s AND finished_at IS NULL ORDER BY id LIMIT 1
"""
NOTE = "UPDATE erasures SET receipt = receipt || %s::jsonb WHERE id = %s RETURNING receipt"
FINISH = "UPDATE erasures SET finished_at = clock_timestamp() WHERE id = %s RETURNING finished_at"


class Removal(NamedTuple):
    """An image that is being removed, and the URLs under which its bytes may lie."""

    request_id: str
    reason: str
    deleted_by: str | None
    planned_at: datetime
    files: list[str]


class Erasure(NamedTuple):
    """A user's erasure that has begun."""

    id: int
    requested_at: datetime
    receipt: dict[str, Any]


def plan(
    connection: Connection[Any],
    requests: Mapping[str, str | None],
    reason: str,
    *,
    deleted_by: str | None = None,
    erasure_id: int | None = None,
) -> int:
    """Note that these are to be removed, with where their bytes lie; how many are new.

    ``requests`` are ids, with a URL that the caller knows of. What is gone already for the same
    reason is passed over.
    """
    ids = sorted(requests)
    parameters = {
        "ids": ids,
        "urls": [requests[one] for one in ids],
        "reason": reason,
        "deleted_by": deleted_by,
        "erasure_id": erasure_id,
    }
    return connection.execute(PLAN, parameters).rowcount


def open_removals(
    connection: Connection[Any], after: str, limit: int, erasure_id: int | None = None
) -> list[Removal]:
    """The next of those that are planned, by request id."""
    rows = connection.execute(OPEN, (after, erasure_id, erasure_id, limit))
    return [Removal(*row) for row in rows]


def count_open(connection: Connection[Any]) -> int:
    """How many are planned and not done."""
    return int(connection.execute(COUNT_OPEN).fetchall()[0][0])


def still_used(connection: Connection[Any], urls: Sequence[str]) -> frozenset[str]:
    """Of these URLs, those that a row speaks of."""
    return frozenset(row[0] for row in connection.execute(STILL_USED, (list(urls),)))


def still_there(connection: Connection[Any], request_ids: Sequence[str]) -> frozenset[str]:
    """Of these requests, those that have a row."""
    return frozenset(row[0] for row in connection.execute(STILL_THERE, (list(request_ids),)))


def done(connection: Connection[Any], request_ids: Sequence[str]) -> None:
    """Nothing of these is left to do."""
    with connection.transaction():
        connection.execute(USES_GONE, (list(request_ids),))
        connection.execute(DONE, (list(request_ids),))


def requests_of_user(connection: Connection[Any], user_id: str) -> frozenset[str]:
    """All requests that table and statistics know; rows without a request id are given one."""
    connection.execute(NAME_ROWS, (user_id,))
    return frozenset(row[0] for row in connection.execute(OF_USER, {"user": user_id}))


def remove_letters_of(connection: Connection[Any], user_id: str) -> int:
    """Remove the dead letters that name the user as theirs; how many."""
    return _remove_letters(connection, user_id, [Identifier("dead_letters")])


def remove_from_copies(connection: Connection[Any], user_id: str) -> int:
    """Remove the user's rows from tables that were kept: replaced, as of a time, half built.

    Their statistics keep their numbers, for a rollback, and lose the texts of the user's errors.
    """
    statement = SQL("DELETE FROM {} WHERE user_id = %s")
    rows = [*_kept(connection, "generated_images"), *_as_of(connection)]
    gone = sum(connection.execute(statement.format(t), (user_id,)).rowcount for t in rows)
    for schema, _ in _kept_names(connection, "statistics_sums"):
        connection.execute(LABELS_GONE.format(schema=Identifier(schema)), (user_id,))
    return gone + _remove_letters(connection, user_id, _kept(connection, "dead_letters"))


def forget_samples(connection: Connection[Any]) -> None:
    """The planner keeps frequent values of each column; have it look at what is left."""
    names = [*TABLES["table"], *TABLES["stats"], "dead_letters"]
    live = [Identifier(name) for name in names]
    for table in (*live, *_kept(connection, *names), *_as_of(connection)):
        connection.execute(SQL("ANALYZE {}").format(table))


def _remove_letters(connection: Connection[Any], user_id: str, tables: Sequence[Identifier]) -> int:
    name = json.dumps(user_id, ensure_ascii=False)
    needles = (f'"user_id":{name}'.encode(), f'"user_id": {name}'.encode())
    statement = SQL(LETTERS_GONE)
    return sum(connection.execute(statement.format(t), needles).rowcount for t in tables)


def _kept(connection: Connection[Any], *names: str) -> list[Identifier]:
    return [Identifier(*place) for place in _kept_names(connection, *names)]


def _kept_names(connection: Connection[Any], *names: str) -> list[tuple[str, str]]:
    """Schema and name of such tables in every schema that a rebuild has made."""
    live = str(connection.execute("SELECT current_schema()").fetchall()[0][0])
    shadows = [Shadow(projection, live, kind) for projection in TABLES for kind in KINDS]
    schemas = {one for shadow in shadows for one in (shadow.previous, *shadow.droppable)}
    return connection.execute(KEPT, (sorted(schemas), list(names))).fetchall()


def _as_of(connection: Connection[Any]) -> list[SQL]:
    return [SQL(row[0]) for row in connection.execute(COPIES)]


def begin_erasure(connection: Connection[Any], user_id: str, requested_by: str | None) -> Erasure:
    """The user's erasure: a new one, or the one that was interrupted."""
    if not connection.execute(BEGUN, (user_id,)).fetchall():
        connection.execute(BEGIN, (user_id, requested_by))
    return Erasure(*connection.execute(BEGUN, (user_id,)).fetchall()[0])


def note_erased(
    connection: Connection[Any], erasure: Erasure, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Add to the receipt, which survives an interruption; the receipt so far."""
    row = connection.execute(NOTE, (json.dumps(facts), erasure.id)).fetchone()
    assert row is not None  # noqa: S101  # it was begun
    return dict(row[0])


def finish_erasure(connection: Connection[Any], erasure: Erasure) -> datetime:
    """All is gone; when that was."""
    finished: datetime = connection.execute(FINISH, (erasure.id,)).fetchall()[0][0]
    return finished
