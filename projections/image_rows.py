"""Between states and rows of generated_images and its two side tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any

import msgspec

from projections.lift import Image
from projections.merge import Deletion, Move, Outcome, State
from projections.wire import CopyRows, TextArrays, wire_time
from schemas.record import FIRST_LOG_ID

COLUMNS = (
    "id",
    "request_id",
    *Image._fields[:15],
    "status",
    *Image._fields[15:],
    "created_at",
    "event_id",
)

NO_EVENT = Outcome(datetime.min.replace(tzinfo=UTC), "", False, None)
"""Stands for a row that no event made: the weakest outcome there is, so any event overrules it."""

JSONB_VERSION = b"\x01"
_to_json = msgspec.json.Encoder().encode
known_arrays = TextArrays()


def image_in_place(state: State) -> Image:
    """The image of a state's outcome, lying where the latest move put it."""
    outcome, move = state.outcome, state.move
    if outcome is None:
        raise ValueError("a state without an outcome has no image")
    image: Image = outcome.image
    if move is None or not outcome.success:
        return image
    return image._replace(
        storage_url=move.storage_url,
        storage_provider=move.storage_provider,
        mime_type=image.mime_type if move.mime_type is None else move.mime_type,
        bytes=image.bytes if move.bytes is None else move.bytes,
        sha256=image.sha256 if move.sha256 is None else move.sha256,
    )


def has_row(state: State) -> bool:
    """Whether an event of this request says that the table has a row for it."""
    return state.deletion is None and state.outcome is not None and state.outcome is not NO_EVENT


def row_values(request_id: str, state: State) -> tuple[Any, ...]:
    """The row, in the order of COLUMNS, as ordinary Python values; metadata as JSON text."""
    image = image_in_place(state)
    outcome = state.outcome
    if outcome is None:
        raise ValueError("a state without an outcome has no row")
    return (
        state.row_id,
        request_id,
        *image[:14],
        None if image.tags is None else list(image.tags),
        "success" if outcome.success else "failed",
        image.error,
        _metadata_text(image.metadata),
        image.message_id,
        outcome.time,
        outcome.event_id,
    )


COPY_TYPES = tuple(
    {
        "id": "int8",
        "n": "int4",
        "bytes": "int4",
        "tags": "bytea",
        "metadata": "bytea",
        "created_at": "int8",
    }.get(column, "text")
    for column in COLUMNS
)
"""Types for binary COPY. The two under bytea come ready in their own binary format, and an int8
stands for a timestamptz: psycopg would encode them in Python, value by value and slower."""

copied = CopyRows(COPY_TYPES)
_ID_OF_COPIED = Struct("!hiq")
FIRST_OF_LOG = _ID_OF_COPIED.pack(len(COLUMNS), 8, FIRST_LOG_ID)
"""Rows for COPY begin with their number of columns and their id, so they compare by that."""


def copy_row(request_id: str, state: State) -> bytes:
    """The row as COPY takes it."""
    image = image_in_place(state) if state.move else state.outcome.image  # type: ignore[union-attr]  # has_row
    outcome: Any = state.outcome
    metadata = image.metadata
    return copied.of(
        (
            state.row_id,
            request_id,
            *image[:14],
            None if image.tags is None else known_arrays.of(image.tags),
            "success" if outcome.success else "failed",
            image.error,
            None if metadata is None else JSONB_VERSION + json_bytes(metadata),
            image.message_id,
            wire_time(outcome.time),
            outcome.event_id,
        )
    )


def id_of_copied(row: bytes) -> int:
    """The id of a row that is made for COPY."""
    found: int = _ID_OF_COPIED.unpack_from(row)[2]
    return found


def json_bytes(metadata: dict[str, Any] | bytes) -> bytes:
    """Metadata as JSON in UTF-8."""
    return metadata if isinstance(metadata, bytes) else _to_json(metadata)


def _metadata_text(metadata: dict[str, Any] | bytes | None) -> str | None:
    return None if metadata is None else json_bytes(metadata).decode()


def state_of_row(row: Sequence[Any], relocation: Sequence[Any] | None) -> State:
    """The state that a stored row stands for; ``row`` as in LOAD_ROWS, metadata as text."""
    event_id = row[22]
    if event_id is None:
        return State(row[0], NO_EVENT, move_of(relocation) if relocation else None)
    success = row[17] == "success"
    metadata = None if row[19] is None else row[19].encode()
    image = Image._make((*row[2:17], row[18], metadata, row[20]))
    if relocation and success:
        url, provider, mime_type, size, sha256 = relocation[9:14]
        image = image._replace(
            storage_url=url,
            storage_provider=provider,
            mime_type=mime_type,
            bytes=size,
            sha256=sha256,
        )
    outcome = Outcome(row[21], event_id, success, image)
    return State(row[0], outcome, move_of(relocation) if relocation else None)


def move_of(relocation: Sequence[Any]) -> Move:
    """The move that a row of image_relocations keeps."""
    return Move(relocation[3], relocation[2], *relocation[4:9])


def relocation_values(request_id: str, state: State) -> tuple[Any, ...]:
    """The row of image_relocations: the move, and the place that the success itself named."""
    move, outcome = state.move, state.outcome
    if move is None:
        raise ValueError("a state without a move has no relocation")
    original: tuple[Any, ...] = (None,) * 5
    if outcome is not None and outcome.success:
        original = outcome.image[9:14]
    return (request_id, state.row_id, move.event_id, move.time, *move[2:], *original)


def tombstone_values(request_id: str, state: State) -> tuple[Any, ...]:
    """The row of deleted_images."""
    deletion = state.deletion
    if deletion is None:
        raise ValueError("a state without a deletion has no tombstone")
    return (
        request_id,
        state.row_id,
        deletion.event_id,
        deletion.time,
        deletion.reason,
        deletion.deleted_by,
    )


def state_of_tombstone(row: Sequence[Any]) -> State:
    """The state that a row of deleted_images stands for, as in LOAD_BESIDE."""
    return State(row[1], None, None, Deletion(row[3], row[2], row[14], row[15]))
