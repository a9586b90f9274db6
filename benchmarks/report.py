"""What was measured: values beside their bounds, the targets, and the files that tell of it."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

COLUMNS = (
    *("measurement", "minimum", "median", "maximum", "unit"),
    *("bound", "ratio", "target", "reached"),
)
Against = Literal["value", "ratio", "excess"]


@dataclass(frozen=True, slots=True)
class Target:
    """What the median has to keep; or its ratio to the bound's, or its excess over the bound's."""

    limit: float
    against: Against = "value"
    least: bool = False
    """Whether the limit is the least that will do; else it is the most."""
    always: bool = False
    """Whether the worst value has to keep it, and not only the median."""

    def __str__(self) -> str:
        sign, limit = "≥" if self.least else "≤", f"{self.limit:,g}"
        if self.always:
            limit += ", always"
        return {
            "value": f"{sign} {limit}",
            "ratio": f"{sign} {limit} times bound",
            "excess": f"{sign} bound + {limit}",
        }[self.against]


@dataclass(frozen=True, slots=True)
class Measurement:
    """Values of some repetitions, and those of the bound that were taken between them."""

    group: str
    name: str
    unit: str
    values: tuple[float, ...]
    bound: str = ""
    bound_values: tuple[float, ...] = ()
    targets: tuple[Target, ...] = ()

    @property
    def median(self) -> float:
        """Of the values."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """Of the medians; None without a bound."""
        return self.median / statistics.median(self.bound_values) if self.bound_values else None

    @property
    def reached(self) -> bool | None:
        """Whether every target is; None without any."""
        return all(self._keeps(target) for target in self.targets) if self.targets else None

    def _keeps(self, target: Target) -> bool:
        worst = min if target.least else max
        value = worst(self.values) if target.always else self.median
        if target.against == "ratio":
            value = self.ratio or 0.0
        elif target.against == "excess":
            value -= statistics.median(self.bound_values)
        return value >= target.limit if target.least else value <= target.limit


class Series:
    """Values of a group, collected over the repetitions under names."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._values: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, name: str, value: float) -> None:
        """Another repetition's value."""
        self._values[name].append(value)

    @property
    def names(self) -> list[str]:
        """In the order in which they came."""
        return list(self._values)

    def told(self, name: str, unit: str, bound: str = "", *targets: Target) -> Measurement:
        """The values of a name, beside those of another one."""
        values, bounds = tuple(self._values[name]), tuple(self._values[bound] if bound else ())
        return Measurement(self._group, name, unit, values, bound, bounds, targets)


@dataclass(frozen=True, slots=True)
class Failure:
    """A measurement that broke off, or a check at its end that did not hold."""

    group: str
    error: str


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    machine: Mapping[str, str]
    measurements: Sequence[Measurement]
    failures: Sequence[Failure]

    def write(self, folder: Path) -> None:
        """As results.json, with every value, and as results.md."""
        found = [
            asdict(one) | {"median": one.median, "ratio": one.ratio, "reached": one.reached}
            for one in self.measurements
        ]
        failures = [asdict(one) for one in self.failures]
        whole = {"machine": dict(self.machine), "measurements": found, "failures": failures}
        folder.joinpath("results.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")
        folder.joinpath("results.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        """A table of the measurements, what failed, and the machine."""
        lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
        lines += [_line(cells(one)) for one in self.measurements]
        lines += [_line([one.group, f"failed: {one.error}"]) for one in self.failures]
        machine = [_line(["machine", ""]), _line(["---", "---"])]
        machine += [_line(item) for item in self.machine.items()]
        return "\n".join([*lines, "", *machine, ""])

    def print(self) -> None:
        """The same for people at a terminal."""
        table = Table(title="Measurements beside their bounds")
        for column in COLUMNS:
            table.add_column(column, justify="right" if column in COLUMNS[1:4] else "left")
        for one in self.measurements:
            table.add_row(*cells(one), style="red" if one.reached is False else None)
        console = Console(width=None if Console().is_terminal else 180)
        console.print(table)
        for failure in self.failures:
            console.print(f"{failure.group}: failed: {failure.error}", style="red", markup=False)


def cells(one: Measurement) -> list[str]:
    """A row of the table, in the order of COLUMNS."""
    bound = ""
    if one.bound_values:
        bound = f"{one.bound}: {number(statistics.median(one.bound_values))}"
    reached = {None: "", True: "yes", False: "no"}[one.reached]
    values = (min(one.values), one.median, max(one.values))
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
    targets = ", ".join(map(str, one.targets))
    name = f"{one.group}: {one.name}"
    return [name, *map(number, values), one.unit, bound, ratio, targets, reached]


def number(value: float) -> str:
    """Three digits, or more where they stand before the point."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(text.replace('|', '/') for text in texts)} |"
