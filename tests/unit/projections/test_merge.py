"""The laws of merge, over generated states and histories."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from projections.merge import Deletion, Move, Outcome, State, is_conflict, merge

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# Few different times, so that ties on time, decided by the event's id, are common.
times = st.integers(0, 3).map(lambda minutes: EPOCH + timedelta(minutes=minutes))


@st.composite
def facts(draw: st.DrawFn) -> list[State]:
    """The states that the events of one request make, each event with an id of its own."""
    history = []
    for number in range(draw(st.integers(1, 6))):
        event_id = draw(st.sampled_from("zyxcba")) + str(number)
        time = draw(times)
        place = draw(st.integers(2**32, 2**32 + 9))
        kind = draw(st.sampled_from(["success", "failure", "move", "deletion"]))
        if kind == "deletion" and draw(st.booleans()):
            kind = "success"
        history.append(_fact(kind, place, time, event_id))
    return history


def _fact(kind: str, place: int, time: datetime, event_id: str) -> State:
    if kind == "move":
        return State(place, None, Move(time, event_id, f"http://x/{event_id}", "s3", None, 1, None))
    if kind == "deletion":
        return State(place, None, None, Deletion(time, event_id, "user", None))
    return State(place, Outcome(time, event_id, kind == "success", event_id))


def fold(states: list[State]) -> State | None:
    return reduce(merge, states, None)


@given(facts(), st.randoms(use_true_random=False), st.data())
def test_any_order_duplication_and_cut_comes_to_the_same_state(
    history: list[State], rng: random.Random, data: st.DataObject
) -> None:
    delivered = history + data.draw(st.lists(st.sampled_from(history)))
    rng.shuffle(delivered)
    cut = data.draw(st.integers(0, len(delivered)))
    assert merge(fold(delivered[:cut]), fold(delivered[cut:])) == fold(history)


@given(facts(), facts(), facts())
def test_merge_is_a_join(one: list[State], two: list[State], three: list[State]) -> None:
    # The three histories share event ids only where they share the event.
    known: dict[str, State] = {}
    states = []
    for history in (one, two, three):
        own = [known.setdefault(_event_id(fact), fact) for fact in history]
        states.append(fold(own))
    a, b, c = states
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, a) == a
    assert merge(a, None) == a == merge(None, a)


def _event_id(fact: State) -> str:
    part = fact.outcome or fact.move or fact.deletion
    assert part is not None
    return part.event_id


@given(facts())
def test_the_state_is_what_the_rules_say(history: list[State]) -> None:
    """The rules once more, written as questions to the whole history."""
    state = fold(history)
    assert state is not None
    assert state.row_id == min(fact.row_id for fact in history)
    deletions = [f.deletion for f in history if f.deletion]
    if deletions:
        assert state[1:] == (None, None, min(deletions, key=lambda d: d[:2]))
        return
    successes = [f.outcome for f in history if f.outcome and f.outcome.success]
    failures = [f.outcome for f in history if f.outcome and not f.outcome.success]
    moves = [f.move for f in history if f.move]
    first_success = min(successes, key=lambda o: o[:2], default=None)
    last_failure = max(failures, key=lambda o: o[:2], default=None)
    assert state.outcome == (first_success or last_failure)
    assert state.move == max(moves, key=lambda m: m[:2], default=None)


def test_a_second_success_is_a_conflict_and_a_duplicate_is_not() -> None:
    first = _fact("success", 2**32, EPOCH, "a")
    again = _fact("success", 2**32 + 1024, EPOCH, "a")
    second = _fact("success", 2**32 + 2048, EPOCH + timedelta(seconds=1), "b")
    failure = _fact("failure", 2**32 + 3072, EPOCH, "c")
    assert is_conflict(first, second)
    assert is_conflict(second, first)
    assert not is_conflict(first, again)
    assert not is_conflict(first, failure)
    assert not is_conflict(None, first)
