"""The image table's projection: a batch of events merged into generated_images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, Cursor

from projections import image_rows as rows
from projections import image_sql as sql
from projections.lift import lift
from projections.merge import State, is_conflict, merge
from projections.projection import Applied, Decoded, NeedExclusive
from projections.unsealing import Unsealer
from projections.wire import TextArray
from schemas.record import FIRST_LOG_ID


@dataclass(slots=True)
class Changes:
    """What a batch writes, by kind; each list is in the order of request ids."""

    inserted: list[tuple[str, State]] = field(default_factory=list)
    updated: list[tuple[str, State]] = field(default_factory=list)
    rows_gone: list[str] = field(default_factory=list)
    relocations: list[tuple[str, State]] = field(default_factory=list)
    relocations_gone: list[str] = field(default_factory=list)
    tombstones: list[tuple[str, State]] = field(default_factory=list)
    unchanged: int = 0
    unprotected: bool = False
    """A tombstone or a move is written for a request without a row, so no row lock guards it."""


class TableProjection:
    """Projects events into generated_images, image_relocations and deleted_images."""

    name = "table"

    def __init__(self) -> None:
        self._unsealer = Unsealer()

    def apply(
        self, connection: Connection[Any], events: Sequence[Decoded], *, exclusive: bool = False
    ) -> Applied:
        """See Projection.apply."""
        self._unsealer.open(connection, events)
        conflicts: list[str] = []
        states = fold(events, conflicts)
        keys = sorted(states)
        known = load_states(connection, keys)
        for request_id, stored in known.items():
            if is_conflict(stored, states[request_id]):
                conflicts.append(request_id)
            states[request_id] = _joined(stored, states[request_id])
        changes = compare(keys, known, states)
        if changes.unprotected and not exclusive:
            raise NeedExclusive
        write(connection, changes)
        return Applied(
            inserted=len(changes.inserted),
            updated=len(changes.updated),
            deleted=len(changes.rows_gone),
            unchanged=changes.unchanged,
            conflicts=tuple(conflicts),
        )

    def forget(self) -> None:
        """See Projection.forget; keys, which are remembered, do not change."""


def fold(events: Iterable[Decoded], conflicts: list[str]) -> dict[str, State]:
    """Merge the events of each request with each other; conflicting requests are noted."""
    folded: dict[str, State] = {}
    for decoded in events:
        request_id = decoded.event.data.request_id
        fact = lift(decoded)
        before = folded.get(request_id)
        if before is None:
            folded[request_id] = fact
            continue
        if is_conflict(before, fact):
            conflicts.append(request_id)
        folded[request_id] = _joined(before, fact)
    return folded


def _joined(a: State, b: State) -> State:
    joined = merge(a, b)
    assert joined is not None  # noqa: S101  the join of two states is a state
    return joined


def load_states(connection: Connection[Any], keys: list[str]) -> dict[str, State]:
    """The stored states of those requests that have one; locks their rows, in key order.

    Rows are locked before the side tables are read: a transaction that was waited for has
    committed by then, and each statement sees what was committed when it began.
    """
    wanted = (TextArray(keys),)
    with connection.pipeline():
        connection.execute(sql.PLAN_BY_KEY)
        row_cursor = connection.execute(sql.LOAD_ROWS, wanted, prepare=True, binary=True)
        moved_cursor = connection.execute(sql.LOAD_RELOCATIONS, wanted, prepare=True, binary=True)
        gone_cursor = connection.execute(sql.LOAD_TOMBSTONES, wanted, prepare=True, binary=True)
    found = {row[1]: row for row in row_cursor.fetchall()}
    moved = {row[0]: row for row in moved_cursor.fetchall()}
    states = {key: rows.state_of_row(row, moved.get(key)) for key, row in found.items()}
    for key, relocation in moved.items():
        if key not in found:
            states[key] = State(relocation[1], None, rows.move_of(relocation))
    for row in gone_cursor:
        states[row[0]] = rows.state_of_tombstone(row)
    return states


def compare(
    keys: Iterable[str], known: Mapping[str, State], states: Mapping[str, State]
) -> Changes:
    """What has to be written to get from the known states to the merged ones."""
    changes = Changes()
    for key in keys:
        before, after = known.get(key), states[key]
        if before is None and after.move is None and after.deletion is None:
            changes.inserted.append((key, after))
        else:
            _compare_one(key, before, after, changes)
    return changes


def _compare_one(key: str, before: State | None, after: State, changes: Changes) -> None:
    had_row = before is not None and before.outcome is not None
    if before is not None and _same(before, after):
        changes.unchanged += 1
    elif after.deletion is not None:
        changes.tombstones.append((key, after))
        if had_row:
            changes.rows_gone.append(key)
        else:
            changes.unprotected = True
        if before is not None and before.move is not None:
            changes.relocations_gone.append(key)
    else:
        if rows.has_row(after):
            (changes.updated if had_row else changes.inserted).append((key, after))
        elif not had_row:
            changes.unprotected = True
        if after.move is not None:
            changes.relocations.append((key, after))


def _same(a: State, b: State) -> bool:
    """Whether two states are of the same events; payloads follow from the events."""
    return (
        a.row_id == b.row_id
        and (a.outcome and a.outcome[:3]) == (b.outcome and b.outcome[:3])
        and (a.move and a.move[:2]) == (b.move and b.move[:2])
        and (a.deletion and a.deletion[:2]) == (b.deletion and b.deletion[:2])
    )


def write(connection: Connection[Any], changes: Changes) -> None:
    """Write the changes; new rows by binary COPY straight into the table."""
    with connection.cursor() as cursor:
        if changes.inserted:
            _copy(cursor, changes.inserted)
            old = [s.row_id for _, s in changes.inserted if s.row_id < FIRST_LOG_ID]
            if old:
                cursor.execute(sql.FOLLOW_OLD_ID, {"id": max(old)})
        if changes.updated:
            values = [(*rows.row_values(k, s), k) for k, s in changes.updated]
            cursor.executemany(sql.UPDATE_ROW, values)
        if changes.rows_gone:
            cursor.execute(sql.DELETE_ROWS, (changes.rows_gone,))
        if changes.relocations_gone:
            cursor.execute(sql.DELETE_RELOCATIONS, (changes.relocations_gone,))
        if changes.relocations:
            moved = [rows.relocation_values(k, s) for k, s in changes.relocations]
            cursor.executemany(sql.PUT_RELOCATION, moved)
        if changes.tombstones:
            gone = [rows.tombstone_values(k, s) for k, s in changes.tombstones]
            cursor.executemany(sql.PUT_TOMBSTONE, gone)


def _copy(cursor: Cursor[Any], inserted: Iterable[tuple[str, State]]) -> None:
    with cursor.copy(sql.COPY_ROWS) as copy:
        copy.set_types(rows.COPY_TYPES)
        write_row = copy.write_row
        for key, state in inserted:
            write_row(rows.copy_values(key, state))
