"""A chart's configuration: the part of Chart.js's that a still image can show.

What only moves or only answers a mouse (animation, tooltips, …) is taken and does nothing; whatever
else is not named here is refused by its name.
"""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import model_validator

from producers.tools.charts.options import Options
from producers.tools.charts.values import Data, Dataset, Point
from producers.tools.parameters import Model

MAX_POINTS_IN_ALL = 20_000
MAX_SLICES = 60
MAX_SPOKES = 100
ROUND = ("pie", "doughnut")

Kind = Literal["bar", "line", "pie", "doughnut", "scatter", "radar"]


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
