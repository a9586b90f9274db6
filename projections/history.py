"""A request's events in order, and what became of each: the merge rule, said in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import dict_row

from projections.projection import Decoded
from schemas.events import ImageDeleted, ImageFailed, ImageGenerated, ImageMoved

KEPT = """
SELECT 'generated_images' AS kept_in, to_jsonb(t) AS row FROM generated_images AS t
WHERE request_id = %(id)s
UNION ALL SELECT 'image_relocations', to_jsonb(t) FROM image_relocations AS t
WHERE request_id = %(id)s
UNION ALL SELECT 'deleted_images', to_jsonb(t) FROM deleted_images AS t WHERE request_id = %(id)s
UNION ALL SELECT 'statistics_requests', to_jsonb(t) FROM statistics_requests AS t
WHERE request_id = %(id)s
"""

LETTERS = """
SELECT id, projection, partition, "offset", state, error_class, message FROM dead_letters
WHERE key = %s ORDER BY partition, "offset", projection
"""

REQUEST_OF_ROW = "SELECT request_id FROM generated_images WHERE id = %s"

ROW_IDS = """
SELECT id FROM generated_images WHERE request_id = %(id)s
UNION ALL SELECT row_id FROM image_relocations WHERE request_id = %(id)s
UNION ALL SELECT row_id FROM deleted_images WHERE request_id = %(id)s
"""


class Verdict(NamedTuple):
    """An event; whether the row is what it is by it, and why or why not."""

    decoded: Decoded
    made: bool
    why: str


def verdicts(events: Iterable[Decoded]) -> list[Verdict]:
    """Every event of one request, in the order of (time, event id), with what became of it.

    Folding only those that made the row comes to the same as folding all, but for the row's id,
    which is the least of all their places.
    """
    ordered = sorted(events, key=_moment)
    kinds: dict[type, list[Decoded]] = {}
    for one in ordered:
        kinds.setdefault(type(one.event.data), []).append(one)
    judge = _judge(kinds)
    seen: dict[tuple[Any, ...], Decoded] = {}
    found = []
    for one in ordered:
        first = seen.setdefault((type(one.event.data), *_moment(one)[:2]), one)
        if first is not one:
            place = f"{first.record.partition}:{first.record.offset}"
            found.append(Verdict(one, False, f"the same event as at {place}, delivered again"))
        else:
            found.append(Verdict(one, *judge(one)))
    return found


def _moment(one: Decoded) -> tuple[Any, ...]:
    event = one.event
    return event.time, event.id, one.record.offset, one.record.partition


def _judge(kinds: dict[type, list[Decoded]]) -> Callable[[Decoded], tuple[bool, str]]:
    deletions, moves = kinds.get(ImageDeleted, []), kinds.get(ImageMoved, [])
    successes, failures = kinds.get(ImageGenerated, []), kinds.get(ImageFailed, [])
    if deletions:
        return lambda one: _beside_a_deletion(one, deletions[0])
    judges: dict[type, Callable[[Decoded], tuple[bool, str]]] = {
        ImageGenerated: lambda one: _success(one, successes[0]),
        ImageFailed: lambda one: _failure(one, failures[-1], overruled=bool(successes)),
        ImageMoved: lambda one: _move(one, moves[-1], waits=not successes),
    }
    return lambda one: judges[type(one.event.data)](one)


def _beside_a_deletion(one: Decoded, first: Decoded) -> tuple[bool, str]:
    if type(one.event.data) is not ImageDeleted:
        return False, "overruled: a deletion beats everything"
    if _is(one, first):
        return True, "deleted the request, for good"
    return False, "deleted what was deleted already"


def _success(one: Decoded, first: Decoded) -> tuple[bool, str]:
    if _is(one, first):
        return True, "made the row: the first success"
    return False, "a conflict: an earlier success is the image of this request"


def _failure(one: Decoded, last: Decoded, *, overruled: bool) -> tuple[bool, str]:
    if overruled:
        return False, "overruled: a success beats a failure"
    if _is(one, last):
        return True, "made the row: the latest failure, and no success"
    return False, "overruled: a later failure"


def _move(one: Decoded, last: Decoded, *, waits: bool) -> tuple[bool, str]:
    if not _is(one, last):
        return False, "overruled: a later move"
    return True, "waits for a success to move" if waits else "says where the image lies"


def _is(one: Decoded, other: Decoded) -> bool:
    return _moment(one)[:2] == _moment(other)[:2]


def request_of_row(connection: Connection[Any], image_id: int) -> str | None:
    """The request of the row with this id; None where there is no such row, or it has none."""
    row = connection.execute(REQUEST_OF_ROW, (image_id,)).fetchone()
    return None if row is None else row[0]


def row_ids(connection: Connection[Any], request_id: str) -> list[int]:
    """The ids under which the tables know the request: places in the log, if over 2**32."""
    return [row[0] for row in connection.execute(ROW_IDS, {"id": request_id})]


def kept(connection: Connection[Any], request_id: str) -> dict[str, dict[str, Any]]:
    """The request's row in each table that has one."""
    return dict(connection.execute(KEPT, {"id": request_id}).fetchall())


def letters_of(connection: Connection[Any], request_id: str) -> list[dict[str, Any]]:
    """Dead letters whose key is this request."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(LETTERS, (request_id.encode(),)).fetchall()
