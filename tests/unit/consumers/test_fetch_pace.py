"""When brokers let records gather: by the records of whole seconds, with a wide middle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumers.fetch_pace import FetchPace, Gathering

GATHERING = Gathering(longest_s=0.04, above=6_000, below=4_000)


class Arriving:
    """A pace, and a clock that only this moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pace = FetchPace(GATHERING, lambda: self.now)

    def second(self, records: int, polls: int = 10) -> float:
        """So many records arrive in a second, in as many polls; what comes of it."""
        began = self.now
        for number in range(polls - 1):
            self.now = began + (number + 0.5) / polls
            self.pace.arrived(records // polls)
        self.now = began + 1
        return self.pace.arrived(records - (polls - 1) * (records // polls))


def test_many_gather_and_few_do_not() -> None:
    arriving = Arriving()
    assert arriving.second(5_999) == 0.0
    assert arriving.second(6_001) == 0.04
    assert arriving.second(4_001) == 0.04
    assert arriving.second(3_999) == 0.0
    assert arriving.second(5_999) == 0.0


def test_a_burst_of_less_than_a_second_changes_nothing() -> None:
    arriving = Arriving()
    assert arriving.pace.arrived(5_000) == 0.0
    arriving.now += 0.9
    assert arriving.pace.arrived(500) == 0.0


def test_who_did_not_look_for_long_looks_at_the_rate_and_not_at_the_number() -> None:
    arriving = Arriving()
    arriving.now += 10
    assert arriving.pace.arrived(8_000) == 0.0


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 50))))
def test_each_second_is_judged_by_its_own_records(seconds: list[tuple[int, int]]) -> None:
    arriving, expected = Arriving(), 0.0
    for records, polls in seconds:
        if records >= GATHERING.above:
            expected = GATHERING.longest_s
        elif records < GATHERING.below:
            expected = 0.0
        assert arriving.second(records, polls) == expected
