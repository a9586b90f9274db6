"""The statistics' projection: a batch of events merged into sums that are exact at every commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from projections import statistics_sql as sql
from projections.merge import State, is_conflict, merge
from projections.projection import Applied, Decoded, NeedExclusive
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
    lift,
    row_of,
    slim_of,
    state_of_row,
)
from projections.statistics_tally import Tally
from projections.unsealing import Unsealer
from projections.wire import TextArray, wire_time
from schemas.compact import CompactEvent, Failed, Generated, compact
from schemas.events import ImageFailed

OUTCOMES = (Generated, Failed)
_NOTHING_AFTER = (None, None, None, None, False)
"""No move and no deletion: the last columns of a row that one outcome makes."""


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

    def apply(
        self, connection: Connection[Any], events: Sequence[Decoded], *, exclusive: bool = False
    ) -> Applied:
        """See Projection.apply."""
        if not events:
            return Applied()
        self._unsealer.open(connection, events)
        shard = min(decoded.record.partition for decoded in events)
        folded = by_request(events)
        keys = sorted(folded)
        generation, unsettled, stored = load(connection, keys, self._max_unsettled)
        if unsettled >= self._max_unsettled and not exclusive:
            raise NeedExclusive
        self._membership.start(generation)
        labels: Labels = {}
        changes = compare(keys, folded, stored, labels)
        write_requests(connection, changes)
        self._write_sums(connection, Turn(shard, unsettled, exclusive), changes, labels)
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
        self._write_sums(connection, Turn(0, unsettled, True), Changes(), {})

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
        write_requests(connection, changes)
        self._write_sums(connection, Turn(0, unsettled, True), changes, labels)
        return len({*changes.rewritten, *(row[0] for row in changes.rows)})

    def _write_sums(
        self, connection: Connection[Any], turn: Turn, changes: Changes, labels: Labels
    ) -> None:
        settled = self._membership.update(connection, turn, changes.added, changes.removed)
        tally = Tally(self._buckets)
        tally.count(changes.added, 1)
        tally.count(changes.removed, -1)
        columns = tally.columns(settled.changes, labels)
        if columns.buckets:
            connection.execute(sql.ADD_TO_SUMS, (turn.shard, *columns.wired()), prepare=True)
        if settled.gone:
            sweep(connection, settled.gone)


def by_request(events: Iterable[Decoded]) -> dict[str, CompactEvent | list[CompactEvent]]:
    """The events of each request: nearly always one, else a list."""
    folded: dict[str, CompactEvent | list[CompactEvent]] = {}
    for _, event in events:
        if not isinstance(event, CompactEvent):
            event = compact(event)  # noqa: PLW2901  # the same in the form that is wanted here
        key = event.data.request_id
        before = folded.get(key)
        if before is None:
            folded[key] = event
        elif isinstance(before, list):
            before.append(event)
        else:
            folded[key] = [before, event]
    return folded


def load(
    connection: Connection[Any], keys: list[str], enough: int
) -> tuple[int, int, dict[str, State]]:
    """The membership's generation, how many pairs are unsettled (counted up to ``enough``), and
    the stored states of these requests.

    Locks their rows, in key order.
    """
    with connection.pipeline():
        connection.execute(sql.PLAN_BY_KEY, prepare=True)
        standing = connection.execute(sql.STANDING, (enough,), prepare=True)
        found = connection.execute(sql.LOAD_REQUESTS, (TextArray(keys),), prepare=True, binary=True)
    generation, unsettled = standing.fetchall()[0]
    return generation, unsettled, {row[0]: state_of_row(row) for row in found}


def compare(
    keys: Iterable[str],
    folded: Mapping[str, CompactEvent | list[CompactEvent]],
    stored: Mapping[str, State],
    labels: Labels,
) -> Changes:
    """What has to be written. A request with one event, an outcome, takes the short way."""
    changes = Changes()
    add_row, add_contribution = changes.rows.append, changes.added.append
    for key in keys:
        event = folded[key]
        if isinstance(event, list) or key in stored or type(event.data) not in OUTCOMES:
            _merge_one(key, event, stored.get(key), labels, changes)
            continue
        user, tool, model, provider, size, error = slim = slim_of(event.data, labels)
        time = event.time
        add_row((key, wire_time(time), event.id, *slim, *_NOTHING_AFTER))
        add_contribution(((time.date(), tool, model, provider, error), user, size))
    return changes


def _merge_one(
    key: str,
    event: CompactEvent | list[CompactEvent],
    before: State | None,
    labels: Labels,
    changes: Changes,
) -> None:
    after = before
    for fact in event if isinstance(event, list) else (event,):
        lifted = lift(fact, labels)
        if is_conflict(after, lifted):
            changes.conflicts.append(key)
        after = merge(after, lifted)
    if after is None or after == before:
        changes.unchanged += 1
        return
    _replace(key, before, after, changes)


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


def write_requests(connection: Connection[Any], changes: Changes) -> None:
    """Write the requests; one that changed is deleted and comes again with the new ones."""
    if changes.rewritten:
        connection.execute(sql.DELETE_REQUESTS, (changes.rewritten,), prepare=True)
    if not changes.rows:
        return
    with connection.cursor() as cursor, cursor.copy(sql.COPY_REQUESTS) as copy:
        copy.set_types(COPY_TYPES)
        for row in changes.rows:
            copy.write_row(row)


def _applied(changes: Changes) -> Applied:
    updated = len(changes.rewritten)
    return Applied(
        inserted=len(changes.rows) - updated,
        updated=updated,
        unchanged=changes.unchanged,
        conflicts=tuple(changes.conflicts),
    )
