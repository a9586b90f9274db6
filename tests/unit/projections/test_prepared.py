"""Batches that are made ready before the database is asked: the same, however they were cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.image_batch import ImageBatch
from projections.image_rows import copy_row, has_row
from projections.image_table import TableProjection
from projections.lift import lift
from projections.projection import Decoded
from projections.statistics import StatisticsProjection
from projections.statistics_batch import StatisticsBatch
from projections.statistics_state import Labels, contribution_of, copied, row_of
from projections.statistics_state import lift as lift_slim
from schemas.compact import compact, read_record
from schemas.events import Event
from schemas.record import Record
from tests.support.builders import generated, moved, record
from tests.support.strategies import events, histories


def decoded(event: Event, offset: int = 0) -> Decoded:
    made = record(event, 3, offset)
    return Decoded(made, read_record(made))


def delivery(history: Sequence[Event]) -> list[Decoded]:
    return [decoded(event, offset) for offset, event in enumerate(history)]


@given(events())
def test_a_row_made_at_once_is_the_row_of_the_state(event: Event) -> None:
    one = decoded(event)
    state, made = lift(one), ImageBatch().make(one)
    if has_row(state):
        assert made == copy_row(event.data.request_id, state)
    else:
        assert made is None


@given(events())
def test_what_counts_at_once_is_what_the_state_contributes(event: Event) -> None:
    batch = StatisticsBatch()
    made = batch.make(decoded(event))
    labels: Labels = {}
    state = lift_slim(compact(event), labels)
    if state.outcome is None:
        assert made is None
        return
    row = copied.of(row_of(event.data.request_id, state))
    assert made == (row, contribution_of(state))
    assert batch.labels == labels


def told(batch: Any) -> dict[str, list[tuple[Record, Any]]]:
    """The events of each request; those that were let go are read again."""
    return {
        key: [(one.record, one.event) for one in (found if isinstance(found, list) else [found])]
        for key, found in batch.events.items()
    }


def test_what_is_ready_is_let_go_and_can_be_read_again() -> None:
    once, twice = generated("r-1"), generated("r-2")
    one, *others = delivery([once, twice, twice, moved("r-3")])
    batch = TableProjection().prepare([one, *others])
    batch.let_go()
    assert one.held is None
    assert all(other.held is not None for other in others)
    assert one.event == compact(once)
    one.held = None
    again = TableProjection().prepare([one, *others])
    assert (told(again), again.ready) == (told(batch), batch.ready)


@pytest.mark.parametrize("projection", [TableProjection(), StatisticsProjection()])
@given(histories(), st.data())
def test_parts_joined_are_the_whole(
    projection: TableProjection | StatisticsProjection,
    history: Sequence[Event],
    data: st.DataObject,
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(history)), max_size=4)))
    whole: Any = projection.prepare(delivery(history))
    joined: Any = projection.prepare([])
    for start, end in zip([0, *cuts], [*cuts, len(history)], strict=True):
        part = projection.prepare(delivery(history)[start:end])
        if data.draw(st.booleans()):
            part.let_go()
        joined.join(part)
    assert told(joined) == told(whole)
    assert joined.ready == whole.ready
    alone = {key for key, found in whole.events.items() if not isinstance(found, list)}
    assert whole.ready.keys() <= alone
