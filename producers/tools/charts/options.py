"""How a chart is shown: titles, legend, axes, as Chart.js has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import StringConstraints, field_validator, model_validator

from producers.tools.charts.values import Label, Value
from producers.tools.parameters import Model


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
