"""Comparing a projection with the log: built anew beside it, up to the very same positions."""

from __future__ import annotations

from dataclasses import dataclass

from consumers.rebuild import Rebuild, Source
from projections import reconciling, swap
from projections.comparing import carry_over, room_for_joins
from projections.reconciling import Difference


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found, and how much of it was mended."""

    differences: list[Difference]
    mended: int


class Reconciliation(Rebuild):
    """Used as a rebuild is, with ``prepare_at_live``, and ``settle`` in the swap's place."""

    def __init__(self, source: Source) -> None:
        super().__init__(source, "reconcile")

    def settle(self, *, repair: bool, lose: bool) -> Reconciled:
        """Hold the workers still, catch up to where they are, compare, and mend if wanted.

        ``lose``: also remove what nothing in the log makes.
        """
        shadow = self._shadow
        with self._connection.transaction(), self._connect_shadow()() as fresh:
            self._catch_up_with_live(swap.lock_live(self._connection, self._key()))
            self._connection.execute("SELECT set_config('statement_timeout', '0', true)")
            carry_over(self._connection, shadow, unmade=False)
            room_for_joins(self._connection)
            found = list(reconciling.find(self._connection, fresh, shadow))
            mended = 0
            if repair and found:
                mended = reconciling.mend(self._connection, shadow, found, lose=lose)
        return Reconciled(found, mended)
