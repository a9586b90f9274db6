"""The benchmarks' own arithmetic: ratios, targets, delays, and what is told of a failure."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.__main__ import NAMES, main, measure
from benchmarks.latency import highest
from benchmarks.options import QUICK, Options
from benchmarks.place import Place
from benchmarks.report import Failure, Measurement, Report, Series, Target, cells
from benchmarks.stolen import Stolen
from benchmarks.visible import Seen

ROOT = Path(__file__).parents[2]


def drained(*targets: Target) -> Measurement:
    return Measurement("drain", "table", "rows/s", (90.0, 70.0, 80.0), "C1", (100.0,), targets)


def test_the_ratio_is_that_of_the_medians() -> None:
    assert drained().median == 80
    assert drained().ratio == 0.8
    assert drained().reached is None


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (Target(80, least=True), True),
        (Target(80.1, least=True), False),
        (Target(80), True),
        (Target(79.9), False),
        (Target(0.8, "ratio", least=True), True),
        (Target(0.81, "ratio", least=True), False),
        (Target(-20, "excess"), True),
        (Target(-21, "excess"), False),
        (Target(90, always=True), True),
        (Target(89, always=True), False),
        (Target(71, least=True, always=True), False),
    ],
)
def test_a_target_is_reached_up_to_its_limit(target: Target, reached: bool) -> None:
    assert drained(target).reached is reached


def test_all_targets_have_to_be_reached() -> None:
    assert drained(Target(80), Target(100)).reached is True
    assert drained(Target(80), Target(1)).reached is False


def test_the_table_tells_everything_of_a_measurement() -> None:
    target = Target(0.75, "ratio", least=True)
    told = ["drain: table", "70.0", "80.0", "90.0", "rows/s", "C1: 100", "0.80"]
    assert cells(drained(target)) == [*told, "≥ 0.75 times bound", "yes"]


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    series = Series("drain")
    for value in (1.0, 2.0, 3.0):
        series.add("C1", 2 * value)
        series.add("table", value)
    report = Report(
        {"fsync": "on"},
        [series.told("table", "rows/s", "C1", Target(0.75, "ratio", least=True))],
        [Failure("growth", "AssertionError: the table is wrong")],
    )
    report.write(tmp_path)
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    (measured,) = found["measurements"]
    assert (measured["values"], measured["bound_values"]) == ([1, 2, 3], [2, 4, 6])
    assert (measured["ratio"], measured["reached"]) == (0.5, False)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    for part in ("| drain: table | 1.00 | 2.00 | 3.00 |", "the table is wrong", "| fsync | on |"):
        assert part in text


def test_delays_are_counted_to_the_commit_that_passed_the_place() -> None:
    seen = Seen(
        [(1.0, (0, 0)), (2.0, (0, 1)), (3.0, (1, 0))],
        [(2.5, {0: 1, 1: 0}), (4.0, {0: 2, 1: 0}), (7.0, {0: 2, 1: 1})],
    )
    assert seen.delays(0) == [1.5, 2.0, 4.0]
    assert seen.delays(2) == [4.0]


def test_a_pace_is_that_of_the_time_in_which_others_were_published() -> None:
    sent = [(float(number), (0, number)) for number in range(11)]
    snapshots = [(2.0, {0: 1}), (6.0, {0: 5}), (30.0, {0: 11})]
    assert Seen(sent, snapshots).pace() == 1.0


@pytest.mark.parametrize("limit", range(1, 14))
def test_the_highest_rate_that_holds_is_found(limit: int) -> None:
    asked: list[int] = []

    def holds(tenths: int) -> bool:
        asked.append(tenths)
        return tenths <= limit

    assert highest(holds) == min(limit, 10)
    assert asked[0] == 8
    assert len(asked) == len(set(asked))


def test_stolen_is_a_share_of_what_was_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    times = dict.fromkeys(("user", "nice", "system", "irq", "softirq", "steal", "idle"), 5.0)
    monkeypatch.setattr("psutil.cpu_times", lambda: SimpleNamespace(**times))
    stolen = Stolen()
    assert stolen.percent() == 0
    for name, seconds in {"user": 2, "nice": 1, "system": 2, "softirq": 1, "idle": 9}.items():
        times[name] += seconds
    assert stolen.percent() == 0
    times["steal"] += 2
    assert stolen.percent() == 25
    del times["steal"]
    assert Stolen().percent() == 0


def test_one_that_breaks_off_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Iterator[Measurement]:
        yield drained()
        raise AssertionError("the table is wrong")

    def whole(*_: Any) -> Iterator[Measurement]:
        yield drained(Target(1))

    for run in (broken, whole):
        module = ModuleType(run.__name__)
        module.__dict__["run"] = run
        monkeypatch.setitem(sys.modules, f"benchmarks.{run.__name__}", module)
    found, failures = measure(cast(Place, None), QUICK, ["broken", "whole"])
    *found, last = found
    assert (last.group, last.name) == ("whole", "stolen meanwhile")
    assert found == [drained(), drained(Target(1))]
    assert failures == [Failure("broken", "AssertionError: the table is wrong")]


def test_every_name_has_its_module_and_others_are_refused() -> None:
    for name in NAMES:
        assert (ROOT / "benchmarks" / f"{name}.py").exists()
    with pytest.raises(SystemExit) as refused:
        main(["drian"])
    assert refused.value.code == 2


def test_the_usual_sizes_are_those_of_the_targets() -> None:
    usual = Options()
    assert (usual.events, usual.rebuilt) == (300_000, 1_000_000)
    assert (usual.small, usual.large) == (100_000, 5_000_000)
    assert usual.repetitions >= 3
