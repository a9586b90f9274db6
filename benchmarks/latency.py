"""Publish to visible: from the call of publish until a reader sees the committed row.

Bound K1, in the same run: one record produced and consumed by kafka-python, alone.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]  # no type hints
from rich.console import Console
from rich.table import Table

from benchmarks.place import HOME, Place, fresh_place
from consumers.kafka_topics import create_topic
from producers.kafka_publisher import KafkaPublisher
from producers.publisher import Acknowledgement
from projections.positions import NOTIFY_CHANNEL, read_positions
from schemas.events import ImageGenerated, new_event

RATE = 50
SECONDS = 20
WARM_UP = 100
PROBES = 200
DEADLINE_S = 30.0


def main() -> None:
    """Measure, print a table, and write .omega/bench/latency.json."""
    with fresh_place() as place:
        bound = measure_k1(place)
        with place.worker("table"):
            visible = measure_visible(place)
    rows = {"K1: produce and consume, alone": bound, "publish to visible": visible}
    report = {name: summary(values) for name, values in rows.items()}
    HOME.joinpath("latency.json").write_text(json.dumps(report, indent=1))
    table = Table(title=f"Latency in milliseconds, {RATE} events/s for {SECONDS} s")
    for column in ("", "p50", "p95", "p99", "max", "p50 against K1"):
        table.add_column(column)
    for name, numbers in report.items():
        ratio = numbers["p50"] / report["K1: produce and consume, alone"]["p50"]
        table.add_row(name, *(f"{value:.1f}" for value in numbers.values()), f"{ratio:.2f}")
    Console().print(table)


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Quantiles in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    found = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(seconds)}
    return {name: value * 1000 for name, value in found.items()}


def measure_k1(place: Place) -> list[float]:
    """Seconds from send to poll, one record at a time."""
    servers = place.kafka.bootstrap_servers
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=0)
    consumer = KafkaConsumer(
        f"{place.topic}-k1", bootstrap_servers=servers, auto_offset_reset="earliest"
    )
    create_topic(place.kafka, f"{place.topic}-k1", partitions=1)
    found = []
    for number in range(PROBES + 20):
        began = time.perf_counter()
        producer.send(f"{place.topic}-k1", b"x" * 700)
        while not consumer.poll(timeout_ms=1000):
            pass
        if number >= 20:
            found.append(time.perf_counter() - began)
    producer.close(5)
    consumer.close()
    return found


def event(number: int) -> Any:
    """An event of about 700 bytes."""
    return new_event(
        ImageGenerated(
            request_id=f"latency-{number:08d}",
            user_id=f"user{number % 97}",
            username="ada",
            tool_name="generateUserImage",
            prompt="A quiet harbour at dusk, soft light, " * 4,
            model="gemini-3-pro-image-preview",
            size="1024x1024",
            storage_url=f"https://images.test/file-library/{number}.png",
            storage_provider="github",
            mime_type="image/png",
            bytes=524_288,
            sha256=f"{number:064x}",
            tags=("portrait",),
            metadata={"number": number},
        )
    )


def measure_visible(place: Place) -> list[float]:
    """Seconds from publish to the commit that a listening reader is told of."""
    sent: dict[tuple[int, int], float] = {}
    seen: dict[tuple[int, int], float] = {}
    total = WARM_UP + RATE * SECONDS
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(place, seen, total, done))
    watcher.start()
    publisher = KafkaPublisher(place.kafka, place.topic)
    pending: list[tuple[float, Any]] = []
    start = time.perf_counter()
    for number in range(total):
        pause = start + number / RATE - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        began = time.perf_counter()
        pending.append((began, publisher.publish_async(event(number))))
    for began, future in pending:
        acknowledgement: Acknowledgement = future.result(DEADLINE_S)
        sent[acknowledgement.partition, acknowledgement.offset] = began
    done.wait(DEADLINE_S)
    watcher.join(1)
    publisher.close()
    with place.connect() as connection:
        row = connection.execute("SELECT count(*) FROM generated_images").fetchone()
    assert row == (total,), f"{row} rows of {total}"
    delays = [(began, seen[where] - began) for where, began in sent.items()]
    return [delay for _, delay in sorted(delays)[WARM_UP:]]


def _watch(
    place: Place, seen: dict[tuple[int, int], float], total: int, done: threading.Event
) -> None:
    """Note when each place of the log became visible."""
    with place.connect() as connection:
        connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
        at: dict[int, int] = {}
        while len(seen) < total:
            # To its end: while the generator is open, what arrives during a query gets lost.
            list(connection.notifies(timeout=DEADLINE_S, stop_after=1))
            now = time.perf_counter()
            for partition, offset in read_positions(connection, "table", place.topic).items():
                for number in range(at.get(partition, 0), offset):
                    seen[partition, number] = now
                at[partition] = offset
    done.set()
