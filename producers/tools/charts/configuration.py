"""A chart's configuration: the part of Chart.js's that a still image can show.

What only moves or only answers a mouse (animation, tooltips, …) is taken and does nothing; whatever
else is not named here is refused by its name.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from matplotlib.colors import is_color_like
from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from producers.tools.parameters import Model

MAX_DATASETS = 24
MAX_POINTS = 5_000
MAX_POINTS_IN_ALL = 20_000
MAX_SLICES = 60
MAX_SPOKES = 100
LARGEST = 1e15
ROUND = ("pie", "doughnut")

Kind = Literal["bar", "line", "pie", "doughnut", "scatter", "radar"]
Value = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Label = Annotated[str, StringConstraints(max_length=200)]


def colour_of(text: str) -> str | tuple[float, ...]:
    """A colour as CSS writes it, as matplotlib takes it. Raises ValueError."""
    plain = text.strip().lower()
    if plain.startswith(("rgb(", "rgba(")) and plain.endswith(")"):
        parts = plain.partition("(")[2][:-1].replace(",", " ").replace("/", " ").split()
        numbers = [float(part.rstrip("%")) for part in parts]
        if len(numbers) in {3, 4}:
            levels = [min(255.0, max(0.0, number)) / 255 for number in numbers[:3]]
            return (*levels, *(min(1.0, max(0.0, number)) for number in numbers[3:]))
    if not is_color_like(plain):
        raise ValueError("must be a colour, such as #ff8800, teal or rgb(255, 136, 0)")
    return plain


def _is_a_colour(text: str) -> str:
    colour_of(text)
    return text


Colour = Annotated[str, Field(max_length=40), AfterValidator(_is_a_colour)]
Colours = Colour | tuple[Colour, ...]


class Point(Model):
    """Of a scatter chart, or a line over numbers."""

    x: Value
    y: Value


class Dataset(Model):
    """A series. ``null`` is a gap."""

    label: Label | None = None
    data: tuple[Value | None, ...] | tuple[Point, ...] = Field(min_length=1, max_length=MAX_POINTS)
    type: Literal["bar", "line"] | None = None
    backgroundColor: Colours | None = None  # noqa: N815  # Chart.js's names
    borderColor: Colours | None = None  # noqa: N815
    borderWidth: Annotated[float, Field(ge=0, le=20)] | None = None  # noqa: N815
    pointRadius: Annotated[float, Field(ge=0, le=30)] | None = None  # noqa: N815
    fill: bool | str = False
    tension: Annotated[float, Field(ge=0, le=1)] = 0
    showLine: bool = False  # noqa: N815
    stack: Label | None = None

    @property
    def of_points(self) -> bool:
        """Whether it has x and y."""
        return isinstance(self.data[0], Point)

    @property
    def values(self) -> list[float]:
        """Its numbers; a gap is NaN."""
        y = (one.y if isinstance(one, Point) else one for one in self.data)
        return [float("nan") if one is None else one for one in y]


class Data(Model):
    """What is shown."""

    labels: tuple[Label | Value, ...] = Field((), max_length=MAX_POINTS)
    datasets: tuple[Dataset, ...] = Field(min_length=1, max_length=MAX_DATASETS)

    @property
    def names(self) -> list[str]:
        """The labels as text."""
        return [one if isinstance(one, str) else f"{one:g}" for one in self.labels]


class Title(Model):
    """A text over the chart or beside an axis."""

    text: Label | tuple[Label, ...] = ""
    display: bool = True
    align: Any = None
    color: Any = None
    font: Any = None
    padding: Any = None

    @property
    def shown(self) -> str:
        """Its text, in lines; empty where it is not displayed."""
        if not self.display:
            return ""
        return self.text if isinstance(self.text, str) else "\n".join(self.text)


class Legend(Model):
    """Which colour is which."""

    display: bool = True
    position: Literal["top", "bottom", "left", "right"] = "top"
    align: Any = None
    labels: Any = None


class Plugins(Model):
    """Of them, what a still image shows."""

    title: Title | None = None
    subtitle: Title | None = None
    legend: Legend | None = None
    tooltip: Any = None


class Axis(Model):
    """One axis."""

    title: Title | None = None
    type: Literal["linear", "logarithmic", "category"] | None = None
    stacked: bool = False
    beginAtZero: bool = False  # noqa: N815
    min: Value | None = None
    max: Value | None = None
    suggestedMin: Value | None = None  # noqa: N815
    suggestedMax: Value | None = None  # noqa: N815
    display: bool = True
    grid: Any = None
    ticks: Any = None
    position: Any = None
    border: Any = None

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError("min must be less than max")
        return self


class Scales(Model):
    """The axes; ``r`` is a radar's."""

    x: Axis = Axis()
    y: Axis = Axis()
    r: Axis = Axis()


