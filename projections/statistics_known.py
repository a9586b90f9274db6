"""What a worker remembers of the membership, so that a steady flow costs no look-ups."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from projections.statistics_state import Buckets, Contribution

MAX_KNOWN = 250_000
"""Pairs that are remembered; about a hundred bytes each."""

Pair = tuple[str, str]
"""A bucket and a user."""


class KnownPairs:
    """Pairs that are members or unsettled, so that they need not be looked at again."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._by_user: dict[str, set[str]] = {}
        self._size = 0

    def forget(self) -> None:
        """Know nothing."""
        self._by_user.clear()
        self._size = 0

    def unknown(self, contributions: Iterable[Contribution]) -> set[Pair]:
        """The pairs of these contributions that are not known."""
        pairs: set[Pair] = set()
        by_user, buckets_of, nothing = self._by_user, self._buckets.of, frozenset[str]()
        for cell, user, _ in contributions:
            buckets = buckets_of(cell)
            known = by_user.get(user, nothing)
            if not known.issuperset(buckets):
                pairs.update((bucket, user) for bucket in buckets if bucket not in known)
        return pairs

    def add(self, pairs: Collection[Pair]) -> None:
        """These are members, or unsettled."""
        if self._size + len(pairs) > MAX_KNOWN:
            self.forget()
        self._size += len(pairs)
        for bucket, user in pairs:
            self._by_user.setdefault(user, set()).add(bucket)

    def discard(self, pairs: Iterable[Pair]) -> None:
        """These are so no longer."""
        for bucket, user in pairs:
            if user in self._by_user:
                self._by_user[user].discard(bucket)
