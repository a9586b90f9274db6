"""The statistics' projection: a batch of events merged into sums that are exact at every commit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from psycopg import Connection

from projections import statistics_sql as sql
from projections.merge import State
from projections.pipelining import is_pipelined, pipeline
from projections.planning import plan_by_key
from projections.positions import lock_projection
from projections.projection import Applied, Decoded, NeedExclusive
from projections.statistics_batch import StatisticsBatch
from projections.statistics_changes import Changes, applied, compare, replace, write_requests
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
    Buckets,
    Labels,
    state_of_row,
)
from projections.statistics_tally import Tally
from projections.unsealing import Unsealer
from projections.wire import TextArray
from schemas.compact import Failed
from schemas.events import ImageFailed


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

    def whole(self, prepared: StatisticsBatch) -> None:
        """See Projection.whole; what a batch adds depends on what is known already."""

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
        asked: Asked = batch.taken(connection, self.ask)
        generation, unsettled, stored = asked.answers()
        if unsettled >= self._max_unsettled and not exclusive:
            raise NeedExclusive
        self._membership.start(generation)
        changes = compare(asked.keys, batch, stored, by_copy=not is_pipelined(connection))
        self._write(connection, Turn(shard, unsettled, exclusive), changes, batch.labels)
        return applied(changes)

    def forget(self) -> None:
        """See Projection.forget."""
        self._membership.forget()

    def settle(self, connection: Connection[Any]) -> None:
        """Drop at once what nothing is counted in any more, which batches do in passing.

        In a transaction that holds the projection's lock alone.
        """
        generation, unsettled, _ = load(connection, [], self._max_unsettled)
        self._membership.start(generation)
        self._write(connection, Turn(0, unsettled, True), Changes(by_copy=True), {})

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
        changes = Changes(by_copy=True)
        for key in ordered:
            replace(key, stored.get(key), wanted.get(key), changes)
        self._write(connection, Turn(0, unsettled, True), changes, labels)
        return sum(stored.get(key) != wanted.get(key) for key in ordered)

    def _write(
        self, connection: Connection[Any], turn: Turn, changes: Changes, labels: Labels
    ) -> None:
        tally, fresh = Tally(self._buckets), set[Pair]()

        def count() -> None:
            tally.count(changes.added, 1)
            fresh.update(self._membership.unknown(changes.added))

        write_requests(connection, changes, count)
        tally.count(changes.removed, -1)
        settled = self._membership.update(connection, turn, fresh, changes.added, changes.removed)
        columns = tally.columns(settled.changes, labels)
        if columns.buckets:
            connection.execute(sql.ADD_TO_SUMS, (turn.shard, *columns.wired()), prepare=True)
        if settled.gone:
            sweep(connection, settled.gone)


def settle_alone(connection: Connection[Any]) -> None:
    """``StatisticsProjection.settle``, in a transaction that waits until it is alone."""
    with connection.transaction():
        lock_projection(connection, NAME, exclusive=True)
        StatisticsProjection().settle(connection)


class Asked:
    """Queries for what stands when a batch begins; locks the rows of requests, in key order."""

    def __init__(self, connection: Connection[Any], keys: list[str], enough: int) -> None:
        self.keys = keys
        with nullcontext() if is_pipelined(connection) else pipeline(connection):
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
    plan_by_key(connection)
    return Asked(connection, keys, enough).answers()
