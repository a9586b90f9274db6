"""The main run: two producers, two workers of each consumer, poison, kill -9 at any moment."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from consumers.kafka_log import KafkaLogReader
from consumers.log import TopicState
from projections.positions import read_positions
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record
from tests.support.checker import (
    actual_poison,
    actual_rows,
    differences,
    expected_poison,
    expected_rows,
    five_numbers,
)
from tests.support.load import Mix, mixed_load
from tests.support.processes import WorkerProcess
from tests.support.sending import send_by_two
from tests.support.statistics import breakdowns_of_rows, breakdowns_of_statistics, stored_numbers

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.acceptance]

EVENTS = 100_000
KILLS = 10
DEADLINE_S = 240


def wait_until(condition: Callable[[], bool], what: str, deadline: float) -> None:
    """Wait for it, looking four times a second."""
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        pause.wait(0.25)


class Run:
    """Where the run stands."""

    def __init__(self, connection: Connection[Any], reader: KafkaLogReader, topic: str) -> None:
        self.connection = connection
        self.reader = reader
        self.topic = topic

    def state(self) -> TopicState:
        """The topic's bounds now."""
        return self.reader.describe()

    def position(self, projection: str) -> int:
        """Records that this projection is past, over all partitions."""
        return sum(read_positions(self.connection, projection, self.topic).values())

    def has_come_to(self, moment: int) -> bool:
        """Whether the projections have so many records behind them, together."""
        return self.position("table") + self.position("stats") >= moment

    def at_the_end(self, end: Mapping[int, int]) -> bool:
        """Whether both projections have come to the end of every partition."""
        held = {number: offset for number, offset in end.items() if offset}
        return all(
            {n: o for n, o in read_positions(self.connection, name, self.topic).items() if o}
            == held
            for name in ("table", "stats")
        )

    def records(self, end: Mapping[int, int]) -> list[Record]:
        """The whole topic."""
        batches = self.reader.read(dict.fromkeys(end, 0), end)
        return [record for batch in batches for record in batch]


@pytest.fixture
def run(connection: Connection[Any], kafka_server: str, topic: str) -> Iterator[Run]:
    reader = KafkaLogReader(KafkaConnection(kafka_server), topic)
    yield Run(connection, reader, topic)
    reader.close()


@pytest.mark.timeout(DEADLINE_S + 60)
def test_100_000_events_with_ten_kills_end_as_the_plain_fold_says(
    run: Run, kafka_server: str, topic: str, database_url: str, tmp_path: Path
) -> None:
    deadline = time.monotonic() + DEADLINE_S
    rng = random.Random(time.time_ns())
    messages = mixed_load(EVENTS, Mix(), seed=rng.randrange(10**6))
    environment = {
        "OMEGA_KAFKA_BOOTSTRAP_SERVERS": kafka_server,
        "OMEGA_DATABASE_URL": database_url,
        "OMEGA_TOPIC": topic,
    }
    with ExitStack() as stack:
        workers = [
            stack.enter_context(WorkerProcess(name, environment, tmp_path / f"{name}-{number}.log"))
            for name in ("table", "stats")
            for number in (1, 2)
        ]
        producers = send_by_two(kafka_server, topic, messages)
        for moment in sorted(rng.sample(range(EVENTS // 20, EVENTS * 2 - EVENTS // 10), KILLS)):
            wait_until(partial(run.has_come_to, moment), f"kill at {moment}", deadline)
            rng.choice(workers).kill_and_replace()
        for producer in producers:
            producer.join()
        end = run.state().end
        assert sum(end.values()) >= len(messages)
        wait_until(lambda: run.at_the_end(end), f"both projections at {dict(end)}", deadline)
        records = run.records(end)
        judge(run.connection, records)
        assert [worker.terminate() for worker in workers] == [0] * 4


def judge(connection: Connection[Any], records: Sequence[Record]) -> None:
    """Table, statistics and dead letters against the plain fold."""
    expected = expected_rows(records)
    actual = actual_rows(connection)
    assert differences(expected, actual) == []
    for projection in ("table", "stats"):
        assert actual_poison(connection, projection) == expected_poison(records)
    assert stored_numbers(connection) == five_numbers(actual.values())
    assert breakdowns_of_statistics(connection) == breakdowns_of_rows(actual.values())
