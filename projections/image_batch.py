"""A batch of the image table's events, and the rows that events make on their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import astuple

from projections.batch import PreparedBatch
from projections.image_rows import JSONB_VERSION, copied, json_bytes, known_arrays
from projections.lift import lift
from projections.merge import State, is_conflict, merge
from projections.projection import Decoded
from projections.wire import wire_time
from schemas.compact import Failed, Generated
from schemas.record import row_id


class ImageBatch(PreparedBatch[bytes]):
    """What is ready are rows as ``image_rows.copy_row`` makes them, without any state between."""

    __slots__ = ()

    def make(self, decoded: Decoded) -> bytes | None:
        record, event = decoded.record, decoded.held
        values_of = row_values.get(type(event.data))
        if values_of is None:
            return None
        return copied.of(values_of(event, row_id(record.partition, record.offset)))

    def state(self, key: str, conflicts: list[str]) -> State:
        """What the events of a request come to; the request is noted if they are in conflict."""
        events = self.events[key]
        first, *others = events if isinstance(events, list) else (events,)
        folded = lift(first)
        for decoded in others:
            fact = lift(decoded)
            if is_conflict(folded, fact):
                conflicts.append(key)
            folded = joined(folded, fact)
        return folded


def joined(a: State, b: State) -> State:
    """The join of two states, which is a state."""
    both = merge(a, b)
    assert both is not None  # noqa: S101  only two of None make None
    return both


def _values_of_generated(event: Any, place: int) -> tuple[Any, ...]:
    """What image_rows.copy_row makes its row of, for the state that this success alone makes.

    The fields of a Generated are in the table's order: request_id, row_id, sealed, then the rest.
    """
    # A name for each is quicker than slices of the tuple.
    fields = astuple(event.data)
    key, old_id, _, a, b, c, d, e, f, g, h, i, j, k, m, n, o, tags, metadata, message_id = fields
    if tags is not None:
        tags = known_arrays.of(tags)
    if metadata is not None:
        metadata = JSONB_VERSION + json_bytes(metadata)
    # An old id is less than any place in the log, so it is the least of all the request's.
    place = old_id or place
    made = wire_time(event.time)
    return (
        place, key, a, b, c, d, e, f, g, h, i, j, k, m, n, o, tags, "success", None, metadata,
        message_id, made, event.id,
    )  # fmt: skip


def _values_of_failed(event: Any, place: int) -> tuple[Any, ...]:
    """As _values_of_generated, of a failure: nothing is stored, the error's code is metadata."""
    key, old_id, _, *asked, tags, metadata, message_id, error, error_code = astuple(event.data)
    if error_code is not None:
        metadata = {**(metadata or {}), "error_code": error_code}
    return (
        old_id or place,
        key,
        *asked,
        *("", None, None, None, None),
        None if tags is None else known_arrays.of(tags),
        "failed",
        error,
        None if metadata is None else JSONB_VERSION + json_bytes(metadata),
        message_id,
        wire_time(event.time),
        event.id,
    )


row_values: dict[type, Callable[[Any, int], tuple[Any, ...]]] = {
    Generated: _values_of_generated,
    Failed: _values_of_failed,
}
"""By the type of an event's data: of event and place, the values for ``image_rows.copied``. Of
other types no row is made."""
