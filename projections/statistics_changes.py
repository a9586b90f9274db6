"""What a batch changes in the statistics' requests, found and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from projections import statistics_sql as sql
from projections.merge import State
from projections.projection import Applied
from projections.statistics_batch import StatisticsBatch
from projections.statistics_state import (
    COPY_TYPES,
    Contribution,
    contribution_of,
    json_of_rows,
    row_of,
)
from projections.wire import is_pipelined

AT_ONCE = 500
"""Rows that are sent before their contributions are counted."""


@dataclass(slots=True)
class Changes:
    """What a batch writes, and what that adds to the sums and takes from them."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    added: list[Contribution] = field(default_factory=list)
    removed: list[Contribution] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unchanged: int = 0


def compare(keys: Iterable[str], batch: StatisticsBatch, stored: Mapping[str, State]) -> Changes:
    """What has to be written."""
    changes, ready = Changes(), batch.ready
    add_row, add_contribution = changes.rows.append, changes.added.append
    for key in keys:
        made = ready.get(key)
        if made is not None and key not in stored:
            add_row(made[0])
            add_contribution(made[1])
            continue
        before = stored.get(key)
        after = batch.merged(key, before, changes.conflicts)
        if after is None or after == before:
            changes.unchanged += 1
        else:
            replace(key, before, after, changes)
    return changes


def replace(key: str, before: State | None, after: State | None, changes: Changes) -> None:
    """Note that the one is to stand in the place of the other."""
    if before == after:
        return
    if before is not None:
        changes.rewritten.append(key)
    if after is not None:
        changes.rows.append(row_of(key, after))
    old, new = contribution_of(before), contribution_of(after)
    if old != new:
        if old is not None:
            changes.removed.append(old)
        if new is not None:
            changes.added.append(new)


def write_requests(
    connection: Connection[Any], changes: Changes, count: Callable[[Sequence[Contribution]], None]
) -> None:
    """Write the requests; one that changed is deleted and comes again with the new ones.

    ``count`` is called with all that they add, in parts while the server is busy with rows that
    were sent already.
    """
    if changes.rewritten:
        connection.execute(sql.DELETE_REQUESTS, (changes.rewritten,), prepare=True)
    if is_pipelined(connection) or not changes.rows:
        if changes.rows:
            connection.execute(sql.INSERT_REQUESTS, (json_of_rows(changes.rows),), prepare=True)
        count(changes.added)
        return
    with connection.cursor() as cursor, cursor.copy(sql.COPY_REQUESTS) as copy:
        copy.set_types(COPY_TYPES)
        for start in range(0, max(len(changes.rows), len(changes.added)), AT_ONCE):
            for row in changes.rows[start : start + AT_ONCE]:
                copy.write_row(row)
            count(changes.added[start : start + AT_ONCE])


def applied(changes: Changes) -> Applied:
    """For metrics."""
    updated = len(changes.rewritten)
    return Applied(
        inserted=len(changes.rows) - updated,
        updated=updated,
        unchanged=changes.unchanged,
        conflicts=tuple(changes.conflicts),
    )
