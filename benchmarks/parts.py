"""What an event costs a worker's two threads, part by part: processor time, when nothing else runs.

Each figure is the least of many passes over the same events, so caches are warm and nothing waits:
what a part costs at best. docs/performance.md says how much more it is in a worker at work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.dataset import make
from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series
from consumers.decoding import Draft, decode
from consumers.kafka_reader import KafkaLogReader
from projections import image_table, statistics_changes
from projections.image_batch import ImageBatch
from projections.image_rows import json_bytes
from projections.image_table import TableProjection
from projections.statistics import StatisticsProjection
from projections.statistics_batch import StatisticsBatch
from projections.statistics_tally import Tally
from projections.wire import TextArray
from schemas.compact import read_quickly
from schemas.record import Record

PASSES = 15
BATCH = 5_000
UNIT = "µs an event"


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """Reading, preparing for each projection, and what is left for the writer."""
    data = make(place, "parts", options.small)
    series = Series("parts")
    for _ in range(options.repetitions):
        took, log = _read(place, data.topic)
        series.add("reader: fetch, check, decompress, unpack", took)
        records = log[:BATCH]
        for name, part in _parts(records, decode(records)).items():
            series.add(name, _least(part, len(records)))
    for name in series.names:
        yield series.told(name, UNIT)


def _read(place: Place, topic: str) -> tuple[float, list[Record]]:
    """Of all threads, the client's own among them; and the records."""
    log: list[Record] = []
    reader = KafkaLogReader(place.kafka, topic)
    end = reader.describe().end
    began = time.process_time()
    for records in reader.read(dict.fromkeys(end, 0), end, 1_000):
        log += records
    took = time.process_time() - began
    reader.close()
    return took / len(log) * 1e6, log


def _parts(records: Sequence[Record], draft: Draft) -> dict[str, Callable[[], Any]]:
    """A call of each part, for all the records."""
    values = [record.value or b"" for record in records]
    events, table, stats = draft.decoded, TableProjection(), StatisticsProjection()
    row_of, counted_of = ImageBatch().make, StatisticsBatch().make
    metadata = [one.held.data.metadata for one in events if one.held.data.metadata]
    return {
        "reader: decode": lambda: decode(records),
        "reader: decode: parse and check": lambda: [read_quickly(value) for value in values],
        "reader: prepare for the table": lambda: table.prepare(events),
        "reader: prepare for the table: the row": lambda: [row_of(one) for one in events],
        "reader: prepare for the table: metadata": lambda: [json_bytes(one) for one in metadata],
        "reader: prepare for the statistics": lambda: stats.prepare(events),
        "reader: prepare for the statistics: the row": lambda: [counted_of(one) for one in events],
        **_of_the_writer(table.prepare(events), stats.prepare(events)),
    }


def _of_the_writer(images: ImageBatch, requests: StatisticsBatch) -> dict[str, Callable[[], Any]]:
    keys = sorted(images.events)
    projection = StatisticsProjection()
    buckets, membership = projection._buckets, projection._membership
    added = statistics_changes.compare(keys, requests, {}, by_copy=True).added
    membership._known.add(membership.unknown(added))

    def sums() -> None:
        tally = Tally(buckets)
        tally.count(added, 1)
        tally.columns({}, {}).wired()

    return {
        "writer: keys": lambda: TextArray(sorted(images.events)),
        "writer: table, compare": lambda: image_table.compare(keys, {}, images, by_copy=True),
        "writer: statistics, compare": lambda: statistics_changes.compare(
            keys, requests, {}, by_copy=True
        ),
        "writer: statistics, sums": sums,
        "writer: statistics, members": lambda: membership.unknown(added),
    }


def _least(part: Callable[[], Any], count: int) -> float:
    """Microseconds for each event, of the quickest pass."""
    best = float("inf")
    for _ in range(PASSES):
        began = time.perf_counter()
        part()
        best = min(best, time.perf_counter() - began)
    return best / count * 1e6
