"""Adding up contributions: what a batch changes in each bucket's sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from projections.statistics_state import Buckets, Cell, Contribution, Labels
from projections.wire import Int8Array, TextArray


class Columns(NamedTuple):
    """Changes of the sums, in the order of buckets; a column each, as ADD_TO_SUMS takes them."""

    buckets: list[str]
    total: list[int]
    failed: list[int]
    bytes_sum: list[int]
    bytes_count: list[int]
    unique_users: list[int]
    labels: list[str | None]

    def wired(self) -> tuple[TextArray | Int8Array, ...]:
        """The columns as parameters."""
        buckets, *numbers, labels = self
        return TextArray(buckets), *map(Int8Array, numbers), TextArray(labels)


class Tally:
    """Sums by cell and by user, which are few beside the requests; by bucket only at the end."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._cells: dict[Cell, list[int]] = {}
        self._users: dict[str, list[int]] = {}

    def count(self, contributions: Iterable[Contribution], sign: int) -> None:
        """Add the contributions (sign 1), or take them away (sign -1)."""
        cells, users = self._cells, self._users
        for cell, user, size in contributions:
            sums = cells.get(cell)
            if sums is None:
                sums = cells[cell] = [0, 0, 0, 0]
            own = users.get(user)
            if own is None:
                own = users[user] = [0, 0, 0, 0]
            sums[0] += sign
            own[0] += sign
            if cell[4] is not None:
                sums[1] += sign
                own[1] += sign
            if size is not None:
                sums[2] += sign * size
                sums[3] += sign
                own[2] += sign * size
                own[3] += sign

    def columns(self, unique_users: Mapping[str, int], labels: Labels) -> Columns:
        """All that changed, with the changes in the numbers of members."""
        sums = {f"user={user}": own for user, own in self._users.items()}
        for cell, amounts in self._cells.items():
            for bucket in self._buckets.of(cell):
                before = sums.get(bucket)
                sums[bucket] = amounts if before is None else _plus(before, amounts)
        for bucket in unique_users:
            sums.setdefault(bucket, [0, 0, 0, 0])
        changed = [
            (bucket, *amounts, unique_users.get(bucket, 0), labels.get(bucket[6:]))
            for bucket, amounts in sorted(sums.items())
            if any(amounts) or unique_users.get(bucket)
        ]
        return Columns(*map(list, zip(*changed, strict=True))) if changed else Columns(*([],) * 7)


def _plus(a: list[int], b: list[int]) -> list[int]:
    return [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
