"""Publish to visible: from the call of publish until a reader sees the committed row.

Bound K1, in the same run: one record produced and consumed by kafka-python, alone.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]  # no type hints

from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series, Target
from benchmarks.stolen import UNIT, Stolen
from benchmarks.visible import EMPTY, steady, visible
from consumers.kafka_topics import create_topic

FEW, MANY = 50, 1_000
WARM_UPS = 4
"""Not counted. A broker compiles what it runs often, which takes half a core for a minute of load,
once; it is measured as it is after a day's work."""
PROBES = 200
FULL = "full speed of a table worker, beside a sender at full speed"
SUSTAINED = "sustained rate: a steady one, at which nobody waits for more than a second"
LONGEST_S = 1.0
"""Who waits for longer while events come steadily is behind, and would be more and more so."""
LONG = 20
"""Seconds for which events come at a rate that is near to the limit."""


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """At few events, at a thousand a second, and near to what the worker can do."""
    place.create(EMPTY)
    series = Series("latency")
    for _ in range(WARM_UPS):
        visible(place, 0, options.events)
    for _ in range(options.repetitions):
        for rate, seconds in ((FEW, options.seconds // 3 + 1), (MANY, options.seconds)):
            _add(series, "K1", measure_k1(place, options.probes))
            _steadily(series, f"{rate:,}/s", place, rate, seconds)
        _near_the_limit(series, place, options)
    yield series.told("K1, p50", "ms")
    yield series.told("K1, p99", "ms")
    for name in (f"{FEW}/s", f"{MANY:,}/s"):
        targets = (Target(3, "ratio"), Target(10)) if name != f"{FEW}/s" else ()
        yield series.told(f"{name}, p50", "ms", "K1, p50", *targets)
        yield series.told(f"{name}, p99", "ms", "", *([Target(30)] if targets else []))
        yield series.told(f"{name}, stolen", UNIT)
    yield series.told(f"{MANY:,}/s, as sent", "events/s", "", Target(0.95 * MANY, least=True))
    yield series.told(FULL, "events/s")
    yield series.told(SUSTAINED, "events/s", FULL)
    for part, bound, wanted in (
        ("80 % of full speed", FULL, []),
        ("80 % of the sustained rate", SUSTAINED, [Target(150)]),
    ):
        yield series.told(f"{part}, asked for", "events/s", bound)
        kept = Target(0.95, "ratio", least=True)
        yield series.told(f"{part}, as sent", "events/s", f"{part}, asked for", kept)
        yield series.told(f"{part}, p50", "ms")
        yield series.told(f"{part}, p99", "ms", "", *wanted)
        yield series.told(f"{part}, stolen", UNIT)


def _near_the_limit(series: Series, place: Place, options: Options) -> None:
    # One directly after the other: what the machine gives changes.
    seconds = min(options.seconds, LONG)
    full = visible(place, 0, options.events).pace()
    series.add(FULL, full)

    def holds(tenths: int) -> bool:
        name = f"{tenths}0 % of full speed"
        return _steadily(series, name, place, round(full * tenths / 10), seconds)

    sustained = full * highest(holds) / 10
    series.add(SUSTAINED, sustained)
    _steadily(series, "80 % of the sustained rate", place, round(0.8 * sustained), seconds)


def highest(holds: Callable[[int], bool]) -> int:
    """The most tenths of full speed that hold; begins at eight; at least one, at most ten.

    That a steady rate is sustained when nobody waits longer and longer, and that it has to be
    found by asking for it, is from Karimov et al., "Benchmarking Distributed Stream Data
    Processing Systems", ICDE 2018: at full speed a sender waits for whoever is behind it.
    """
    if holds(8):
        return next((tenths - 1 for tenths in (9, 10) if not holds(tenths)), 10)
    return next((tenths for tenths in range(7, 1, -1) if holds(tenths)), 1)


def _steadily(series: Series, name: str, place: Place, rate: int, seconds: int) -> bool:
    """Whether nobody waited for too long, and as many came as were asked for."""
    stolen = Stolen()
    delays, sent = steady(place, rate, seconds)
    series.add(f"{name}, stolen", stolen.percent())
    series.add(f"{name}, asked for", rate)
    series.add(f"{name}, as sent", sent)
    _add(series, name, delays)
    return max(delays) <= LONGEST_S and sent >= 0.95 * rate


def _add(series: Series, name: str, seconds: Sequence[float]) -> None:
    found = summary(seconds)
    series.add(f"{name}, p50", found["p50"])
    series.add(f"{name}, p99", found["p99"])


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Quantiles in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    found = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(seconds)}
    return {name: value * 1000 for name, value in found.items()}


def measure_k1(place: Place, probes: int = PROBES) -> list[float]:
    """Seconds from send to poll, one record at a time."""
    servers, topic = place.kafka.bootstrap_servers, f"k1-{uuid.uuid4().hex[:8]}"
    create_topic(place.kafka, topic, partitions=1)
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=0)
    consumer = KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest")
    found = []
    for number in range(probes + 20):
        began = time.perf_counter()
        producer.send(topic, b"x" * 700)
        while not consumer.poll(timeout_ms=1000):
            pass
        if number >= 20:
            found.append(time.perf_counter() - began)
    producer.close(5)
    consumer.close()
    return found
