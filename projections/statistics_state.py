"""What the statistics know of a request: its slim state, and what it contributes to the sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from pydantic_core import to_json

from projections.fingerprint import error_code_of, fingerprint
from projections.merge import Deletion, Move, Outcome, State
from projections.wire import CopyRows, time_of_wire, wire_time
from schemas.compact import CompactEvent, Deleted, Failed, Generated, Moved

Slim = tuple[str, str, str | None, str | None, int | None, str | None]
"""What is kept of an outcome: user, tool, model, provider, bytes, error fingerprint; a success
has no fingerprint. Plain tuples, as three of them are made for each event."""

Cell = tuple[date, str, str | None, str | None, str | None]
"""Day in UTC, tool, model, provider, error fingerprint: all that a request is counted under."""

Contribution = tuple[Cell, str, int | None]
"""What one request adds to the sums: one, in its cell and for its user, and its bytes."""

Labels = dict[str, str]
"""What the fingerprints stand for."""

MAX_CELLS = 20_000
_NO_ROW_ID = 0
_TOMBSTONE = Deletion(datetime.min.replace(tzinfo=UTC), "", "", None)
"""Which deletion it was makes no difference here."""


def contribution_of(state: State | None) -> Contribution | None:
    """What the request adds to the sums; None: nothing, it has no row."""
    if state is None or state.outcome is None or state.deletion is not None:
        return None
    outcome = state.outcome
    user, tool, model, provider, size, error = outcome.image
    if state.move is not None and outcome.success:
        provider = state.move.storage_provider
        size = size if state.move.bytes is None else state.move.bytes
    return (outcome.time.date(), tool, model, provider, error), user, size


def buckets_of(cell: Cell) -> tuple[str, ...]:
    """The buckets in which a request of this cell is counted, and its user; without the user's."""
    day, tool, model, provider, error = cell
    buckets = (
        "total",
        f"day={day}",
        f"tool={tool}",
        "model" if model is None else f"model={model}",
        "provider" if provider is None else f"provider={provider}",
    )
    return buckets if error is None else (*buckets, f"error={error}")


class Buckets:
    """Remembers buckets_of: cells are few and come again, and equal strings compare at once."""

    def __init__(self) -> None:
        self._known: dict[Cell, tuple[str, ...]] = {}

    def of(self, cell: Cell) -> tuple[str, ...]:
        """As buckets_of."""
        buckets = self._known.get(cell)
        if buckets is None:
            if len(self._known) >= MAX_CELLS:
                self._known.clear()
            buckets = self._known[cell] = buckets_of(cell)
        return buckets


def slim_of(data: Any, labels: Labels) -> Slim:
    """What to keep of a Generated or Failed; a failure's label is noted."""
    if type(data) is Generated:
        return data.user_id, data.tool_name, data.model, data.storage_provider, data.bytes, None
    digest, label = fingerprint(data.error, error_code_of(data.error_code, data.metadata))
    labels[digest] = label
    return data.user_id, data.tool_name, data.model, None, None, digest


def lift(event: CompactEvent, labels: Labels) -> State:
    """The state of a request of which this event is all that is known."""
    return _LIFTS[type(event.data)](event, labels)


def _lift_outcome(event: Any, labels: Labels) -> State:
    slim = slim_of(event.data, labels)
    return State(_NO_ROW_ID, Outcome(event.time, event.id, slim[5] is None, slim))


def _lift_moved(event: Any, _: Labels) -> State:
    data = event.data
    move = Move(event.time, event.id, "", data.storage_provider, None, data.bytes, None)
    return State(_NO_ROW_ID, None, move)


def _lift_deleted(_event: Any, _: Labels) -> State:
    return State(_NO_ROW_ID, None, None, _TOMBSTONE)


_LIFTS: dict[type, Callable[[Any, Labels], State]] = {
    Generated: _lift_outcome,
    Failed: _lift_outcome,
    Moved: _lift_moved,
    Deleted: _lift_deleted,
}


def state_of_row(row: Sequence[Any]) -> State:
    """The state that a stored row stands for; ``row`` as in LOAD_REQUESTS."""
    if row[13]:
        return State(_NO_ROW_ID, None, None, _TOMBSTONE)
    outcome = move = None
    if row[1] is not None:
        outcome = Outcome(row[1].astimezone(UTC), row[2], row[8] is None, tuple(row[3:9]))
    if row[9] is not None:
        move = Move(row[9].astimezone(UTC), row[10], "", row[11], None, row[12], None)
    return State(_NO_ROW_ID, outcome, move)


COLUMNS = (
    *("request_id", "outcome_time", "event_id", "user_id", "tool_name", "model"),
    *("storage_provider", "bytes", "error_fingerprint"),
    *("move_time", "move_event_id", "move_provider", "move_bytes", "deleted"),
)

COPY_TYPES = (
    *("text", "int8", *("text",) * 5, "int4", "text"),
    *("int8", "text", "text", "int4", "bool"),
)
"""Of COLUMNS in binary COPY; an int8 stands for a timestamptz, see wire_time."""

copied = CopyRows(COPY_TYPES)


def row_of(request_id: str, state: State) -> tuple[Any, ...]:
    """The row of a state, in the order of COLUMNS, times as wire_time."""
    outcome: tuple[Any, ...] = (None,) * 8
    move: tuple[Any, ...] = (None,) * 4
    if state.outcome is not None:
        outcome = (wire_time(state.outcome.time), state.outcome.event_id, *state.outcome.image)
    if state.move is not None:
        moved = state.move
        move = (wire_time(moved.time), moved.event_id, moved.storage_provider, moved.bytes)
    return (request_id, *outcome, *move, state.deletion is not None)


def json_of_rows(rows: Sequence[tuple[Any, ...]]) -> str:
    """Rows as of row_of, as JSON for INSERT_REQUESTS."""
    named = []
    for row in rows:
        columns = dict(zip(COLUMNS, row, strict=True))
        for name in ("outcome_time", "move_time"):
            if columns[name] is not None:
                columns[name] = time_of_wire(columns[name])
        named.append(columns)
    return to_json(named).decode()
