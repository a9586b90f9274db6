"""Charts as places and lengths, which templates draw as SVG.

Across, everything is in per cent of the chart's width, so that text keeps its size on any screen;
downwards it is in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from web.formats import number, short

PLOT = 180
"""Pixels of the plot's height; the labels of the axis below need some more."""
TOP = 22
BELOW = 26
ROW = 44
LONGEST = 64
"""Per cent of the width that the longest bar takes; the rest is for its value."""

MAX_LABELS = 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid, or a label of an axis."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a column or bar; ``kind`` is a class of the style sheet."""

    kind: str
    begin: float
    length: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A column or bar, from its parts."""

    at: float
    label: str
    title: str
    parts: tuple[Part, ...]
    value: str = ""
    value_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns over an axis."""

    summary: str
    height: int
    width: float
    """Of a column."""
    base: float
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    legend: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars below each other, each under its label."""

    summary: str
    height: int
    marks: tuple[Mark, ...]
    legend: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line over an axis; ``runs`` are points of a plot of 100 by 100."""

    summary: str
    height: int
    runs: tuple[str, ...]
    dots: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of values: its class, its name, and a value for each column or bar."""

    kind: str
    name: str
    values: Sequence[float]
    unit: str = ""

    def told(self, n: int) -> str:
        """A value with its name."""
        return " ".join(filter(None, (number(self.values[n]), self.unit, self.name)))


def scale(highest: float, steps: int = 4) -> list[float]:
    """From 0 to at least the highest, in about so many steps of 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / steps
    power = 10 ** floor(log10(rough))
    step = next(s * power for s in (1, 2, 5, 10, 20) if s * power >= rough)
    if highest >= 1:
        step = max(step, 1.0)
    return [step * n for n in range(ceil(highest / step - 1e-9) + 1)]


def columns(
    summary: str, labels: Sequence[str], series: Sequence[Series], plot: int = PLOT
) -> Columns:
    """A column for each label, the series on top of each other; the highest is labelled."""
    totals = [sum(one.values[n] for one in series) for n in range(len(labels))]
    steps = scale(max(totals, default=0), 4 if plot > 100 else 2)
    top, pitch = steps[-1], 100 / max(len(labels), 1)
    width = min(pitch * 0.72, 7)
    told = _told(totals)
    marks = []
    for n, label in enumerate(labels):
        middle, parts, height = pitch * (n + 0.5), [], 0.0
        for one in series:
            length = one.values[n] / top * plot
            parts.append(Part(one.kind, TOP + plot - height - length, length))
            height += length
        title = f"{label}: " + ", ".join(one.told(n) for one in series)
        value = number(totals[n]) if n in told else ""
        marks.append(Mark(middle, label, title, tuple(parts), value, TOP + plot - height - 6))
    ticks = tuple(Tick(TOP + plot * (1 - step / top), number(step)) for step in steps)
    legend = tuple((one.kind, one.name) for one in series)
    height = TOP + plot + BELOW
    return Columns(
        summary, height, width, TOP + plot, tuple(marks), ticks, _axis(labels, pitch), legend
    )


def bars(
    summary: str,
    labels: Sequence[str],
    series: Sequence[Series],
    values: Sequence[str],
    *,
    overlaid: bool = False,
) -> Bars:
    """A bar for each label, with what to write at its end; the series beside or over each other."""
    together = max if overlaid else sum
    totals = [together([one.values[n] for one in series]) for n in range(len(labels))]
    highest = max(totals, default=0) or 1
    marks = []
    for n, label in enumerate(labels):
        parts, begin = [], 0.0
        for one in series:
            length = one.values[n] / highest * LONGEST
            parts.append(Part(one.kind, 0.0 if overlaid else begin, length))
            begin = max(begin, length) if overlaid else begin + length
        title = f"{label}: " + ", ".join(one.told(n) for one in series)
        end = totals[n] / highest * LONGEST
        marks.append(Mark(n * ROW, short(label, 42), title, tuple(parts), values[n], end))
    legend = tuple((one.kind, one.name) for one in series) if len(series) > 1 else ()
    return Bars(summary, max(len(labels), 1) * ROW, tuple(marks), legend)


def shares(summary: str, labels: Sequence[str], values: Sequence[float | None]) -> Line:
    """A line of shares from 0 to 1; it is broken where there is none."""
    pitch = 100 / max(len(labels), 1)
    points = [
        None if v is None else (pitch * (n + 0.5), 100 * (1 - v)) for n, v in enumerate(values)
    ]
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    known = [n for n, value in enumerate(values) if value is not None]
    worst = min(known, key=lambda n: values[n] or 0, default=None)
    dots = []
    for n in known:
        share = values[n] or 0.0
        text = f"{100 * share:.0f} %"
        shown = text if n in {worst, known[-1]} and _apart(n, worst, known[-1], pitch) else ""
        y = TOP + PLOT * (1 - share)
        below = share > 0.12
        dots.append(
            Mark(
                pitch * (n + 0.5),
                labels[n],
                f"{labels[n]}: {text}",
                (Part("dot", y, 0),),
                shown,
                y + 18 if below else y - 8,
            )
        )
    ticks = tuple(Tick(TOP + PLOT * (1 - s / 100), f"{s} %") for s in (0, 25, 50, 75, 100))
    lines = tuple(" ".join(f"{x:.3f},{y:.3f}" for x, y in run) for run in runs if len(run) > 1)
    return Line(summary, TOP + PLOT + BELOW, lines, tuple(dots), ticks, _axis(labels, pitch))


def _apart(n: int, worst: int | None, last: int, pitch: float) -> bool:
    """Of two values that would lie over each other only the worst is written."""
    return n == worst or worst is None or abs(last - worst) * pitch > 10


def _told(totals: Sequence[float]) -> set[int]:
    """Which columns have their value written over them: all of few, else the highest and last."""
    if len(totals) <= 8:
        return {n for n, total in enumerate(totals) if total}
    highest = max(range(len(totals)), key=lambda n: totals[n])
    last = len(totals) - 1
    far = abs(last - highest) * 100 / len(totals) > 10
    return {highest, last} if far and totals[last] else {highest}


def _axis(labels: Sequence[str], pitch: float) -> tuple[Tick, ...]:
    """Some of the labels, evenly, so that they do not meet on a narrow screen."""
    if not labels:
        return ()
    every = max(1, ceil(len(labels) / MAX_LABELS))
    # A label at the very edge would be moved inwards, and meet the next one.
    first = every // 2 if pitch < 10 else 0
    ticks = []
    for n in range(first, len(labels), every):
        at = pitch * (n + 0.5)
        anchor = "start" if at < 5 else "end" if at > 95 else "middle"
        ticks.append(Tick({"start": 0.0, "end": 100.0}.get(anchor, at), labels[n], anchor))
    return tuple(ticks)


def level(value: float, highest: float, levels: int = 5) -> int:
    """0 for none, else 1 to ``levels``."""
    if value <= 0 or highest <= 0:
        return 0
    return min(levels, 1 + floor((value / highest) * levels * 0.999))
