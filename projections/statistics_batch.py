"""A batch of the statistics' events, and what each of them alone adds."""

from __future__ import annotations

from dataclasses import dataclass, field

from projections.batch import PreparedBatch
from projections.merge import State, is_conflict, merge
from projections.projection import Decoded
from projections.statistics_state import Contribution, Labels, copied, lift, slim_of
from projections.wire import wire_time
from schemas.compact import Failed, Generated

Made = tuple[bytes, Contribution]
"""A row as ``statistics_state.row_of``, made for COPY, and what it contributes."""

OUTCOMES = (Generated, Failed)
_NOTHING_AFTER = (None, None, None, None, False)
"""No move and no deletion: the last columns of a row that one outcome makes."""


@dataclass(slots=True)
class StatisticsBatch(PreparedBatch[Made]):
    """What is ready are rows and contributions."""

    labels: Labels = field(default_factory=dict)

    def make(self, decoded: Decoded) -> Made | None:
        event = decoded.held
        data = event.data
        if type(data) not in OUTCOMES:
            return None
        user, tool, model, provider, size, error = slim = slim_of(data, self.labels)
        time = event.time
        row = (data.request_id, wire_time(time), event.id, *slim, *_NOTHING_AFTER)
        return copied.of(row), ((time.date(), tool, model, provider, error), user, size)

    def join(self, later: PreparedBatch[Made]) -> None:
        super(StatisticsBatch, self).join(later)
        if isinstance(later, StatisticsBatch):
            self.labels |= later.labels

    def merged(self, key: str, before: State | None, conflicts: list[str]) -> State | None:
        """What the request comes to from this state; noted if its events are in conflict."""
        events, after = self.events[key], before
        for decoded in events if isinstance(events, list) else (events,):
            lifted = lift(decoded.event, self.labels)  # type: ignore[arg-type]  # taken in as such
            if is_conflict(after, lifted):
                conflicts.append(key)
            after = merge(after, lifted)
        return after
