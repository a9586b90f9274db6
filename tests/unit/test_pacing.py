"""Requests leave at once when few events are about, and together when many are."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.pacing import Pacing, pace

MOST_S = 0.008


def test_a_lone_caller_waits_for_nobody() -> None:
    pacing, now = Pacing(MOST_S), 100.0
    for _ in range(50):
        assert pacing.wait_s(now) == 0
        pacing.sent(now, 1)
        pacing.answered(0.002)
        now += 0.0021


def test_what_comes_while_a_request_is_under_way_waits_a_little() -> None:
    pacing = Pacing(MOST_S)
    pacing.sent(100.0, 1)
    pacing.answered(0.001)
    pacing.sent(101.0, 1)
    assert 0 < pacing.wait_s(101.0) < MOST_S
    assert pacing.wait_s(101.0 + MOST_S) == 0


def test_many_wait_for_four_round_trips_and_at_most_the_longest_pause() -> None:
    pacing = Pacing(1.0)
    for number in range(200):
        pacing.sent(100.0 + number, 8)
        pacing.answered(0.001)
    assert pacing.wait_s(299.0) == pytest.approx(0.004)
    short = Pacing(0.001)
    short.sent(100.0, 8)
    short.answered(0.5)
    short.sent(101.0, 8)
    assert short.wait_s(101.0) == pytest.approx(0.001)


def test_all_of_a_round_s_answers_are_waited_for() -> None:
    pacing = Pacing(MOST_S)
    pacing.round_trip_s = 0.1
    pacing.sent(100.0, 1, requests=2)
    pacing.answered(0.1)
    assert pacing.wait_s(100.0) == pytest.approx(MOST_S)
    pacing.answered(0.1)
    assert pacing.wait_s(100.0) == 0


moments = st.lists(
    st.tuples(
        st.floats(0, 0.1),
        st.integers(1, 500),
        st.one_of(st.none(), st.floats(0, 30)),
        st.booleans(),
    ),
    max_size=60,
)


@given(moments)
def test_nothing_ever_waits_for_longer_than_the_longest_pause(
    steps: list[tuple[float, int, float | None, bool]],
) -> None:
    pacing, now = Pacing(MOST_S), 100.0
    for pause, records, round_trip_s, is_answered in steps:
        now += pause
        wait_s = pacing.wait_s(now)
        assert 0 <= wait_s <= MOST_S + 1e-9
        assert pacing.wait_s(now + wait_s) <= 1e-9
        pacing.sent(now, records)
        if is_answered:
            pacing.answered(round_trip_s)


class Accumulator:
    """Ready when its linger is over, as kafka-python's, whose clock begins with each batch."""

    def __init__(self) -> None:
        self.config = {"linger_ms": 0.0}
        self.waiting: list[Any] = []

    def ready(self, _: Any, now: float) -> tuple[set[int], float, bool]:  # noqa: ARG002  as there
        left_s = self.config["linger_ms"] / 1000
        return ({1}, 9e9, False) if self.waiting and not left_s else (set(), left_s or 9e9, False)

    def drain(self, *_: Any, now: float) -> dict[int, list[Any]]:  # noqa: ARG002  as there
        drained, self.waiting = self.waiting, []
        return {1: drained, 2: []}


def test_a_producer_is_told_to_wait_and_when_to_look_again() -> None:
    told: list[str] = []
    sender: Any = SimpleNamespace(
        _handle_produce_response=lambda *_: told.append("answered"),
        _failed_produce=lambda *_: told.append("failed"),
    )
    accumulator: Any = Accumulator()
    pacing = pace(SimpleNamespace(_accumulator=accumulator, _sender=sender), MOST_S)
    batch = SimpleNamespace(record_count=8)
    pacing.round_trip_s = 0.1
    answers: tuple[Callable[[], object], ...] = (
        lambda: sender._handle_produce_response(1, 0.0, [batch], None),
        lambda: None,
        lambda: sender._failed_produce([batch], 1, OSError()),
    )
    for number, answer in enumerate(answers):
        at = 100.0 + number
        accumulator.waiting = [batch]
        assert accumulator.ready(None, now=at)[0] == {1}
        assert accumulator.drain(None, {1, 2}, 10**6, now=at) == {1: [batch], 2: []}
        answer()
        accumulator.waiting = [batch]
        nodes, look_again_s, _ = accumulator.ready(None, now=at + 0.001)
        assert (nodes, look_again_s) == (set(), pytest.approx(MOST_S - 0.001))
    assert told == ["answered", "failed"]
