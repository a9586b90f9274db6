"""The one order-free merge: what a request's events, in any order, come to.

A ``State`` is a point of a join-semilattice and ``merge`` its join: commutative, associative and
idempotent, with ``EMPTY`` as identity. A single event is lifted to the state that it alone would
make, so folding events and merging partial folds are the same operation (the construction of
state-based CRDTs, Shapiro et al. 2011). CloudEvents 1.0 allows consumers to take two events of one
id for duplicates; ties on (time, id) are such duplicates.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """A success or a failure: what a request came to. ``image`` is what the projection keeps."""

    time: datetime
    event_id: str
    success: bool
    image: Any


class Move(NamedTuple):
    """An ImageMoved: where a success lies now. None for mime_type, bytes, sha256: unchanged."""

    time: datetime
    event_id: str
    storage_url: str
    storage_provider: str
    mime_type: str | None
    bytes: int | None
    sha256: str | None


class Deletion(NamedTuple):
    """An ImageDeleted: the tombstone."""

    time: datetime
    event_id: str
    reason: str
    deleted_by: str | None


class State(NamedTuple):
    """All that has to be known of a request's past to judge any later event of it.

    ``row_id`` is the least id of the places its events stand at, or the old id that one of them
    names, which is less; a deleted state carries nothing but its tombstone and that id.
    """

    row_id: int
    outcome: Outcome | None = None
    move: Move | None = None
    deletion: Deletion | None = None


def merge(a: State | None, b: State | None) -> State | None:
    """The join of two states of one request; None is the state of a request without events."""
    if a is None or a is b:
        return b
    if b is None:
        return a
    row_id = min(a.row_id, b.row_id)
    if a.deletion or b.deletion:
        return State(row_id, None, None, _earliest_deletion(a.deletion, b.deletion))
    return State(row_id, _winner(a.outcome, b.outcome), _latest_move(a.move, b.move), None)


def is_conflict(a: State | None, b: State | None) -> bool:
    """Whether two states hold different successes: the later one is overruled, and worth a look."""
    if a is None or b is None or a.outcome is None or b.outcome is None:
        return False
    both = a.outcome.success and b.outcome.success
    return both and a.outcome[:2] != b.outcome[:2]


def _winner(a: Outcome | None, b: Outcome | None) -> Outcome | None:
    if a is None:
        return b
    if b is None:
        return a
    if a.success != b.success:
        return a if a.success else b
    if a.success:
        return a if a[:2] <= b[:2] else b
    return a if a[:2] >= b[:2] else b


def _latest_move(a: Move | None, b: Move | None) -> Move | None:
    if a is None:
        return b
    if b is None:
        return a
    return a if a[:2] >= b[:2] else b


def _earliest_deletion(a: Deletion | None, b: Deletion | None) -> Deletion | None:
    if a is None:
        return b
    if b is None:
        return a
    return a if a[:2] <= b[:2] else b
