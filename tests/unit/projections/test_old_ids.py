"""An event that names the id its row had before there was a log."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from projections.lift import lift
from projections.merge import merge
from projections.projection import Decoded
from schemas.codec import decode, encode
from schemas.errors import InvalidEvent
from schemas.events import Event
from tests.support.builders import deleted, failed, generated, moved, record


def decoded(event: Event, offset: int = 0) -> Decoded:
    return Decoded(record(event, 3, offset), decode(encode(event)))


@pytest.mark.parametrize("make", [generated, failed])
def test_the_row_has_the_old_id_and_else_is_the_same(make: type) -> None:
    old, new = (lift(decoded(make(event_id="e", **named))) for named in ({"row_id": 7}, {}))
    assert (old.row_id, new.row_id) == (7, 2**32 + 3)
    assert old[1:] == new[1:]


def test_it_wins_whatever_else_happened_and_whenever_it_comes() -> None:
    events = [failed(), generated(row_id=7), moved(), deleted()]
    facts = [lift(decoded(event, offset)) for offset, event in enumerate(events)]
    for order in permutations(facts):
        state = None
        for fact in order:
            state = merge(state, fact)
        assert state is not None
        assert state.row_id == 7


@pytest.mark.parametrize("row_id", [0, -1, 2**32, 2**64, True, 1.5, "7"])
def test_ids_of_the_log_are_refused(row_id: object) -> None:
    with pytest.raises(InvalidEvent, match="row_id"):
        generated(row_id=row_id)
    told = f'"row_id":{json.dumps(row_id)}'.encode()
    value = encode(generated(row_id=7)).replace(b'"row_id":7', told)
    with pytest.raises(InvalidEvent):
        decode(value)


def test_without_one_nothing_is_written_about_it() -> None:
    assert b"row_id" not in encode(generated())
    assert b'"row_id":4294967295' in encode(generated(row_id=2**32 - 1))
