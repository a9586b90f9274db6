"""Sorting what a rebuild loads, without a database."""

from __future__ import annotations

from typing import Any

from rbloom import Bloom

from consumers.bulk_load import Sorted, _sort
from projections.projection import Decoded
from schemas.compact import compact
from tests.support.builders import generated, record


def test_an_event_that_no_row_can_be_made_of_is_left_to_the_merge_and_the_others_land() -> None:
    events: list[Decoded] = []
    for number in range(3):
        event = generated(request_id=f"request-{number}")
        events.append(Decoded(record(event, 0, number), compact(event)))
    spoilt: Any = events[1].event
    spoilt.data.prompt = "half a surrogate: \ud800"
    found = Sorted()
    _sort(events, Bloom(1_000, 0.01), 1, found)
    assert len(found.rows) == 2
    assert found.firsts == [events[0].record, events[2].record]
    assert found.deferred == [events[1].record]
