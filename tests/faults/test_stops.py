"""What no waiting mends: the log is not the one that was read. The worker stops and says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka import (  # type: ignore[import-untyped]  # kafka-python has no type hints
    KafkaAdminClient,
    TopicPartition,
)
from psycopg import Connection

from projections.positions import read_positions
from schemas.kafka_connection import KafkaConnection
from tests.support.checker import actual_rows
from tests.support.load import Mix, mixed_load
from tests.support.processes import WorkerProcess
from tests.support.sending import send
from tests.support.topics import recreate
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka, pytest.mark.postgres]

COUNT = 600


class Place:
    """A topic that is projected by one worker of the table."""

    def __init__(self, kafka: str, topic: str, database_url: str, log: Path) -> None:
        self.kafka, self.topic, self._log = kafka, topic, log
        self._environment = {
            "OMEGA_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "OMEGA_DATABASE_URL": database_url,
            "OMEGA_TOPIC": topic,
        }

    def worker(self) -> WorkerProcess:
        return WorkerProcess("table", self._environment, self._log)

    def send(self, seed: int) -> int:
        messages = mixed_load(COUNT, Mix(poison=0), seed)
        send(self.kafka, self.topic, messages)
        return len(messages)

    @contextmanager
    def admin(self) -> Iterator[Any]:
        with ExitStack() as stack:
            admin = KafkaAdminClient(bootstrap_servers=self.kafka)
            stack.callback(admin.close)
            yield admin


@pytest.fixture
def place(kafka_server: str, topic: str, database_url: str, tmp_path: Path) -> Place:
    return Place(kafka_server, topic, database_url, tmp_path / "worker.log")


def at(connection: Connection[Any], place: Place, total: int) -> bool:
    return sum(read_positions(connection, "table", place.topic).values()) == total


def last_line(worker: WorkerProcess) -> str:
    return worker.output().strip().splitlines()[-1]


def ended(worker: WorkerProcess) -> bool:
    return not worker.running()


def test_a_topic_that_is_deleted_and_made_again_stops_the_worker(
    place: Place, connection: Connection[Any]
) -> None:
    with place.worker() as worker:
        total = place.send(seed=1)
        eventually(partial(at, connection, place, total), timeout_s=30, what="all records")
        rows = actual_rows(connection)
        recreate(KafkaConnection(place.kafka), place.topic, partitions=6)
        place.send(seed=2)
        eventually(partial(ended, worker), timeout_s=30, what="the worker's end")
        assert worker.exit_code() == 1
        assert "recreated" in last_line(worker)
        assert "rebuild" in last_line(worker)
    with place.worker() as worker:
        eventually(partial(ended, worker), timeout_s=30, what="the next worker's end")
        assert "rebuild" in last_line(worker)
    assert actual_rows(connection) == rows
    assert at(connection, place, total)


def test_unread_events_that_retention_removed_stop_the_worker(
    place: Place, connection: Connection[Any]
) -> None:
    with place.worker() as worker:
        total = place.send(seed=1)
        eventually(partial(at, connection, place, total), timeout_s=30, what="all records")
        assert worker.terminate() == 0
    place.send(seed=2)
    positions = read_positions(connection, "table", place.topic)
    with place.admin() as admin:
        everything = {TopicPartition(place.topic, n): p + 5 for n, p in positions.items()}
        admin.delete_records(everything)
    with place.worker() as worker:
        eventually(partial(ended, worker), timeout_s=30, what="the worker's end")
        assert worker.exit_code() == 1
        assert "outside" in last_line(worker)
        assert "rebuild" in last_line(worker)
    assert read_positions(connection, "table", place.topic) == positions
