"""Charts: whatever configuration is taken is drawn, and what is not taken is named."""

from __future__ import annotations

import io
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from producers.tools.charts.configuration import ChartConfiguration
from producers.tools.charts.curves import eased
from producers.tools.charts.drawing import drawn
from producers.tools.errors import BadParameters
from producers.tools.parameters import parsed

SIZE = (400, 260)
NUMBERS = st.one_of(st.none(), st.floats(-1e15, 1e15), st.integers(-1000, 1000))
TEXTS = st.text(max_size=40)
KINDS = ["bar", "line", "pie", "doughnut", "scatter", "radar"]


def chart(kind: str = "bar", **more: Any) -> dict[str, Any]:
    data: list[Any] = [3, 1, 2]
    if kind == "scatter":
        data = [{"x": 1, "y": 2}, {"x": 2, "y": 3}]
    labels = [] if kind == "scatter" else ["a", "b", "c"]
    sets = [{"label": "one", "data": data}]
    return {"type": kind, "data": {"labels": labels, "datasets": sets}} | more


def picture(raw: dict[str, Any], size: tuple[int, int] = SIZE, theme: str = "light") -> Image.Image:
    return Image.open(io.BytesIO(drawn(parsed(ChartConfiguration, raw), size, theme))).convert(
        "RGB"
    )


def colours(image: Image.Image) -> dict[Any, int]:
    return {colour: number for number, colour in image.getcolors(2**20) or []}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_kind_is_drawn_in_its_size(kind: str, theme: str) -> None:
    image = picture(chart(kind), theme=theme)
    assert image.size == SIZE
    assert len(colours(image)) > 20
    assert colours(image).get((255, 255, 255) if theme == "light" else (23, 27, 43), 0) > 1000


@pytest.mark.parametrize("size", [(200, 200), (201, 333), (2400, 300), (777, 1011)])
def test_the_size_is_met_to_the_pixel(size: tuple[int, int]) -> None:
    assert picture(chart(), size).size == size


def test_a_colour_that_is_told_is_used() -> None:
    raw = chart()
    raw["data"]["datasets"][0]["backgroundColor"] = ["#ff0000", "rgb(0, 128, 0)", "blue"]
    found = colours(picture(raw))
    assert all(found.get(colour, 0) > 100 for colour in [(255, 0, 0), (0, 128, 0), (0, 0, 255)])


def test_a_bar_is_as_long_as_its_value() -> None:
    raw = chart()
    raw["data"]["datasets"][0] |= {"data": [10, 20, 40], "backgroundColor": ["red", "lime", "blue"]}
    found = colours(picture(raw, (900, 600)))
    small, middle, large = (found[c] for c in [(255, 0, 0), (0, 255, 0), (0, 0, 255)])
    assert middle / small == pytest.approx(2, rel=0.06)
    assert large / small == pytest.approx(4, rel=0.06)


def test_stacked_bars_stand_upon_each_other() -> None:
    sets = [
        {"data": [10], "backgroundColor": "red"},
        {"data": [10], "backgroundColor": "lime"},
    ]
    raw = {"type": "bar", "data": {"labels": ["a"], "datasets": sets}}
    stacked = picture(raw | {"options": {"scales": {"y": {"stacked": True}}}})
    columns = [
        {x for x in range(SIZE[0]) for y in range(SIZE[1]) if stacked.getpixel((x, y)) == colour}
        for colour in [(255, 0, 0), (0, 255, 0)]
    ]
    assert len(columns[0] & columns[1]) > 0.9 * max(map(len, columns))


@pytest.mark.parametrize("gap", [0, 1])
def test_bent_lines_stand_upon_each_other_where_one_has_a_gap(gap: int) -> None:
    lines: list[list[float | None]] = [[3, 1, 2], [1, 3, 1]]
    lines[gap] = [2, None, 1]
    sets = [{"data": one, "fill": True, "tension": 0.5} for one in lines]
    raw = chart("line", options={"scales": {"y": {"stacked": True}}})
    raw["data"]["datasets"] = sets
    assert len(colours(picture(raw))) > 10


def test_the_same_configuration_is_the_same_picture_in_many_threads() -> None:
    read = [parsed(ChartConfiguration, chart(kind)) for kind in KINDS]
    alone = [drawn(one, SIZE) for one in read]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: drawn(one, SIZE), read * 3))
    assert together == alone * 3


