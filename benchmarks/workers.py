"""How a backlog goes with more workers of the table."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.dataset import make
from benchmarks.drain import drain
from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series

COUNTS = (1, 2, 4)
JOINED = 0.2
"""When this share of the backlog is done, all have joined the group."""


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """Two beside one, four beside two."""
    data = make(place, "clean", options.events)
    series = Series("workers")
    for _ in range(options.repetitions):
        for count in COUNTS:
            rates = drain(place, data, ("table",), workers=count, after=JOINED)
            series.add(f"table, by {count}", rates["table"])
    for count, before in zip(COUNTS, (None, *COUNTS), strict=False):
        bound = f"table, by {before}" if before else ""
        yield series.told(f"table, by {count}", "records/s", bound)
