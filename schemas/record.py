"""What stands at one place of the log, and the row id that follows from the place."""

from __future__ import annotations

from typing import NamedTuple

FIRST_LOG_ID = 2**32
"""Ids below this one belong to the table's sequence, ids from here on to the log."""

MAX_PARTITIONS = 1024


class Record(NamedTuple):
    """One Kafka record, as the consumer met it; nothing in it has been interpreted yet."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Position(NamedTuple):
    """A place in the log: where one record stands."""

    partition: int
    offset: int


def row_id(partition: int, offset: int) -> int:
    """The id in ``generated_images`` of a request whose first event stands at this place.

    Below 2**53 for offsets up to 2**43 - 2**22, so that JavaScript reads it exactly.
    Raises ValueError for a partition outside 0..1023 or a negative offset.
    """
    if not 0 <= partition < MAX_PARTITIONS:
        raise ValueError(f"partition {partition} is outside 0..{MAX_PARTITIONS - 1}")
    if offset < 0:
        raise ValueError(f"offset {offset} is negative")
    return FIRST_LOG_ID + offset * MAX_PARTITIONS + partition


def position_of(row_id: int) -> Position | None:
    """The place an id came from; None for an id of the sequence, which has no place in the log."""
    if row_id < FIRST_LOG_ID:
        return None
    offset, partition = divmod(row_id - FIRST_LOG_ID, MAX_PARTITIONS)
    return Position(partition, offset)
