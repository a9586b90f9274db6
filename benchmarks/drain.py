"""How fast workers take a backlog: from their first commit to their last."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from subprocess import Popen
from typing import Any

from psycopg import Connection

from benchmarks.bounds import c1, c3, r1, ready_rows
from benchmarks.dataset import Dataset, make
from benchmarks.events import Mix
from benchmarks.memory import peak_mb
from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series, Target
from projections.contents import digest_of_images
from projections.positions import NOTIFY_CHANNEL, read_positions
from tests.support.statistics import breakdowns_of_statistics

DEADLINE_S = 900.0


BESIDE = ", beside the other"
ODD = {
    "1 % poison": Mix(poison=0.01),
    "20 % repeats": Mix(repeats=0.2),
    "sealed": Mix(sealed=True),
}


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """A backlog: each projection alone, both together, and the table with what is unusual."""
    clean = make(place, "clean", options.events)
    rows = ready_rows(place, clean)
    odd = {
        name: make(place, f"odd_{number}", options.events, mix)
        for number, (name, mix) in enumerate(ODD.items())
    }
    series = Series("drain")
    for _ in range(options.repetitions):
        series.add("C3", c3(place, clean))
        series.add("R1", r1(place))
        for names in (("table",), ("stats",), ("table", "stats")):
            together = BESIDE if len(names) > 1 else ""
            series.add("C1", c1(place, clean, rows))
            for name, rate in drain(place, clean, names).items():
                series.add(f"{name}{together}", rate)
        for name, data in odd.items():
            series.add(f"table, {name}", drain(place, data, ("table",))["table"])
    yield series.told("R1", "ms")
    yield series.told("C3", "records/s")
    yield from _beside_c1(series)
    least = {"1 % poison": 0.9, "20 % repeats": 0.6}
    for name in odd:
        targets = [Target(least[name], "ratio", least=True)] if name in least else []
        yield series.told(f"table, {name}", "records/s", "table", *targets)


def _beside_c1(series: Series) -> Iterator[Measurement]:
    yield series.told("C1", "rows/s")
    for together, ratios in (("", (0.75, 0.9)), (BESIDE, (0.5, 0.5))):
        for name, ratio in zip(("table", "stats"), ratios, strict=True):
            target = Target(ratio, "ratio", least=True)
            yield series.told(f"{name}{together}", "records/s", "C1", target)


class Pace:
    """When a projection had come how far, as its notifications tell."""

    def __init__(self, place: Place, projection: str, end: int) -> None:
        self._place = place
        self._projection = projection
        self._end = end
        self._began = time.perf_counter()
        self.seen: list[tuple[float, int]] = []
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        give_up = time.monotonic() + DEADLINE_S
        with self._place.connect() as connection:
            connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
            while time.monotonic() < give_up:
                # To its end: while the generator is open, what arrives during a query gets lost.
                list(connection.notifies(timeout=1, stop_after=1))
                at = position(connection, self._projection, self._place.topic)
                if at and (not self.seen or at > self.seen[-1][1]):
                    self.seen.append((time.perf_counter(), at))
                if at == self._end:
                    return

    def rate(self, after: float = 0.0) -> float:
        """Records per second, from the first commit on, or from the one that had this share.

        So starting up does not count.
        """
        ended, last = self.seen[-1] if self.seen else (0.0, 0)
        assert last == self._end, f"{self._projection}: {last} of {self._end} records in time"
        # A short backlog may go in one commit; then there is only the start to count from.
        later = [one for one in self.seen[:-1] if one[1] >= after * self._end]
        began, first = later[0] if later else (self._began, 0)
        return (last - first) / (ended - began)

    def wait(self, running: Collection[Popen[bytes]]) -> None:
        """Until it is at its end. A worker that ends before has failed."""
        while self.thread.is_alive():
            self.thread.join(1)
            assert all(one.poll() is None for one in running), f"{self._projection}: worker ended"


def position(connection: Connection[Any], projection: str, topic: str) -> int:
    """Records that the projection has behind it."""
    return sum(read_positions(connection, projection, topic).values())


def drain(
    place: Place,
    data: Dataset,
    projections: Collection[str],
    *,
    workers: int = 1,
    after: float = 0.0,
) -> dict[str, float]:
    """Records per second of each projection, with so many workers of each, on a fresh database.

    Ends with the comparison of everything with what the judge said.
    """
    with place.copy(data.empty, data.topic) as here:
        return drain_here(here, data, projections, workers=workers, after=after)


def drain_here(
    here: Place,
    data: Dataset,
    projections: Collection[str],
    *,
    workers: int = 1,
    after: float = 0.0,
    peaks: dict[str, float] | None = None,
) -> dict[str, float]:
    """As drain, on this database; ``peaks`` is told the most memory of a worker of each, in MB."""
    rates = paced(here, data, projections, workers=workers, after=after, peaks=peaks)
    with here.connect() as connection:
        check(connection, data, projections)
    return rates


def paced(
    here: Place,
    data: Dataset,
    projections: Collection[str],
    *,
    workers: int = 1,
    after: float = 0.0,
    peaks: dict[str, float] | None = None,
) -> dict[str, float]:
    """As drain_here, without the comparison."""
    paces = {name: Pace(here, name, data.records) for name in projections}
    with ExitStack() as stack:
        running = {
            (name, number): stack.enter_context(here.worker(name, f"-{number}"))
            for name in projections
            for number in range(workers)
        }
        for pace in paces.values():
            pace.wait(running.values())
        if peaks is not None:
            for (name, _), process in running.items():
                peaks[name] = max(peaks.get(name, 0), peak_mb(process.pid))
    return {name: pace.rate(after) for name, pace in paces.items()}


def check(connection: Connection[Any], data: Dataset, projections: Collection[str]) -> None:
    """Table, statistics and dead letters are what the judge said."""
    if "table" in projections:
        assert digest_of_images(connection) == data.digest, f"{data.topic}: the table is wrong"
    if "stats" in projections:
        told: Mapping[str, Any] = breakdowns_of_statistics(connection)
        assert told == data.breakdowns, f"{data.topic}: the statistics are wrong"
    letters = "SELECT projection, count(*) FROM dead_letters GROUP BY 1"
    found = dict(connection.execute(letters).fetchall())
    expected = dict.fromkeys(projections, data.poison) if data.poison else {}
    assert found == expected, f"{data.topic}: dead letters {found}, not {expected}"
