"""What a batch changes in the statistics' requests, found and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from projections import statistics_sql as sql
from projections.merge import State
from projections.projection import Applied
from projections.statistics_batch import StatisticsBatch
from projections.statistics_state import (
    Contribution,
    contribution_of,
    copied,
    json_of_rows,
    row_of,
)
from projections.wire import copy_rows


@dataclass(slots=True)
class Changes:
    """What a batch writes, and what that adds to the sums and takes from them."""

    by_copy: bool
    """Whether rows go by COPY, and are made for it, or by INSERT, as ordinary values."""
    copied: list[bytes] = field(default_factory=list)
    inserted: list[tuple[Any, ...]] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    added: list[Contribution] = field(default_factory=list)
    removed: list[Contribution] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unchanged: int = 0


def compare(
    keys: Iterable[str], batch: StatisticsBatch, stored: Mapping[str, State], *, by_copy: bool
) -> Changes:
    """What has to be written."""
    # What is ready is ready for COPY.
    changes, ready = Changes(by_copy), batch.ready if by_copy else {}
    add_row, add_contribution = changes.copied.append, changes.added.append
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
        row = row_of(key, after)
        if changes.by_copy:
            changes.copied.append(copied.of(row))
        else:
            changes.inserted.append(row)
    old, new = contribution_of(before), contribution_of(after)
    if old != new:
        if old is not None:
            changes.removed.append(old)
        if new is not None:
            changes.added.append(new)


def write_requests(
    connection: Connection[Any], changes: Changes, count: Callable[[], None]
) -> None:
    """Write the requests; one that changed is deleted and comes again with the new ones.

    ``count`` is called when the server has enough to do.
    """
    if changes.rewritten:
        connection.execute(sql.DELETE_REQUESTS, (changes.rewritten,), prepare=True)
    if changes.inserted:
        rows = json_of_rows(changes.inserted)
        connection.execute(sql.INSERT_REQUESTS, (rows,), prepare=True)
    if changes.copied:
        with connection.cursor() as cursor:
            copy_rows(cursor, sql.COPY_REQUESTS, changes.copied, meanwhile=count)
    else:
        count()


def applied(changes: Changes) -> Applied:
    """For metrics."""
    updated = len(changes.rewritten)
    return Applied(
        inserted=len(changes.copied) + len(changes.inserted) - updated,
        updated=updated,
        unchanged=changes.unchanged,
        conflicts=tuple(changes.conflicts),
    )
