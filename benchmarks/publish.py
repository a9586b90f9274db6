"""The time that a tool spends in publish(): with a healthy Kafka, a dead one and a silent one.

Bound, in the same run: the publisher without a spool.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.latency import event, summary
from benchmarks.place import CACHE, HOME
from consumers.kafka_topics import create_topic
from operations.embedded.kafka import Kafka
from producers.kafka_publisher import KafkaPublisher
from producers.spool import Spool
from producers.spooling_publisher import SpoolingPublisher
from schemas.kafka_connection import KafkaConnection

TOPIC = "publish"
SINGLE = 1_000
WARM_UP = 200
THREADS = 32
EACH = 300
DEAD = 2_000


def main() -> None:
    """Measure, print a table, and write .omega/bench/publish.json."""
    report: dict[str, dict[str, float]] = {}
    with broker() as (connection, server), tempfile.TemporaryDirectory(dir=HOME) as folder:
        create_topic(connection, TOPIC, partitions=6)
        plain = KafkaPublisher(connection, TOPIC)
        alone(plain.publish, WARM_UP)
        report["one caller, without spool"] = summary(alone(plain.publish, SINGLE))
        report[f"{THREADS} callers, without spool"] = together(plain.publish)
        plain.close()
        spool = Spool(Path(folder) / "spool.db")
        with SpoolingPublisher(spool, KafkaPublisher(connection, TOPIC)) as publisher:
            alone(publisher.publish, WARM_UP)
            report["one caller"] = summary(alone(publisher.publish, SINGLE))
            report[f"{THREADS} callers"] = together(publisher.publish)
            os.kill(server.pid, signal.SIGSTOP)
            report["silent Kafka"] = summary(alone(publisher.publish, DEAD))
            os.kill(server.pid, signal.SIGCONT)
            publisher.flush(60)
            server.stop(signal.SIGKILL, 10)
            report["dead Kafka"] = summary(alone(publisher.publish, DEAD))
            assert publisher.spool.status().waiting == DEAD
    HOME.joinpath("publish.json").write_text(json.dumps(report, indent=1))
    _print(report)


@contextmanager
def broker() -> Iterator[tuple[KafkaConnection, Any]]:
    """A Kafka to be killed."""
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME, ignore_cleanup_errors=True) as home:
        server = Kafka(Path(home).absolute(), shared=CACHE.absolute(), for_speed=True).start(None)
        try:
            yield KafkaConnection(f"127.0.0.1:{server.port}"), server
        finally:
            if server.alive():
                server.stop(signal.SIGKILL, 10)


def alone(publish: Callable[[Any], object], count: int) -> list[float]:
    """Seconds of each call, one after the other."""
    found = []
    for number in range(count):
        made = event(number)
        began = time.perf_counter()
        publish(made)
        found.append(time.perf_counter() - began)
    return found


def together(publish: Callable[[Any], object]) -> dict[str, float]:
    """As ``alone``, by many threads at the same time; with events per second."""
    found: list[float] = []
    threads = [
        threading.Thread(target=lambda: found.extend(alone(publish, EACH))) for _ in range(THREADS)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return summary(found) | {"rate": len(found) / (time.perf_counter() - began)}


def _print(report: dict[str, dict[str, float]]) -> None:
    table = Table(title="Milliseconds in publish()")
    for column in ("", "p50", "p95", "p99", "max", "events/s"):
        table.add_column(column)
    for name, numbers in report.items():
        rate = f"{numbers['rate']:,.0f}" if "rate" in numbers else ""
        quantiles = (f"{numbers[part]:.2f}" for part in ("p50", "p95", "p99", "max"))
        table.add_row(name, *quantiles, rate)
    Console().print(table)
