"""Replaying some requests: their rows and contributions made anew from their events, and mended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from consumers.filtered_log import FilteredLog
from consumers.history import is_of
from consumers.rebuild import Rebuild, Source
from projections import comparing, reconciling, swap
from projections.reconciling import Difference, RowDiff
from projections.statistics import StatisticsProjection


@dataclass(frozen=True, slots=True)
class Replayed:
    """What differed, row by row, and whether it was mended."""

    differences: list[Difference]
    rows: list[RowDiff]
    mended: int


class Replay(Rebuild):
    """Used as a rebuild is, with ``prepare_at_live``, over a log of the chosen requests alone."""

    def __init__(self, source: Source, requests: frozenset[str]) -> None:
        keep = partial(is_of, requests)
        open_reader = partial(FilteredLog, source.open_reader, keep)
        super().__init__(replace(source, open_reader=open_reader), "replay")
        self._requests = sorted(requests)

    def settle(self, *, dry_run: bool, show: int) -> Replayed:
        """Hold the workers still, catch up to where they are, compare, and mend.

        Up to ``show`` rows are returned with their old and new values. A row that says an event
        made it, of which the log knows nothing, stays.
        """
        shadow, connection = self._shadow, self._connection
        with connection.transaction(), self._connect_shadow()() as fresh:
            self._catch_up_with_live(swap.lock_live(connection, self._key()))
            connection.execute("SELECT set_config('statement_timeout', '0', true)")
            comparing.keep_ids(connection, shadow)
            found = reconciling.of_requests(connection, shadow, self._requests)
            rows = reconciling.values_of(connection, shadow, found[:show])
            mended = 0
            if not dry_run:
                wrong = [one for one in found if one.kind != "unfounded"]
                if shadow.projection == "table":
                    mended = reconciling.mend(connection, shadow, wrong, lose=False)
                else:
                    ids = [one.what for one in wrong]
                    mended = StatisticsProjection().correct(connection, fresh, ids)
        return Replayed(found, rows, mended)
