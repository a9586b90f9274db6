"""A rebuild of the table from a long log, while somebody reads; and what workers need beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Self

from benchmarks.bounds import c2, ready_rows
from benchmarks.dataset import Dataset, make
from benchmarks.drain import check, drain_here
from benchmarks.memory import wait_for
from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series, Target
from projections.image_search import list_page
from projections.images import get_image_of_request

DEADLINE_S = 1_800.0
PAUSE_S = 0.02
TABLE = "table, until the process has ended"
WAIT = "longest wait of a reader meanwhile"
MEMORY = "most memory of one of its processes"


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """Workers drain the log, which tells their memory; then the table is rebuilt, repeatedly."""
    data = make(place, "long", options.rebuilt)
    rows = ready_rows(place, data)
    series = Series("rebuild")
    with place.copy(data.empty, data.topic) as live:
        peaks: dict[str, float] = {}
        drain_here(live, data, ("table", "stats"), peaks=peaks)
        for name, peak in peaks.items():
            series.add(f"most memory of the worker of {name}", peak)
        for _ in range(options.repetitions):
            series.add("C2", c2(place, data, rows))
            with live.copy(live.database, data.topic) as here:
                _rebuild(here, data, series)
    yield series.told("C2", "rows/s")
    yield series.told(TABLE, "records/s", "C2", Target(0.6, "ratio", least=True))
    yield series.told(WAIT, "ms", "", Target(100, always=True))
    yield series.told(MEMORY, "MB", "", Target(400, always=True))
    for name in peaks:
        yield series.told(
            f"most memory of the worker of {name}", "MB", "", Target(200, always=True)
        )


def _rebuild(here: Place, data: Dataset, series: Series) -> None:
    began = time.perf_counter()
    with (
        Reader(here, data) as reader,
        here.program("rebuild", "table", "--yes", log="rebuild") as process,
    ):
        highest = wait_for(process, DEADLINE_S)
        took = time.perf_counter() - began
    assert process.returncode == 0, here.log("rebuild").read_text(encoding="utf-8")[-500:]
    with here.connect() as connection:
        check(connection, data, ("table",))
    series.add(TABLE, data.records / took)
    series.add(WAIT, reader.longest_s * 1000)
    series.add(MEMORY, highest)


class Reader:
    """Asks for the newest page and for single images, one after the other, until it is closed.

    Its close raises AssertionError when a query has failed, or found nothing.
    """

    def __init__(self, place: Place, data: Dataset) -> None:
        self._place = place
        self._requests = _some_requests(place, data)
        self._stop = threading.Event()
        self._error: Exception | None = None
        self.longest_s = 0.0
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        assert self._error is None, f"a reader met {self._error}"

    def _read(self) -> None:
        try:
            with self._place.connect() as connection:
                asked = 0
                while not self._stop.wait(PAUSE_S):
                    request = self._requests[asked % len(self._requests)]
                    self._time(lambda: list_page(connection).images)
                    self._time(partial(get_image_of_request, connection, request))
                    asked += 1
        except Exception as exc:  # noqa: BLE001  whatever it is, the measurement has to know
            self._error = exc

    def _time(self, query: Callable[[], Any]) -> None:
        began = time.perf_counter()
        found = query()
        self.longest_s = max(self.longest_s, time.perf_counter() - began)
        assert found, "nothing where there is something"


def _some_requests(place: Place, data: Dataset) -> list[str]:
    query = "SELECT request_id FROM generated_images WHERE mod(id, 97) = 0 LIMIT 1000"
    with place.connect(place.url_of(data.expected)) as connection:
        return [row[0] for row in connection.execute(query)]
