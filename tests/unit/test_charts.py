"""Charts: what they show is what the numbers say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.charts import LONGEST, PLOT, TOP, Series, Tick, bars, columns, level, scale, shares
from web.formats import duration, link, milliseconds, percent, size

counts = st.lists(st.integers(0, 10**9), min_size=1, max_size=400)


@given(st.integers(0, 10**12) | st.floats(0.01, 1e6))
def test_an_axis_reaches_the_highest_value_in_even_steps(highest: float) -> None:
    steps = scale(highest)
    assert steps[0] == 0
    assert steps[-1] >= highest * 0.999999
    assert 2 <= len(steps) <= 7
    widths = [later - earlier for earlier, later in pairwise(steps)]
    assert max(widths) - min(widths) <= 1e-6 * steps[-1]


@given(counts)
def test_columns_are_as_high_as_their_values(values: list[int]) -> None:
    labels = [str(n) for n in range(len(values))]
    chart = columns("", labels, [Series("good", "good", values), Series("bad", "bad", values)])
    top = scale(2 * max(values))[-1]
    for mark, value in zip(chart.marks, values, strict=True):
        lengths = [part.length for part in mark.parts]
        assert abs(sum(lengths) - 2 * value / top * PLOT) < 1e-6
        assert all(TOP - 1e-6 <= part.begin <= TOP + PLOT + 1e-6 for part in mark.parts)
        assert 0 <= mark.at <= 100
    assert 1 <= len(chart.labels) <= 5
    # The highest can be read off.
    if max(values):
        assert f"{2 * max(values):,}" in {mark.value for mark in chart.marks}


@pytest.mark.parametrize("days", [1, 6, 7, 12, 30, 90, 365])
def test_labels_of_an_axis_do_not_meet(days: int) -> None:
    chart = columns("", ["25 Oct"] * days, [Series("good", "good", [1] * days)])
    found = edges(chart.labels)
    assert len(found) >= 2
    assert all(left < right for left, right in pairwise(found))
    assert found[0] >= -1
    assert found[-1] <= 101


def edges(labels: Sequence[Tick]) -> list[float]:
    """Where labels begin and end, which take 15 % of the width on the smallest phones."""
    before = {"start": 0.0, "middle": 7.5, "end": 15.0}
    begins = [one.at - before[one.anchor] for one in labels]
    return [at for begin in begins for at in (begin, begin + 15)]


@given(counts)
def test_bars_are_as_long_as_their_values(values: list[int]) -> None:
    labels = [str(n) for n in range(len(values))]
    chart = bars("", labels, [Series("good", "good", values)], labels)
    for mark, value in zip(chart.marks, values, strict=True):
        assert abs(mark.parts[0].length - value / (max(values) or 1) * LONGEST) < 1e-6


@given(st.lists(st.none() | st.floats(0, 1), max_size=100))
def test_a_line_is_broken_where_nothing_is_known(values: list[float | None]) -> None:
    chart = shares("", [str(n) for n in range(len(values))], values)
    assert len(chart.dots) == sum(value is not None for value in values)
    drawn = sum(len(run.split()) for run in chart.runs)
    neighbours = sum(a is not None and b is not None for a, b in pairwise(values))
    assert drawn == neighbours + len(chart.runs)


@given(st.integers(0, 100), st.integers(1, 100))
def test_a_shade_is_none_for_nothing_and_the_darkest_for_the_highest(
    value: int, highest: int
) -> None:
    assert (level(value, highest) == 0) == (value == 0)
    assert level(highest, highest) == 5


def test_numbers_are_written_for_people() -> None:
    assert [size(n) for n in (0, 999, 1_000, 24_300, 5.4e6, None)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "24 kB",
        "5.4 MB",
        "–",  # noqa: RUF001  # as it is
    ]
    assert [percent(n, 1_000) for n in (0, 1, 999, 1_000)] == ["0 %", "0.1 %", "99.9 %", "100 %"]
    assert percent(99_999, 100_000) == "99.9 %"
    assert [duration(n) for n in (0, 0.05, 2.5, 59, 150, 7_300)] == [
        "0 s",
        "50 ms",
        "2.5 s",
        "59 s",
        "2 min",
        "2 h",
    ]
    told = [milliseconds(n) for n in (0, 98.4, 104, 999.7, 2_500, 150_000)]
    assert told == ["0 ms", "98 ms", "104 ms", "1.0 s", "2.5 s", "2 min"]
    for text in ("javascript:alert(1)", "data:text/html,x", "//x.test", "http://[", "", None):
        assert link(text) is None
    assert link("https://x.test/a") == "https://x.test/a"
