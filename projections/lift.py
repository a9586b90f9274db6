"""From one event to the state that it alone would make of its request, for the image table."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

from projections.merge import Deletion, Move, Outcome, State
from projections.projection import Decoded
from schemas.events import ImageDeleted, ImageFailed, ImageGenerated, ImageMoved
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


# A frozen model's fields are its __dict__; one itemgetter call is several times as fast as
# eighteen attribute look-ups, and this runs once for each event.
_generated = itemgetter(*(name for name in Image._fields if name != "error"), "row_id")
_request = itemgetter("user_id", "username", "tool_name", "prompt", "model", "size", "quality")
_failed = itemgetter(
    "style", "n", "tags", "error", "metadata", "message_id", "error_code", "row_id"
)
_new_image = Image._make


def lift(decoded: Decoded) -> State:
    """The state of a request of which this event is all that is known."""
    event = decoded.event
    record = decoded.record
    return _LIFTS[type(event.data)](event, row_id(record.partition, record.offset))


def _lift_generated(event: Any, place: int) -> State:
    values = _generated(event.data.__dict__)
    image = _new_image((*values[:15], None, *values[15:17]))
    # An old id is less than any place in the log, so it is the least of all the request's.
    return State(values[17] or place, Outcome(event.time, event.id, True, image))


def _lift_failed(event: Any, place: int) -> State:
    fields = event.data.__dict__
    style, n, tags, error, metadata, message_id, error_code, old_id = _failed(fields)
    if error_code is not None:
        metadata = {**(metadata or {}), "error_code": error_code}
    storage = ("", None, None, None, None)
    rest = (style, n, *storage, tags, error, metadata, message_id)
    outcome = Outcome(event.time, event.id, False, _new_image(_request(fields) + rest))
    return State(old_id or place, outcome)


def _lift_moved(event: Any, place: int) -> State:
    data = event.data
    where = (data.storage_url, data.storage_provider, data.mime_type, data.bytes, data.sha256)
    return State(place, None, Move(event.time, event.id, *where))


def _lift_deleted(event: Any, place: int) -> State:
    deletion = Deletion(event.time, event.id, event.data.reason, event.data.deleted_by)
    return State(place, None, None, deletion)


_LIFTS: dict[type, Callable[[Any, int], State]] = {
    ImageGenerated: _lift_generated,
    ImageFailed: _lift_failed,
    ImageMoved: _lift_moved,
    ImageDeleted: _lift_deleted,
}
