"""The time that a tool spends in publish(): with a healthy Kafka, a silent one and a dead one.

Bounds, in the same run: K1, and the publisher without a spool.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.events import event
from benchmarks.latency import measure_k1, summary
from benchmarks.options import Options
from benchmarks.place import CACHE, Place
from benchmarks.report import Measurement, Series, Target
from consumers.kafka_topics import create_topic
from operations.embedded.kafka import Kafka
from producers.kafka_publisher import KafkaPublisher
from producers.spool import Spool
from producers.spooling_publisher import SpoolingPublisher
from schemas.kafka_connection import KafkaConnection

TOPIC = "publish"
THREADS = 32
WARM_UP = 50
CALLERS = f"{THREADS} callers"


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """One caller and many, without spool and with it; then a Kafka that is silent, or gone."""
    create_topic(place.kafka, TOPIC, partitions=6)
    series = Series("publish")
    for _ in range(options.repetitions):
        series.add("K1, p50", summary(measure_k1(place, options.probes))["p50"])
        with KafkaPublisher(place.kafka, TOPIC) as plain:
            _measure(series, ", without spool", plain.publish, options)
        with tempfile.TemporaryDirectory(dir=place.home) as folder:
            _healthy(place, series, Path(folder), options)
            _unwell(place, series, Path(folder), options)
    yield series.told("K1, p50", "ms")
    yield series.told("one caller, without spool, p50", "ms", "K1, p50")
    yield series.told("one caller, p50", "ms", "K1, p50", Target(3, "excess"))
    yield series.told(f"{CALLERS}, without spool", "events/s")
    rate = Target(2_000, least=True)
    yield series.told(CALLERS, "events/s", f"{CALLERS}, without spool", rate)
    yield series.told(f"{CALLERS}, p99", "ms", f"{CALLERS}, without spool, p99", Target(40))
    for state in ("silent", "dead"):
        yield series.told(f"one caller, {state} Kafka, p50", "ms")
        yield series.told(f"one caller, {state} Kafka, longest", "ms")


def _healthy(place: Place, series: Series, folder: Path, options: Options) -> None:
    spool = Spool(folder / "healthy.db")
    with SpoolingPublisher(spool, KafkaPublisher(place.kafka, TOPIC)) as publisher:
        _measure(series, "", publisher.publish, options)


def _measure(series: Series, kind: str, publish: Callable[[Any], object], options: Options) -> None:
    alone(publish, WARM_UP)
    series.add(f"one caller{kind}, p50", summary(alone(publish, options.calls))["p50"])
    found, rate = together(publish, options.calls // 3)
    series.add(f"{CALLERS}{kind}", rate)
    series.add(f"{CALLERS}{kind}, p99", summary(found)["p99"])


def _unwell(place: Place, series: Series, folder: Path, options: Options) -> None:
    with broker(place) as (connection, server):
        create_topic(connection, TOPIC, partitions=6)
        spool = Spool(folder / "unwell.db")
        with SpoolingPublisher(spool, KafkaPublisher(connection, TOPIC)) as publisher:
            alone(publisher.publish, WARM_UP)
            os.kill(server.pid, signal.SIGSTOP)
            _add(series, "silent", alone(publisher.publish, options.calls))
            os.kill(server.pid, signal.SIGCONT)
            publisher.flush(60)
            server.stop(signal.SIGKILL, 10)
            _add(series, "dead", alone(publisher.publish, options.calls))
            waiting = publisher.spool.status().waiting
            assert waiting == options.calls, f"{waiting} events wait of {options.calls}"


def _add(series: Series, state: str, seconds: list[float]) -> None:
    found = summary(seconds)
    series.add(f"one caller, {state} Kafka, p50", found["p50"])
    series.add(f"one caller, {state} Kafka, longest", found["max"])


@contextmanager
def broker(place: Place) -> Iterator[tuple[KafkaConnection, Any]]:
    """A Kafka to be killed."""
    with tempfile.TemporaryDirectory(dir=place.home, ignore_cleanup_errors=True) as home:
        server = Kafka(Path(home).absolute(), shared=CACHE.absolute(), for_speed=True).start(None)
        try:
            yield KafkaConnection(f"127.0.0.1:{server.port}"), server
        finally:
            if server.alive():
                server.stop(signal.SIGKILL, 10)


def alone(publish: Callable[[Any], object], count: int) -> list[float]:
    """Seconds of each call, one after the other."""
    return each(publish, [event(number) for number in range(count)])


def each(publish: Callable[[Any], object], events: Sequence[Any]) -> list[float]:
    """The same, of events that are ready."""
    found = []
    for made in events:
        began = time.perf_counter()
        publish(made)
        found.append(time.perf_counter() - began)
    return found


def together(publish: Callable[[Any], object], count: int) -> tuple[list[float], float]:
    """Seconds of each call, so many by each of many threads; and calls per second of them all."""
    shares = [[event(number) for number in range(count)] for _ in range(THREADS)]
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        found = [one for some in pool.map(partial(each, publish), shares) for one in some]
    return found, len(found) / (time.perf_counter() - began)
