"""How charts look: colours, letters, grid. Nothing here changes matplotlib's global settings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from matplotlib import font_manager
from matplotlib.colors import to_rgb

from producers.tools.charts.values import Colours, Dataset, colour_of

SERIES = (
    "#4f7df0",
    "#f2845c",
    "#3fb58a",
    "#f2b84a",
    "#9a6cf0",
    "#35b0c8",
    "#e86c9a",
    "#8a93a5",
)
LIGHTER = (0.0, 0.45, 0.65)
FAMILY = "DejaVu Sans"
"""It comes with matplotlib, so charts look the same everywhere."""
UNKNOWN = "\N{REPLACEMENT CHARACTER}"

Colour = Any
"""What matplotlib takes as one."""


class Theme(NamedTuple):
    """The colours of everything that is no data."""

    paper: str
    ink: str
    soft: str
    grid: str


THEMES = {
    "light": Theme("#ffffff", "#232838", "#667085", "#e4e7ee"),
    "dark": Theme("#171b2b", "#eef1f8", "#a3acc2", "#2f3650"),
}


def colours_of(dataset: Dataset, number: int, count: int, *, each: bool) -> list[Colour]:
    """The fill of each of ``count`` shapes; ``each``: they differ where none is told."""
    told: Colours | None = dataset.backgroundColor or dataset.borderColor
    if isinstance(told, str):
        return [colour_of(told)] * count
    if told:
        return [colour_of(told[index % len(told)]) for index in range(count)]
    return [series(index if each else number) for index in range(count)]


def line_colour(dataset: Dataset, number: int) -> Colour:
    """The one colour of a line."""
    told = dataset.borderColor or dataset.backgroundColor
    if told:
        return colour_of(told if isinstance(told, str) else told[0])
    return series(number)


def series(number: int) -> Colour:
    """The colour of the series of this number, from 0; a second round is lighter, and so on."""
    share = LIGHTER[number // len(SERIES) % len(LIGHTER)]
    return tuple(part + (1 - part) * share for part in to_rgb(SERIES[number % len(SERIES)]))


def readable(text: str, most: int = 60) -> str:
    """The text as the letters can show it: no formulas, nothing the typeface does not have."""
    known = _known()
    plain = "".join(
        char if char == "\n" or ord(char) in known else UNKNOWN if char.isprintable() else " "
        for char in text
    )
    lines = [line if len(line) <= most else f"{line[: most - 1]}…" for line in plain.split("\n")]
    return "\n".join(lines)


@lru_cache(maxsize=1)
def _known() -> frozenset[int]:
    path = font_manager.findfont(font_manager.FontProperties(family=FAMILY))
    return frozenset(font_manager.get_font(path).get_charmap())


def number_text(value: float) -> str:
    """1234567 as ``1.23M``."""
    for limit, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scaled = value / (1e3 if unit == "k" else limit)
            return f"{scaled:.3g}{unit}" if abs(scaled) < 1000 else f"{scaled:,.0f}{unit}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
