"""The image table's projection: a batch of events merged into generated_images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, Cursor
from pydantic_core import to_json

from projections import image_rows as rows
from projections import image_sql as sql
from projections.image_batch import ImageBatch, joined
from projections.merge import State, is_conflict
from projections.pipelining import is_pipelined, pipeline
from projections.projection import Applied, Decoded, NeedExclusive, Whole
from projections.unsealing import Unsealer
from projections.wire import TextArray, copy_rows
from schemas.record import FIRST_LOG_ID


@dataclass(slots=True)
class Changes:
    """What a batch writes, by kind; each list is in the order of request ids."""

    by_copy: bool
    """Whether new rows go by COPY, and are made for it, or by INSERT, as ordinary values."""
    copied: list[bytes] = field(default_factory=list)
    inserted: list[tuple[Any, ...]] = field(default_factory=list)
    updated: list[tuple[str, State]] = field(default_factory=list)
    rows_gone: list[str] = field(default_factory=list)
    relocations: list[tuple[str, State]] = field(default_factory=list)
    relocations_gone: list[str] = field(default_factory=list)
    tombstones: list[tuple[str, State]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unchanged: int = 0
    unprotected: bool = False
    """A tombstone or a move is written for a request without a row, so no row lock guards it."""


class TableProjection:
    """Projects events into generated_images, image_relocations and deleted_images."""

    name = "table"

    def __init__(self) -> None:
        self._unsealer = Unsealer()

    def prepare(self, events: Sequence[Decoded]) -> ImageBatch:
        """See Projection.prepare."""
        batch = ImageBatch()
        batch.take(events, self._unsealer)
        return batch

    def whole(self, prepared: ImageBatch) -> Whole | None:
        """See Projection.whole: when every request comes to a row of its own, and to no more."""
        if prepared.unopened or not prepared.events:
            return None
        conflicts: list[str] = []
        keys, values = sorted(prepared.events), []
        for key in keys:
            state = prepared.state(key, conflicts)
            if not rows.has_row(state) or state.move or state.row_id < FIRST_LOG_ID:
                return None
            values.append(rows.row_values(key, state))
        parameters = {"keys": TextArray(keys), "rows": _as_json(values)}
        made = Applied(inserted=len(values), conflicts=tuple(conflicts))
        return Whole(sql.INSERT_WHOLE, parameters, made)

    def ask(self, connection: Connection[Any], prepared: ImageBatch) -> None:
        """See Projection.ask."""
        prepared.asked = Asked(connection, sorted(prepared.events))

    def apply(
        self,
        connection: Connection[Any],
        events: Sequence[Decoded],
        prepared: ImageBatch | None = None,
        *,
        exclusive: bool = False,
    ) -> Applied:
        """See Projection.apply."""
        batch = self.prepare(events) if prepared is None else prepared
        batch.open(connection, self._unsealer)
        asked: Asked = batch.taken(connection, self.ask)
        changes = compare(asked.keys, asked.states(), batch, by_copy=not is_pipelined(connection))
        if changes.unprotected and not exclusive:
            raise NeedExclusive
        write(connection, changes)
        return Applied(
            inserted=len(changes.copied) + len(changes.inserted),
            updated=len(changes.updated),
            deleted=len(changes.rows_gone),
            unchanged=changes.unchanged,
            conflicts=tuple(changes.conflicts),
        )

    def forget(self) -> None:
        """See Projection.forget; keys, which are remembered, do not change."""


class Asked:
    """Queries for the stored states of requests; locks their rows, in key order.

    Rows are locked before the side tables are read: a transaction that was waited for has
    committed by then, and each statement sees what was committed when it began.
    """

    def __init__(self, connection: Connection[Any], keys: list[str]) -> None:
        self.keys = keys
        wanted = {"keys": TextArray(keys)}
        with nullcontext() if is_pipelined(connection) else pipeline(connection):
            self._rows, self._beside = (
                connection.execute(query, wanted, prepare=True, binary=True)
                for query in (sql.LOAD_ROWS, sql.LOAD_BESIDE)
            )

    def states(self) -> dict[str, State]:
        """The states of those requests that have one; waits for the answers."""
        found = {row[1]: row for row in self._rows.fetchall()}
        moved, gone = dict[str, Any](), dict[str, State]()
        for row in self._beside.fetchall():
            if row[14] is None:
                moved[row[0]] = row
            else:
                gone[row[0]] = rows.state_of_tombstone(row)
        states = {key: rows.state_of_row(row, moved.get(key)) for key, row in found.items()}
        for key, relocation in moved.items():
            if key not in found:
                states[key] = State(relocation[1], None, rows.move_of(relocation))
        return states | gone


def compare(
    keys: Iterable[str], known: Mapping[str, State], batch: ImageBatch, *, by_copy: bool
) -> Changes:
    """What has to be written to get from the known states to those that the batch brings."""
    changes = Changes(by_copy)
    # What is ready is ready for COPY.
    ready, insert = batch.ready if by_copy else {}, changes.copied.append
    for key in keys:
        row = ready.get(key)
        if row is not None and key not in known:
            insert(row)
            continue
        before, after = known.get(key), batch.state(key, changes.conflicts)
        if before is not None:
            if is_conflict(before, after):
                changes.conflicts.append(key)
            after = joined(before, after)
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
            if had_row:
                changes.updated.append((key, after))
            elif changes.by_copy:
                changes.copied.append(rows.copy_row(key, after))
            else:
                changes.inserted.append(rows.row_values(key, after))
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
    """Write the changes; many new rows by binary COPY, a few, in a pipeline, by INSERT."""
    with connection.cursor() as cursor:
        if changes.copied:
            copy_rows(cursor, sql.COPY_ROWS, changes.copied)
        if changes.inserted:
            _insert(cursor, changes.inserted)
        if old := _old_ids(changes):
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


def _old_ids(changes: Changes) -> list[int]:
    """The ids of new rows that are older than the log."""
    copied = [rows.id_of_copied(row) for row in changes.copied if row < rows.FIRST_OF_LOG]
    return copied + [row[0] for row in changes.inserted if row[0] < FIRST_LOG_ID]


def _insert(cursor: Cursor[Any], inserted: Iterable[tuple[Any, ...]]) -> None:
    cursor.execute(sql.INSERT_ROWS, {"rows": _as_json(inserted)}, prepare=True)


def _as_json(inserted: Iterable[tuple[Any, ...]]) -> str:
    return to_json([dict(zip(rows.COLUMNS, row, strict=True)) for row in inserted]).decode()
