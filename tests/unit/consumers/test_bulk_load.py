"""Sorting what a rebuild loads, without a database."""

from __future__ import annotations

from typing import Any

from rbloom import Bloom

from consumers.bulk_load import Sorted, _sort, _strays
from projections.projection import Decoded
from schemas.compact import compact
from schemas.partitioning import home_partition
from tests.support.builders import generated, record


def test_an_event_that_no_row_can_be_made_of_is_left_to_the_merge_and_the_others_land() -> None:
    events: list[Decoded] = []
    for number in range(3):
        event = generated(request_id=f"request-{number}")
        events.append(Decoded(record(event, 0, number), compact(event)))
    spoilt: Any = events[1].event
    spoilt.data.prompt = "half a surrogate: \ud800"
    found = Sorted()
    _sort(events, Bloom(1_000, 0.01), set(), found)
    assert len(found.rows) == 2
    assert found.firsts == [events[0].record, events[2].record]
    assert found.deferred == [events[1].record]


def test_only_what_stands_in_its_request_s_own_partition_goes_by_copy() -> None:
    partitions = 6
    event = generated(request_id="somewhere")
    home = home_partition(b"somewhere", partitions)
    at_home, stray = record(event, home, 0), record(event, (home + 1) % partitions, 0)
    # Its key is at home there, and is not its request's.
    other = at_home._replace(key=b"another", partition=home_partition(b"another", partitions))
    for one, goes_by_copy in ((at_home, True), (stray, False), (other, False)):
        found = Sorted()
        _sort([Decoded(one, compact(event))], Bloom(1_000, 0.01), _strays([one], partitions), found)
        assert (bool(found.rows), bool(found.deferred)) == (goes_by_copy, not goes_by_copy)
