"""What an event costs where: processor time of each process, and bytes in log, table and indexes.

The figures of docs/scaling.md come from here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
from psycopg import Connection

from benchmarks.dataset import Dataset, make
from benchmarks.drain import Pace, check
from benchmarks.events import Mix, event
from benchmarks.filling import TABLES
from benchmarks.memory import tree
from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series
from consumers.kafka_topics import create_topic
from producers.kafka_publisher import KafkaPublisher

CPU, BYTES = "µs of processor an event", "bytes an event"
PARTITIONS = 6
SHORT = 20_000
"""Records of which a worker may take a good part at once."""

SIZES = """
SELECT c.relname, pg_relation_size(c.oid) FROM pg_class AS c LEFT JOIN pg_index AS i
    ON i.indexrelid = c.oid
WHERE coalesce(i.indrelid, c.oid) = ANY(%s::text[]::regclass[]) ORDER BY c.relname
"""


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """Publish, and drain by each projection; ids in no order, as most makers of them have it."""
    data = make(place, "grown", options.small, Mix(scattered=True))
    series = Series("costs")
    sealed = make(place, "sealed", options.small, Mix(sealed=True))
    sizes: list[str] = []
    for number in range(options.repetitions):
        _publish(place, series, options.small, f"costs-{number}")
        with place.copy(data.empty, data.topic) as here:
            for projection in ("table", "stats"):
                _drain(here, data, projection, series)
            with here.connect() as connection:
                check(connection, data, ("table", "stats"))
                sizes = _sizes(connection, series, data)
    series.add("log: values, sealed", sealed.bytes / sealed.records)
    series.add("log: on disk, sealed", _on_disk(place, sealed.topic) / sealed.records)
    for name in ("publish", "table", "stats"):
        for part in ("program", "PostgreSQL", "Kafka"):
            if (name, part) != ("publish", "PostgreSQL"):
                yield series.told(f"{name}: {part}", CPU)
    for kind in ("", ", sealed"):
        yield series.told(f"log: values{kind}", BYTES)
        yield series.told(f"log: on disk{kind}", BYTES)
    for name in sizes:
        yield series.told(name, BYTES)


def _publish(place: Place, series: Series, count: int, topic: str) -> None:
    """From this process: nothing else happens in it meanwhile."""
    create_topic(place.kafka, topic, partitions=PARTITIONS)
    events = [event(number, True) for number in range(count)]
    kafka, began = _kafka(place), time.process_time()
    with KafkaPublisher(place.kafka, topic) as publisher:
        for sent in [publisher.publish_async(made) for made in events]:
            sent.result(60)
        took = time.process_time() - began
    series.add("publish: program", took / count * 1e6)
    series.add("publish: Kafka", (_kafka(place) - kafka) / count * 1e6)
    series.add("log: on disk", _on_disk(place, topic) / count)


def _on_disk(place: Place, topic: str) -> int:
    """Bytes of a topic, compressed as they are."""
    files = place.home.glob(f"*/kafka/data/{topic}-*/*.log")
    return sum(one.stat().st_size for one in files)


def _drain(here: Place, data: Dataset, projection: str, series: Series) -> None:
    """From the first commit on, so that starting up does not count; a short backlog has only one.

    Linux counts ended processes in hundredths of a second, so what is between has to be more.
    """
    with here.worker(projection) as process:
        before, first = _spent(here, process.pid), 0
        pace = Pace(here, projection, data.records)
        if data.records > SHORT:
            while not pace.seen and pace.thread.is_alive():
                time.sleep(0.02)
            first = pace.seen[0][1]
            before = _spent(here, process.pid)
        pace.wait([process])
        after = _spent(here, process.pid)
    for part, seconds in after.items():
        count = data.records - first
        series.add(f"{projection}: {part}", (seconds - before[part]) / count * 1e6)
    series.add("log: values", data.bytes / data.records)


def _spent(here: Place, worker: int) -> dict[str, float]:
    """Processor time so far, in seconds."""
    return {"program": _seconds(worker), "PostgreSQL": _postgres(here), "Kafka": _kafka(here)}


def _sizes(connection: Connection[Any], series: Series, data: Dataset) -> list[str]:
    """Tables and indexes, as they have grown; the names in the series."""
    names = []
    for name, size in connection.execute(SIZES, (list(TABLES),)).fetchall():
        names.append(f"size of {name}")
        series.add(f"size of {name}", size / data.rows)
    return names


def _kafka(place: Place) -> float:
    return _seconds(place.kafka_pid)


def _postgres(place: Place) -> float:
    """Of its processes, those that have ended included."""
    return sum(_seconds(pid, ended=True) for pid in tree(place.postgres_pid))


def _seconds(pid: int, *, ended: bool = False) -> float:
    """Processor time of a process so far; with that of its children that have ended."""
    with suppress(psutil.NoSuchProcess, OSError):
        times = psutil.Process(pid).cpu_times()
        children = times.children_user + times.children_system if ended else 0.0
        # clock_getcpuclockid(3): what Linux counts in nanoseconds, and tells psutil in hundredths.
        return time.clock_gettime((~pid << 3) | 2) + float(children)
    return 0.0
