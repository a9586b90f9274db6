"""What is said of each event agrees with the merge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from projections.history import verdicts
from projections.lift import lift
from projections.merge import State, merge
from projections.projection import Decoded
from schemas.codec import encode, key_of
from schemas.events import Event
from schemas.record import Record
from tests.support.builders import histories


def folded(events: list[Decoded]) -> State | None:
    return reduce(merge, (lift(one) for one in events), None)


@given(history=histories(), data=st.data())
def test_those_that_made_the_row_make_it_alone(
    history: Sequence[Event], data: st.DataObject
) -> None:
    events = [
        Decoded(Record("t", 0, offset, 0, key_of(event), encode(event)), event)
        for offset, event in enumerate(history)
    ]
    requests = {one.event.data.request_id for one in events}
    for request_id in requests:
        own = [one for one in events if one.event.data.request_id == request_id]
        told = verdicts(data.draw(st.permutations(own)))
        assert len(told) == len(own)
        assert all(one.why for one in told)
        all_of_it, made = folded(own), folded([one.decoded for one in told if one.made])
        assert all_of_it is not None
        assert made is not None
        assert all_of_it._replace(row_id=0) == made._replace(row_id=0)