class Options(Model):
    """How it is shown."""

    title: Title | None = None
    plugins: Plugins = Plugins()
    scales: Scales = Scales()
    indexAxis: Literal["x", "y"] = "x"  # noqa: N815
    stacked: bool = False
    cutout: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?%$")] = "58%"
    responsive: Any = None
    maintainAspectRatio: Any = None  # noqa: N815
    aspectRatio: Any = None  # noqa: N815
    animation: Any = None
    interaction: Any = None
    hover: Any = None
    layout: Any = None
    elements: Any = None

    @field_validator("title", mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @property
    def heading(self) -> str:
        """The chart's title."""
        return next((t.shown for t in (self.plugins.title, self.title) if t and t.shown), "")


class ChartConfiguration(Model):
    """Type, data and options."""

    type: Kind
    data: Data
    options: Options = Options()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        sets = self.data.datasets
        if sum(len(one.data) for one in sets) > MAX_POINTS_IN_ALL:
            raise ValueError(f"data: at most {MAX_POINTS_IN_ALL:,} points in all datasets")
        for index, one in enumerate(sets):
            self._check(f"data.datasets[{index}]", one)
        if self.type in {"bar", "line", "scatter"}:
            self._check_axes()
        if self.type == "radar" and not 3 <= len(self.data.labels) <= MAX_SPOKES:
            raise ValueError(f"data.labels: a radar chart needs 3 to {MAX_SPOKES}")
        return self

    def _check_axes(self) -> None:
        lying = self.options.indexAxis == "y"
        if lying and any((one.type or self.type) != "bar" for one in self.data.datasets):
            raise ValueError("options.indexAxis: only bars can lie")
        scales = self.options.scales
        for name, axis in (("x", scales.x), ("y", scales.y)):
            values = self._along(name)
            if axis.type != "logarithmic" or values is None:
                continue
            bounds = [bound for bound in (axis.min, axis.max) if bound is not None]
            if not values or min([*values, *bounds]) <= 0:
                raise ValueError(f"options.scales.{name}.type: logarithms need values above 0")

    def _along(self, axis: str) -> list[float] | None:
        """What is measured along an axis; None where the labels stand."""
        sets = self.data.datasets
        if axis == "x" and sets[0].of_points:
            return [one.x for each in sets for one in each.data if isinstance(one, Point)]
        if axis == self.options.indexAxis:
            return None
        return [value for each in sets for value in each.values if not math.isnan(value)]

    def _check(self, name: str, dataset: Dataset) -> None:
        points = dataset.of_points
        if self.type == "scatter" and not points:
            raise ValueError(f"{name}.data: a scatter chart needs points, as {{x: 1, y: 2}}")
        if points and self.type not in {"scatter", "line"}:
            raise ValueError(f"{name}.data: points have no place in a {self.type} chart")
        if dataset.type is not None and self.type not in {"bar", "line"}:
            raise ValueError(f"{name}.type: only bar and line charts can be mixed")
        if not points and len(dataset.data) != len(self.data.labels):
            raise ValueError(
                f"{name}.data: has {len(dataset.data)} values for {len(self.data.labels)} labels"
            )
        if points and any(one.of_points != points for one in self.data.datasets):
            raise ValueError(f"{name}.data: points and plain values do not go together")
        if self.type in ROUND:
            self._check_slices(name, dataset)

    def _check_slices(self, name: str, dataset: Dataset) -> None:
        values = [one for one in dataset.data if isinstance(one, float)]
        if len(values) < len(dataset.data) or min(values) < 0 or sum(values) <= 0:
            raise ValueError(f"{name}.data: slices must be 0 or more, and one of them more than 0")
        if len(values) > MAX_SLICES:
            raise ValueError(f"{name}.data: at most {MAX_SLICES} slices can be told apart")
