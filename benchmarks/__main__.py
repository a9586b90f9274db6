"""`python -m benchmarks`: every measurement in one run; `python -m benchmarks NAME…`: some."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.options import EVENTS, QUICK, Options
from benchmarks.place import HOME, Place, fresh_place
from benchmarks.report import Failure, Measurement, Report
from benchmarks.stolen import UNIT, Stolen
from operations.garbage import look_seldom

NAMES = (
    *("drain", "workers", "rebuild", "latency", "publish", "ingest"),
    *("growth", "costs", "parts", "startup"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write results.json and results.md.

    Exits 1 when a measurement broke off or a check did not hold; a target missed is no failure.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"no measurement {unknown[0]!r}; there are: {', '.join(NAMES)}")
    options = QUICK if given.quick else Options(given.events, given.repetitions)
    look_seldom()  # as the program itself
    with fresh_place(home=given.home) as place:
        found, failures = measure(place, options, given.names or NAMES)
        report = Report(describe(place, options), found, failures)
        report.write(given.home)
    report.print()
    sys.exit(1 if report.failures else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"among: {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything work?")
    parser.add_argument("--events", type=int, default=EVENTS, help="of a backlog (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=3, help="of each (%(default)s)")
    parser.add_argument("--home", type=Path, default=HOME, help="folder of servers and results")
    return parser


def measure(
    place: Place, options: Options, names: Sequence[str]
) -> tuple[list[Measurement], list[Failure]]:
    """What the modules of these names have measured. One that breaks off stops no other."""
    found: list[Measurement] = []
    failures: list[Failure] = []
    for name in names:
        began, stolen = time.monotonic(), Stolen()
        try:
            found.extend(import_module(f"benchmarks.{name}").run(place, options))
            found.append(Measurement(name, "stolen meanwhile", UNIT, (stolen.percent(),)))
        except Exception as exc:  # noqa: BLE001  the others still run
            traceback.print_exc()
            failures.append(Failure(name, " ".join(f"{type(exc).__name__}: {exc}".split())[:300]))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return found, failures


if __name__ == "__main__":
    main()
