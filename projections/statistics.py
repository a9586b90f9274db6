"""The statistics' projection: a batch of events merged into sums that are exact at every commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from projections import statistics_sql as sql
from projections.merge import State
from projections.projection import Applied, Decoded, NeedExclusive
from projections.statistics_batch import StatisticsBatch
from projections.statistics_known import Pair
from projections.statistics_members import (
    MAX_UNSETTLED,
    NAME,
    SETTLE_AT,
    Membership,
    Turn,
    sweep,
)
from projections.statistics_state import (
    COPY_TYPES,
    Buckets,
    Contribution,
    Labels,
    contribution_of,
    json_of_rows,
    row_of,
    state_of_row,
)
from projections.statistics_tally import Tally
from projections.unsealing import Unsealer
from projections.wire import TextArray, is_pipelined
from schemas.compact import Failed
from schemas.events import ImageFailed

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


class StatisticsProjection:
    """Projects events into the statistics. One thread uses it, on one search_path.

    A transaction writes only into the shard of a partition whose position it holds, so workers on
    different partitions never wait for each other, whatever users, tools or days they have in
    common.
    """

    name = NAME

    def __init__(self, settle_at: int = SETTLE_AT, max_unsettled: int = MAX_UNSETTLED) -> None:
        self._buckets = Buckets()
        self._membership = Membership(self._buckets, settle_at)
        self._max_unsettled = max_unsettled
        # Of all that is sealed, an error's text alone is counted, by its fingerprint.
        self._unsealer = Unsealer(frozenset({ImageFailed, Failed}))

    def prepare(self, events: Sequence[Decoded]) -> StatisticsBatch:
        """See Projection.prepare."""
        batch = StatisticsBatch()
        batch.take(events, self._unsealer)
        return batch

    def ask(self, connection: Connection[Any], prepared: StatisticsBatch) -> None:
        """See Projection.ask."""
        prepared.asked = Asked(connection, sorted(prepared.events), self._max_unsettled)

    def apply(
        self,
        connection: Connection[Any],
        events: Sequence[Decoded],
        prepared: StatisticsBatch | None = None,
        *,
        exclusive: bool = False,
    ) -> Applied:
        """See Projection.apply."""
        if not events:
            return Applied()
        batch = self.prepare(events) if prepared is None else prepared
        batch.open(connection, self._unsealer)
        shard = min(decoded.record.partition for decoded in events)
        asked: Asked = batch.taken(lambda: self.ask(connection, batch))
        generation, unsettled, stored = asked.answers()
        if unsettled >= self._max_unsettled and not exclusive:
            raise NeedExclusive
        self._membership.start(generation)
        changes = compare(asked.keys, batch, stored)
        self._write(connection, Turn(shard, unsettled, exclusive), changes, batch.labels)
        return _applied(changes)

    def forget(self) -> None:
        """See Projection.forget."""
        self._membership.forget()

    def settle(self, connection: Connection[Any]) -> None:
        """Drop at once what nothing is counted in any more, which batches do in passing.

        In a transaction that holds the projection's lock alone.
        """
        generation, unsettled, _ = load(connection, [], self._max_unsettled)
        self._membership.start(generation)
        self._write(connection, Turn(0, unsettled, True), Changes(), {})

    def correct(
        self, connection: Connection[Any], right: Connection[Any], keys: Sequence[str]
    ) -> int:
        """Take over what another schema's tables say of these requests; how many were wrong.

        ``right`` finds those tables on its search_path. In a transaction of ``connection`` that
        holds the projection's lock alone. The sums follow by what each request contributes more
        or less.
        """
        ordered = sorted(set(keys))
        generation, unsettled, stored = load(connection, ordered, self._max_unsettled)
        with right.transaction():
            _, _, wanted = load(right, ordered, self._max_unsettled)
        labels = dict(right.execute(sql.LABELS).fetchall())
        self._membership.start(generation)
        changes = Changes()
        for key in ordered:
            _replace(key, stored.get(key), wanted.get(key), changes)
        self._write(connection, Turn(0, unsettled, True), changes, labels)
        return len({*changes.rewritten, *(row[0] for row in changes.rows)})

    def _write(
        self, connection: Connection[Any], turn: Turn, changes: Changes, labels: Labels
    ) -> None:
        tally, fresh = Tally(self._buckets), set[Pair]()

        def count(added: Sequence[Contribution]) -> None:
            tally.count(added, 1)
            fresh.update(self._membership.unknown(added))

        write_requests(connection, changes, count)
        tally.count(changes.removed, -1)
        settled = self._membership.update(connection, turn, fresh, changes.added, changes.removed)
        columns = tally.columns(settled.changes, labels)
        if columns.buckets:
            connection.execute(sql.ADD_TO_SUMS, (turn.shard, *columns.wired()), prepare=True)
        if settled.gone:
            sweep(connection, settled.gone)


class Asked:
    """Queries for what stands when a batch begins; locks the rows of requests, in key order."""

    def __init__(self, connection: Connection[Any], keys: list[str], enough: int) -> None:
        self.keys = keys
        with nullcontext() if is_pipelined(connection) else connection.pipeline():
            connection.execute(sql.PLAN_BY_KEY, prepare=True)
            self._standing = connection.execute(sql.STANDING, (enough,), prepare=True)
            self._found = connection.execute(
                sql.LOAD_REQUESTS, (TextArray(keys),), prepare=True, binary=True
            )

    def answers(self) -> tuple[int, int, dict[str, State]]:
        """The membership's generation, how many pairs are unsettled (counted up to ``enough``),
        and the stored states of those requests that have one; waits for the answers.
        """
        generation, unsettled = self._standing.fetchall()[0]
        return generation, unsettled, {row[0]: state_of_row(row) for row in self._found.fetchall()}


def load(
    connection: Connection[Any], keys: list[str], enough: int
) -> tuple[int, int, dict[str, State]]:
    """Ask, and wait for the answers."""
    return Asked(connection, keys, enough).answers()


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
            _replace(key, before, after, changes)
    return changes


def _replace(key: str, before: State | None, after: State | None, changes: Changes) -> None:
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


def _applied(changes: Changes) -> Applied:
    updated = len(changes.rewritten)
    return Applied(
        inserted=len(changes.rows) - updated,
        updated=updated,
        unchanged=changes.unchanged,
        conflicts=tuple(changes.conflicts),
    )
