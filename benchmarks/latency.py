"""Publish to visible: from the call of publish until a reader sees the committed row.

Bound K1, in the same run: one record produced and consumed by kafka-python, alone.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
import uuid
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]  # no type hints

from benchmarks.dataset import check_table
from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series, Target
from consumers.kafka_topics import create_topic
from projections.positions import NOTIFY_CHANNEL, read_positions

FEW, MANY = 50, 1_000
PARTS = {"80 % of it": 0.8, "60 % of it": 0.6}
WARM_UPS = 2
"""Not counted. A broker compiles what it runs often, which takes half a core for a minute of load,
once; it is measured as it is after a day's work."""
PROBES = 200
PARTITIONS = 6
DEADLINE_S = 300.0
SUSTAINED = "sustained rate of a table worker, beside a sender at full speed"


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """At few events, at a thousand a second, and near to what the worker can do."""
    place.create("latency_empty")
    series = Series("latency")
    for _ in range(WARM_UPS):
        _near_the_limit(Series("not counted"), place, options)
    for _ in range(options.repetitions):
        for rate, seconds in ((FEW, options.seconds // 3 + 1), (MANY, options.seconds)):
            _add(series, "K1", measure_k1(place, options.probes), 0)
            _add(series, f"{rate:,}/s", *steady(place, rate, seconds))
        _near_the_limit(series, place, options)
    yield series.told("K1, p50", "ms")
    yield series.told("K1, p99", "ms")
    for name in (f"{FEW}/s", f"{MANY:,}/s"):
        targets = (Target(3, "ratio"), Target(10)) if name != f"{FEW}/s" else ()
        yield series.told(f"{name}, p50", "ms", "K1, p50", *targets)
        yield series.told(f"{name}, p99", "ms", "", *([Target(30)] if targets else []))
    yield series.told(f"{MANY:,}/s, as sent", "events/s", "", Target(0.95 * MANY, least=True))
    yield series.told(SUSTAINED, "events/s")
    for part, share in PARTS.items():
        wanted = [Target(150)] if share == 0.8 else []
        yield series.told(f"{part}, asked for", "events/s", SUSTAINED)
        kept = Target(0.95, "ratio", least=True)
        yield series.told(f"{part}, as sent", "events/s", f"{part}, asked for", kept)
        yield series.told(f"{part}, p50", "ms")
        yield series.told(f"{part}, p99", "ms", "", *wanted)


def _near_the_limit(series: Series, place: Place, options: Options) -> None:
    # One directly after the other, and for as long: what the machine gives changes.
    sustained = visible(place, 0, options.events).pace()
    series.add(SUSTAINED, sustained)
    for part, share in PARTS.items():
        rate = int(share * sustained)
        series.add(f"{part}, asked for", rate)
        _add(series, part, *steady(place, rate, min(options.seconds, 20)))


def _add(series: Series, name: str, seconds: Sequence[float], rate: float) -> None:
    found = summary(seconds)
    series.add(f"{name}, p50", found["p50"])
    series.add(f"{name}, p99", found["p99"])
    series.add(f"{name}, as sent", rate)


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


@dataclass(frozen=True, slots=True)
class Seen:
    """When each event was published and where it stands, and when it was visible."""

    sent: list[tuple[float, tuple[int, int]]]
    snapshots: list[tuple[float, dict[int, int]]]

    def delays(self, warm_up: int) -> list[float]:
        """Seconds from publish to visible, in the order of publishing; without the first ones."""
        times: defaultdict[int, list[float]] = defaultdict(list)
        ends: defaultdict[int, list[int]] = defaultdict(list)
        for at, positions in self.snapshots:
            for partition, end in positions.items():
                times[partition].append(at)
                ends[partition].append(end)
        return [
            times[partition][bisect_left(ends[partition], offset + 1)] - began
            for began, (partition, offset) in self.sent[warm_up:]
        ]

    def pace(self) -> float:
        """Events per second that became visible while there were others being published."""
        began, ended = self.sent[0][0], self.sent[-1][0]
        seen = [(at, sum(positions.values())) for at, positions in self.snapshots]
        meanwhile = [one for one in seen if began <= one[0] <= ended]
        if len(meanwhile) < 2:
            # A few events may all be published before the second commit.
            meanwhile = [(began, 0), seen[-1]]
        (first, before), (last, after) = meanwhile[0], meanwhile[-1]
        return (after - before) / (last - first)


def steady(place: Place, rate: int, seconds: int) -> tuple[list[float], float]:
    """Delays at this rate, in seconds, those of the first second left out; the rate as it was."""
    seen = visible(place, rate, rate * (seconds + 1))
    return seen.delays(rate), (len(seen.sent) - 1) / (seen.sent[-1][0] - seen.sent[0][0])


def visible(place: Place, rate: int, count: int) -> Seen:
    """Publish so many, from a process of its own, with a worker of the table at work."""
    topic = f"latency-{uuid.uuid4().hex[:8]}"
    create_topic(place.kafka, topic, partitions=PARTITIONS)
    with place.copy("latency_empty", topic) as here, here.worker("table"):
        watcher = Watcher(here, count + 1)
        command = [sys.executable, "-m", "benchmarks.sender", str(rate), str(count)]
        done = subprocess.run(
            command, env=here.environment, stdout=subprocess.PIPE, check=True, timeout=DEADLINE_S
        )
        sent = [(began, (part, at)) for began, (part, at) in json.loads(done.stdout)]
        watcher.thread.join(DEADLINE_S)
        assert not watcher.thread.is_alive(), "not everything became visible in time"
        check_table(here, "latency_empty")
    return Seen(sent, watcher.snapshots)


class Watcher:
    """A reader who is told of each commit, and looks then what is there. Waits for the worker."""

    def __init__(self, place: Place, total: int) -> None:
        self._place = place
        self._total = total
        self.snapshots: list[tuple[float, dict[int, int]]] = []
        with place.connect() as connection:
            give_up = time.monotonic() + DEADLINE_S
            while len(read_positions(connection, "table", place.topic)) < PARTITIONS:
                assert time.monotonic() < give_up, "no worker in time"
                time.sleep(0.1)
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        seen = 0
        with self._place.connect() as connection:
            connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
            while seen < self._total:
                # To its end: while the generator is open, what arrives during a query gets lost.
                list(connection.notifies(timeout=1, stop_after=1))
                positions = read_positions(connection, "table", self._place.topic)
                if sum(positions.values()) > seen:
                    seen = sum(positions.values())
                    self.snapshots.append((time.perf_counter(), positions))
