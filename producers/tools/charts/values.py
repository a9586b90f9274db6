"""What a chart shows: series of numbers or points, their labels and colours."""

from __future__ import annotations

from typing import Annotated, Literal

from matplotlib.colors import is_color_like
from pydantic import AfterValidator, Field, StringConstraints

from producers.tools.parameters import Model

MAX_DATASETS = 24
MAX_POINTS = 5_000
LARGEST = 1e15

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
