"""Waits between tries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumers.retry import Backoff


def test_waits_grow_to_the_cap_and_start_anew_after_a_reset() -> None:
    backoff = Backoff(first_s=0.1, cap_s=1.0, draw=lambda: 1.0)
    assert [backoff.next_s() for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    backoff.reset()
    assert backoff.next_s() == 0.1


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_jitter_takes_from_the_upper_half(draws: list[float]) -> None:
    source = iter(draws)
    backoff = Backoff(draw=lambda: next(source))
    bounds = [min(10.0, 0.1 * 2**n) for n in range(len(draws))]
    for bound in bounds:
        assert bound / 2 <= backoff.next_s() <= bound
