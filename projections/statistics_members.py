"""Who is counted in each bucket: unique users, exact at every commit without waiting for anybody.

Of a pair (bucket, user) that is not in statistics_unsettled this holds at every commit: the user
is a member of the bucket if, and only if, one of his requests is counted in it. Whoever reads
judges the unsettled pairs by the requests themselves, so they do no harm but cost a look-up each.

- A pair that is new becomes a member when this transaction gets the members' lock at once, and is
  unsettled otherwise: inserting a key that another open transaction has inserted would wait for it.
- A pair that may have lost its last request is unsettled. A member is removed only while no other
  batch is under way, since one might add a request to the pair and rely on the membership.
- Unsettled pairs are settled in passing, once there are many, by a batch that happens to be alone
  (those that do count also by one that has the members' lock). Only at MAX_UNSETTLED does a batch
  insist on being alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import Connection

from projections import statistics_sql as sql
from projections.positions import try_lock_projection
from projections.statistics_known import KnownPairs, Pair
from projections.statistics_state import Buckets, Contribution
from projections.wire import TextArray

SETTLE_AT = 200
"""Unsettled pairs from which on a batch tries to settle them; each costs a reader a look-up."""

MAX_UNSETTLED = 20_000
"""Unsettled pairs at which a batch insists on being alone to settle them."""

NAME = "stats"
EVERYTHING = {"first": "", "end": "~"}
"""Names of dimensions are lower-case words, which are all before the tilde."""


class Turn(NamedTuple):
    """What a batch found when it began: its shard, how many pairs are unsettled, if it is alone."""

    shard: int
    unsettled: int
    exclusive: bool


class Settled(NamedTuple):
    """By how much each bucket's unique_users changes, and the pairs that do not count any more."""

    changes: Mapping[str, int]
    gone: frozenset[Pair] = frozenset()


class Membership:
    """Keeps statistics_members and statistics_unsettled; remembers pairs between batches."""

    def __init__(self, buckets: Buckets, settle_at: int) -> None:
        self._buckets = buckets
        self._settle_at = settle_at
        self._known = KnownPairs(buckets)
        self._generation = -1

    def forget(self) -> None:
        """See Projection.forget."""
        self._known.forget()

    def start(self, generation: int) -> None:
        """Forget what was remembered when somebody else has removed members since."""
        if generation != self._generation:
            self._known.forget()
            self._generation = generation

    def unknown(self, added: Iterable[Contribution]) -> set[Pair]:
        """The pairs of these contributions of which it is not known that they are members."""
        return self._known.unknown(added)

    def update(
        self,
        connection: Connection[Any],
        turn: Turn,
        fresh: set[Pair],
        added: Sequence[Contribution],
        removed: Sequence[Contribution],
    ) -> Settled:
        """Bring the membership up to the requests, which are written already.

        ``added`` are the contributions that this batch has made, ``removed`` those it took away;
        ``fresh`` is what ``unknown`` said of the ones added.
        """
        suspects = self._pairs(removed) - self._pairs(added) if removed else set()
        if not (fresh or suspects or turn.unsettled or turn.exclusive):
            return Settled({})
        many = turn.unsettled + len(suspects) >= self._settle_at
        alone = turn.exclusive or (many and try_lock_projection(connection, NAME))
        locked = alone or ((many or bool(fresh)) and _try_lock_members(connection))
        settled = _write(connection, turn.shard, fresh, suspects, locked=locked)
        self._known.add(fresh)
        if alone or (locked and many):
            settled = _settle(connection, settled, None if alone else turn.shard)
        if settled.gone:
            self._known.discard(settled.gone)
            self._generation = _scalar(connection, sql.RAISE_GENERATION)
        return settled

    def _pairs(self, contributions: Iterable[Contribution]) -> set[Pair]:
        buckets_of = self._buckets.of
        return {(bucket, user) for cell, user, _ in contributions for bucket in buckets_of(cell)}


def _write(
    connection: Connection[Any], shard: int, fresh: set[Pair], suspects: set[Pair], *, locked: bool
) -> Settled:
    """Make the fresh pairs members; without the lock they are as unsettled as the suspects."""
    changes = _execute_pairs(connection, sql.ADD_MEMBERS, fresh) if locked and fresh else {}
    unsettled = suspects if locked else suspects | fresh
    if unsettled:
        connection.execute(sql.ADD_UNSETTLED, (shard, *_columns(unsettled)), prepare=True)
    return Settled(changes)


def _settle(connection: Connection[Any], before: Settled, shard: int | None) -> Settled:
    """Settle what is unsettled: with a shard, its pairs that count; without, all there are."""
    judged = connection.execute(
        sql.JUDGE, {"shard": shard, **EVERYTHING}, prepare=True, binary=True
    ).fetchall()
    counting = {(bucket, user) for bucket, user, counts, _ in judged if counts}
    joining = {(bucket, user) for bucket, user, counts, member in judged if counts and not member}
    gone = frozenset((bucket, user) for bucket, user, counts, _ in judged if not counts)
    changes = Counter(before.changes)
    if shard is not None:
        gone = frozenset()
    if joining:
        changes.update(_execute_pairs(connection, sql.ADD_MEMBERS, joining))
    if gone:
        changes.update(_execute_pairs(connection, sql.REMOVE_MEMBERS, gone))
    if counting or gone:
        pairs = _columns(counting | gone)
        connection.execute(sql.REMOVE_UNSETTLED, (*pairs, shard, shard), prepare=True)
    return Settled(changes, gone)


def sweep(connection: Connection[Any], gone: Iterable[Pair]) -> None:
    """Drop the sums of buckets that nothing is counted in any more; only while alone."""
    buckets = {bucket for bucket, _ in gone}
    users = {f"user={user}" for bucket, user in gone if bucket == "total"}
    connection.execute(sql.SWEEP_SUMS, (sorted(buckets | users),), prepare=True)


def _try_lock_members(connection: Connection[Any]) -> bool:
    return bool(_scalar(connection, sql.TRY_LOCK_MEMBERS))


def _execute_pairs(
    connection: Connection[Any], statement: str, pairs: Iterable[Pair]
) -> dict[str, int]:
    """Run a statement that takes pairs and returns a number for each bucket."""
    return dict(connection.execute(statement, _columns(pairs), prepare=True).fetchall())


def _columns(pairs: Iterable[Pair]) -> tuple[TextArray, TextArray]:
    ordered = sorted(pairs)
    return TextArray([bucket for bucket, _ in ordered]), TextArray([user for _, user in ordered])


def _scalar(connection: Connection[Any], statement: str) -> Any:
    row = connection.execute(statement, prepare=True).fetchone()
    return None if row is None else row[0]
