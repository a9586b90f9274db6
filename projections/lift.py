"""From one event to the state that it alone would make of its request, for the image table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import astuple

from projections.merge import Deletion, Move, Outcome, State
from projections.projection import Decoded
from schemas.compact import Deleted, Failed, Generated, Moved, compact
from schemas.record import row_id

JsonText = bytes


class Image(NamedTuple):
    """What the table keeps of a success or a failure, in the order of its columns.

    ``metadata`` is a JSON object as Python holds it, or its text in UTF-8 when it comes from a row.
    """

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
    storage_provider: str | None
    mime_type: str | None
    bytes: int | None
    sha256: str | None
    tags: list[str] | tuple[str, ...] | None
    error: str | None
    metadata: dict[str, Any] | JsonText | None
    message_id: str | None


_new = tuple.__new__
"""A NamedTuple's own constructor costs twice as much, and this runs thrice for each event."""

_NOT_STORED = ("", None, None, None, None)


def lift(decoded: Decoded) -> State:
    """The state of a request of which this event is all that is known."""
    record, event = decoded.record, decoded.event
    place = row_id(record.partition, record.offset)
    lifts = _LIFTS.get(type(event.data))
    if lifts is None:
        event = compact(event)  # type: ignore[arg-type]  # it is no compact one
        lifts = _LIFTS[type(event.data)]
    return lifts(event, place)


def _lift_generated(event: Any, place: int) -> State:
    # Its fields are in the table's order: request_id, row_id, sealed, and then an Image's.
    fields = astuple(event.data)
    image = _new(Image, (*fields[3:18], None, fields[18], fields[19]))
    # An old id is less than any place in the log, so it is the least of all the request's.
    outcome = _new(Outcome, (event.time, event.id, True, image))
    return _new(State, (fields[1] or place, outcome, None, None))


def _lift_failed(event: Any, place: int) -> State:
    _, old_id, _, *asked, tags, metadata, message_id, error, error_code = astuple(event.data)
    if error_code is not None:
        metadata = {**(metadata or {}), "error_code": error_code}
    image = _new(Image, (*asked, *_NOT_STORED, tags, error, metadata, message_id))
    return State(old_id or place, Outcome(event.time, event.id, False, image))


def _lift_moved(event: Any, place: int) -> State:
    data = event.data
    where = (data.storage_url, data.storage_provider, data.mime_type, data.bytes, data.sha256)
    return State(place, None, Move(event.time, event.id, *where))


def _lift_deleted(event: Any, place: int) -> State:
    deletion = Deletion(event.time, event.id, event.data.reason, event.data.deleted_by)
    return State(place, None, None, deletion)


_LIFTS: dict[type, Callable[[Any, int], State]] = {
    Generated: _lift_generated,
    Failed: _lift_failed,
    Moved: _lift_moved,
    Deleted: _lift_deleted,
}
