"""Events published at a rate, and when a reader sees each of them in the table."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import uuid
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.dataset import check_table
from benchmarks.place import Place
from consumers.kafka_topics import create_topic
from projections.positions import NOTIFY_CHANNEL, read_positions

EMPTY = "latency_empty"
"""The name of the database that is copied for each measurement."""
PARTITIONS = 6
DEADLINE_S = 300.0


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
    with place.copy(EMPTY, topic) as here, here.worker("table"):
        watcher = Watcher(here, count + 1)
        command = [sys.executable, "-m", "benchmarks.sender", str(rate), str(count)]
        done = subprocess.run(
            command, env=here.environment, stdout=subprocess.PIPE, check=True, timeout=DEADLINE_S
        )
        sent = [(began, (part, at)) for began, (part, at) in json.loads(done.stdout)]
        watcher.thread.join(DEADLINE_S)
        assert not watcher.thread.is_alive(), "not everything became visible in time"
        check_table(here, EMPTY)
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