def test_formulas_and_strange_letters_are_only_text() -> None:
    strange = "$\\nosuch{$ 日本 \u202e 😀 \x07 _^{"
    raw = chart(options={"title": strange, "scales": {"x": {"title": {"text": strange}}}})
    raw["data"]["labels"] = [strange, "", "$"]
    raw["data"]["datasets"][0]["label"] = strange
    raw["options"]["plugins"] = {"legend": {"position": "bottom"}}
    for kind in ("bar", "pie", "radar"):
        picture(raw | {"type": kind})


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_is_taken_is_drawn(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    labels = data.draw(st.lists(TEXTS, min_size=1, max_size=8))
    values: st.SearchStrategy[Any] = st.lists(NUMBERS, min_size=len(labels), max_size=len(labels))
    if kind == "scatter":
        values = st.lists(
            st.fixed_dictionaries({"x": st.floats(-1e9, 1e9), "y": st.floats(-1e9, 1e9)}),
            min_size=1,
        )
    dataset = st.fixed_dictionaries(
        {"data": values},
        optional={"label": TEXTS, "fill": st.booleans(), "tension": st.floats(0, 1)},
    )
    axis = st.fixed_dictionaries(
        {},
        optional={
            "title": st.fixed_dictionaries({"text": TEXTS}),
            "stacked": st.booleans(),
            "beginAtZero": st.booleans(),
            "type": st.sampled_from(["linear", "logarithmic"]),
            "min": st.integers(-10, 0),
        },
    )
    raw = {
        "type": kind,
        "data": {
            "labels": labels,
            "datasets": data.draw(st.lists(dataset, min_size=1, max_size=3)),
        },
        "options": {
            "title": data.draw(TEXTS),
            "indexAxis": data.draw(st.sampled_from(["x", "y"])),
            "scales": {"x": data.draw(axis), "y": data.draw(axis)},
        },
    }
    try:
        read = parsed(ChartConfiguration, raw)
    except BadParameters:
        return
    with Image.open(io.BytesIO(drawn(read, (300, 200)))) as image:
        assert image.size == (300, 200)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "map"}, "type: "),
        ({"kind": "bar"}, "kind: there is no such parameter"),
        ({"data": {"labels": [], "datasets": []}}, "data.datasets: "),
        ({"options": {"zoom": 1}}, "options.zoom: there is no such parameter"),
        ({"options": {"scales": {"y": {"min": 5, "max": 1}}}}, "options.scales.y: min must be"),
        (
            {"type": "line", "options": {"indexAxis": "y"}},
            "options.indexAxis: only bars can lie",
        ),
        (
            {"options": {"scales": {"y": {"type": "logarithmic", "min": -1}}}},
            "options.scales.y.type: logarithms",
        ),
        ({"options": {"plugins": {"legend": {"position": "middle"}}}}, "options.plugins.legend"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameters) as raised:
        parsed(ChartConfiguration, chart() | change)
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("kind", "dataset", "said"),
    [
        ("bar", {"data": [1, 2]}, "data.datasets[0].data: has 2 values for 3 labels"),
        ("bar", {"data": [1, "x", 3]}, "data.datasets[0].data[1]: input should be a valid number"),
        ("bar", {"data": [1, 2, float("nan")]}, "data.datasets[0].data[2]: "),
        ("bar", {"data": [1, 1e16, 3]}, "data.datasets[0].data[1]: "),
        (
            "scatter",
            {"data": [{"x": 1, "y": 1}, {"x": 1}]},
            "data.datasets[0].data[1].y: is missing",
        ),
        ("bar", {"data": [1] * 5001}, "data.datasets[0].data"),
        ("bar", {"data": [{"x": 1, "y": 1}]}, "data.datasets[0].data: points have no place"),
        ("bar", {"data": [1, 2, 3], "backgroundColor": "nope"}, "data.datasets[0].backgroundColor"),
        ("pie", {"data": [1, -2, 3]}, "data.datasets[0].data: slices must be 0 or more"),
        ("pie", {"data": [0, 0, 0]}, "data.datasets[0].data: slices must be 0 or more"),
        ("pie", {"data": [1, None, 3]}, "data.datasets[0].data: slices must be 0 or more"),
        ("pie", {"data": [1, 2, 3], "type": "bar"}, "data.datasets[0].type: only bar and line"),
        ("scatter", {"data": [1, 2, 3]}, "data.datasets[0].data: a scatter chart needs points"),
    ],
)
def test_what_is_wrong_with_data_is_named(kind: str, dataset: dict[str, Any], said: str) -> None:
    raw = {"type": kind, "data": {"labels": ["a", "b", "c"], "datasets": [dataset]}}
    with pytest.raises(BadParameters) as raised:
        parsed(ChartConfiguration, raw)
    assert str(raised.value).startswith(said)
    assert "more)" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_points_are_bounded_in_all() -> None:
    sets = [{"data": [1.0] * 5000} for _ in range(5)]
    raw = {"type": "line", "data": {"labels": ["a"] * 5000, "datasets": sets}}
    with pytest.raises(BadParameters, match="20,000 points in all"):
        parsed(ChartConfiguration, raw)
    raw["data"]["datasets"] = sets[:4]  # type: ignore[index]  # a dictionary of its own making
    picture(raw)


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30),
    st.floats(0.1, 1),
)
def test_a_curve_goes_through_its_points_and_not_beyond(y: list[float], tension: float) -> None:
    x = [float(index) for index in range(len(y))]
    over, up = eased(x, y, tension)
    assert all(a < b for a, b in itertools.pairwise(over))
    through = dict(zip(over, up, strict=True))
    for index, value in enumerate(y):
        assert through[float(index)] == pytest.approx(value, rel=1e-9, abs=1e-6)
    for place, value in zip(over, up, strict=True):
        left, right = y[min(int(place), len(y) - 1)], y[min(int(place) + 1, len(y) - 1)]
        room = 1e-6 + 1e-9 * max(abs(left), abs(right))
        assert min(left, right) - room <= value <= max(left, right) + room
