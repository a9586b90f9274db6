"""Workers as processes: killed, frozen, told to stop, cut off from the database."""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from psycopg import Connection

from consumers.kafka_log import KafkaLogReader
from projections.positions import read_positions
from schemas.kafka_connection import KafkaConnection
from tests.support.checker import actual_poison, actual_rows, differences, expected_rows
from tests.support.load import Message, Mix, mixed_load
from tests.support.processes import WorkerProcess
from tests.support.sending import send
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka, pytest.mark.postgres]

HEIR_S = 10.0
"""A worker that is gone is replaced within this time."""


class World(NamedTuple):
    """The servers, and workers of the table on them."""

    kafka: str
    topic: str
    connection: Connection[Any]
    start: Callable[..., WorkerProcess]

    def send(self, messages: Sequence[Message]) -> None:
        send(self.kafka, self.topic, messages)

    def position(self) -> int:
        """How many records are projected."""
        return sum(read_positions(self.connection, "table", self.topic).values())

    def shared(self, workers: int) -> bool:
        """Whether so many workers own partitions."""
        query = "SELECT count(DISTINCT owner) FROM projection_positions"
        return self.connection.execute(query).fetchall() == [(workers,)]

    def assert_exact(self) -> None:
        """The table and the dead letters are what the log comes to."""
        reader = KafkaLogReader(KafkaConnection(self.kafka), self.topic)
        end = dict(reader.describe().end)
        records = [one for batch in reader.read(dict.fromkeys(end, 0), end) for one in batch]
        reader.close()
        assert differences(expected_rows(records), actual_rows(self.connection)) == []
        assert actual_poison(self.connection, "table") == []


@pytest.fixture
def world(
    kafka_server: str, topic: str, connection: Connection[Any], database_url: str, tmp_path: Path
) -> Iterator[World]:
    with ExitStack() as stack:

        def start(name: str = "worker", url: str = database_url) -> WorkerProcess:
            environment = {
                "OMEGA_KAFKA_BOOTSTRAP_SERVERS": kafka_server,
                "OMEGA_DATABASE_URL": url,
                "OMEGA_TOPIC": topic,
            }
            worker = WorkerProcess("table", environment, tmp_path / f"{name}.log")
            return stack.enter_context(worker)

        yield World(kafka_server, topic, connection, start)


def load(count: int, seed: int) -> list[Message]:
    return mixed_load(count, Mix(poison=0, moves=0.1, deletions=0.1), seed)


def arrived(world: World, total: int) -> bool:
    return world.position() >= total


def ask(worker: WorkerProcess, path: str) -> tuple[int, str]:
    """The status and body of a page of the worker's health server."""
    found = re.search(r'(http://[^ "]+)/healthz', worker.output())
    if found is None:
        return 0, ""
    try:
        with urllib.request.urlopen(found[1] + path, timeout=5) as answer:  # noqa: S310  its own
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def answers(worker: WorkerProcess, path: str, status: int) -> bool:
    return ask(worker, path)[0] == status


def test_a_worker_that_is_killed_is_replaced_within_ten_seconds(world: World) -> None:
    first = world.start("first")
    world.start("second")
    eventually(partial(world.shared, 2), timeout_s=30, what="two owners")
    messages = load(4_000, seed=1)
    world.send(messages[:2_000])
    first.signal(signal.SIGKILL)
    eventually(partial(world.shared, 1), timeout_s=HEIR_S, what="one owner of all partitions")
    world.send(messages[2_000:])
    eventually(partial(arrived, world, len(messages)), timeout_s=20, what="all records")
    world.assert_exact()


def test_a_worker_that_was_frozen_past_its_session_changes_nothing_when_it_wakes(
    world: World,
) -> None:
    """The zombie: its partitions are somebody else's, and nobody has told it."""
    frozen = world.start("frozen")
    world.start("heir")
    eventually(partial(world.shared, 2), timeout_s=30, what="two owners")
    messages = load(6_000, seed=2)
    world.send(messages[:3_000])
    frozen.freeze()
    world.send(messages[3_000:])
    eventually(partial(arrived, world, len(messages)), timeout_s=20, what="the heir's work")
    frozen.signal(signal.SIGCONT)
    eventually(partial(world.shared, 2), timeout_s=20, what="the zombie is a member again")
    more = load(1_000, seed=3)
    world.send(more)
    total = len(messages) + len(more)
    eventually(partial(arrived, world, total), timeout_s=20, what="every record projected")
    world.assert_exact()


def test_sigterm_finishes_the_batch_and_ends_within_five_seconds(world: World) -> None:
    worker = world.start()
    messages = load(20_000, seed=4)
    world.send(messages)
    eventually(partial(arrived, world, 1), timeout_s=30, what="the first batch")
    began = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - began < 5
    assert "worker stopped" in worker.output()
    stopped_at = world.position()
    world.start("next")
    eventually(partial(arrived, world, len(messages)), timeout_s=30, what="all records")
    assert stopped_at >= 1
    world.assert_exact()


def test_a_worker_without_its_database_says_so_waits_and_sets_nothing_aside(
    world: World, database_url: str
) -> None:
    """A daemon that dies after a short outage, or says well, or dead-letters what it holds."""
    parts = urlsplit(database_url)
    with TcpProxy(parts.hostname or "", parts.port or 0) as proxy:
        host = f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"
        url = f"postgresql://{host}{parts.path}?sslmode=disable"
        worker = world.start(url=url)
        world.send(load(500, seed=5))
        eventually(partial(arrived, world, 500), timeout_s=30, what="the first records")
        eventually(partial(answers, worker, "/readyz", 200), timeout_s=10, what="ready")
        assert ask(worker, "/healthz")[0] == 200
        proxy.refuse()
        messages = load(2_000, seed=6)
        world.send(messages)
        eventually(partial(answers, worker, "/healthz", 503), timeout_s=30, what="sick")
        status, body = ask(worker, "/healthz")
        assert (status, json.loads(body)["state"]) == (503, "sick")
        proxy.accept()
        total = len(messages) + world.position()
        eventually(partial(arrived, world, total), timeout_s=30, what="what had waited")
        eventually(partial(answers, worker, "/healthz", 200), timeout_s=10, what="well")
        assert "omega_images_consumer_retries_total" in ask(worker, "/metrics")[1]
    assert worker.running()
    world.assert_exact()
