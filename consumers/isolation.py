"""Isolating poison: a batch with a record that cannot be stored is halved until it is alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Connection

from projections.dead_letters import DeadLetter
from projections.faults import Fault, classify
from projections.projection import Applied, Decoded, Projection
from schemas.errors import InvalidEvent


def apply_isolating(
    projection: Projection,
    connection: Connection[Any],
    events: Sequence[Decoded],
    *,
    exclusive: bool,
) -> tuple[Applied, list[DeadLetter]]:
    """Apply what can be applied, in the caller's transaction; the rest comes back as dead letters.

    Each try runs in a savepoint. Merge is order-free, so halves may be applied apart. Raises every
    fault that is not of a record, and NeedExclusive.
    """
    if not events:
        return Applied(), []
    try:
        with connection.transaction():
            return projection.apply(connection, events, exclusive=exclusive), []
    except Exception as exc:
        if classify(exc) is not Fault.RECORD:
            raise
        projection.forget()
        if len(events) == 1:
            return Applied(), [DeadLetter(events[0].record, error_class(exc), reason(exc))]
    middle = len(events) // 2
    left, poison = apply_isolating(projection, connection, events[:middle], exclusive=exclusive)
    right, more = apply_isolating(projection, connection, events[middle:], exclusive=exclusive)
    return left.plus(right), poison + more


def error_class(exc: Exception) -> str:
    """A stable short name: the event's fault, or the SQLSTATE's condition as psycopg names it."""
    return exc.error_class if isinstance(exc, InvalidEvent) else type(exc).__name__


def reason(exc: Exception) -> str:
    """One line, without the row's values, which the record itself has."""
    primary = exc.diag.message_primary if isinstance(exc, psycopg.Error) else None
    return " ".join((primary or str(exc)).split())
