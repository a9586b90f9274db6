"""Traps of systems of this kind, one by one, on real servers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # kafka-python has no type hints
from kafka.errors import KafkaError  # type: ignore[import-untyped]  # same
from psycopg import Connection

from benchmarks.memory import peak_mb
from consumers.kafka_log import GroupSettings, KafkaGroupLog
from consumers.metrics import WorkerMetrics
from consumers.processor import Batch, Processed, Processor
from consumers.vitals import Vitals
from consumers.worker import Worker
from projections.connections import connector
from projections.faults import EnvironmentFault
from projections.image_table import TableProjection
from projections.positions import ProjectionKey, read_positions
from projections.projection import Projection
from projections.statistics import StatisticsProjection
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record
from tests.contract.members import Positions, members, poll_until_assigned
from tests.integration.test_processor import batch_of
from tests.support.checker import actual_rows, differences, expected_rows, five_numbers
from tests.support.load import EPOCH, Message, message
from tests.support.statistics import stored_numbers
from tests.support.waiting import eventually
from tests.unit.consumers.fakes import FakeProcessor, Store

pytestmark = pytest.mark.postgres

KEY = ProjectionKey("table", "t", "topic-id")
ASKED = {"user_id": "u", "tool_name": "generateComic", "prompt": "p"}
STORED = {"storage_url": "https://x.test/1.png", "storage_provider": "github"}


def event(request_id: str, kind: str, at_s: int, **more: Any) -> Message:
    data = {"request_id": request_id, **ASKED, **more}
    return message(kind, data, EPOCH + timedelta(seconds=at_s), f"{request_id}-{at_s}-{kind}")


def generated(request_id: str, at_s: int = 0, **more: Any) -> Message:
    return event(request_id, "ImageGenerated", at_s, **STORED, **more)


def failed(request_id: str, at_s: int = 0) -> Message:
    return event(request_id, "ImageFailed", at_s, error=f"no {at_s}")


def records(messages: Sequence[Message], first: int = 0) -> list[Record]:
    return [Record("t", 0, first + n, 0, one.key, one.value) for n, one in enumerate(messages)]


def processor(url: str, projection: Any = None) -> Processor:
    made = Processor(projection or TableProjection(), KEY, connector(url, "trap"), "trap")
    made.claim({0})
    return made


def test_the_same_key_twice_in_a_batch(connection: Connection[Any], database_url: str) -> None:
    """SQLSTATE 21000 for an INSERT … ON CONFLICT that meets its own row."""
    log = records([failed("r"), generated("r", 1), generated("r", 1), failed("r", 5)])
    worker = processor(database_url)
    worker.process(batch_of(log))
    worker.close()
    assert differences(expected_rows(log), actual_rows(connection)) == []


def test_an_older_event_never_overwrites_a_newer(
    connection: Connection[Any], database_url: str
) -> None:
    log = records([failed("f", 9), failed("f", 1), generated("g", 5), failed("g", 7)])
    worker = processor(database_url)
    for one in log:
        worker.process(batch_of([one]))
    worker.close()
    rows = actual_rows(connection)
    assert (rows["f"]["error"], rows["g"]["status"]) == ("no 9", "success")


def test_columns_are_not_taken_from_the_first_row(
    connection: Connection[Any], database_url: str
) -> None:
    more: dict[str, Any] = {
        "username": "ada",
        "model": "m",
        "tags": ["a"],
        "metadata": {"k": 1},
        "bytes": 7,
    }
    log = records([failed("a"), generated("b"), generated("c", **more), generated("d", size="1x1")])
    worker = processor(database_url)
    worker.process(batch_of(log))
    worker.close()
    assert differences(expected_rows(log), actual_rows(connection)) == []


def test_a_missing_field_gets_its_default_and_not_null(
    connection: Connection[Any], database_url: str
) -> None:
    worker = processor(database_url)
    worker.process(batch_of(records([generated("r")])))
    worker.close()
    row = actual_rows(connection)["r"]
    assert (row["n"], row["status"], row["tags"], row["metadata"]) == (1, "success", None, None)


class Failing(TableProjection):
    """Writes everything, and then fails as often as it is told to."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def apply(self, *arguments: Any, **options: Any) -> Any:
        applied = super().apply(*arguments, **options)
        if self.times:
            self.times -= 1
            raise psycopg.OperationalError("the connection is lost")
        return applied


def test_no_offset_is_stored_before_its_rows(
    connection: Connection[Any], database_url: str
) -> None:
    """Nor is there a marker of what was seen, so that a retry would skip what it marks."""
    log = records([generated("a"), generated("b")])
    worker = processor(database_url, Failing(2))
    for _ in range(2):
        with pytest.raises(EnvironmentFault):
            worker.process(batch_of(log))
        assert read_positions(connection, "table", "t") == {0: 0}
        assert actual_rows(connection) == {}
    worker.process(batch_of(log))
    worker.close()
    assert read_positions(connection, "table", "t") == {0: 2}
    assert actual_rows(connection).keys() == {"a", "b"}


def test_a_deadlock_is_tried_again(connection: Connection[Any], database_url: str) -> None:
    """SQLSTATE 40P01, with somebody who locks rows in another order."""
    worker = processor(database_url)
    worker.process(batch_of(records([failed("a"), failed("b")])))
    connection.execute("BEGIN")
    connection.execute("UPDATE generated_images SET style = 'x' WHERE request_id = 'b'")
    log = records([generated("a", 1), generated("b", 1)], first=2)
    thread = threading.Thread(target=partial(until_done, worker, batch_of(log)))
    thread.start()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with connector(database_url, "observer")() as observer:
        eventually(lambda: observer.execute(waiting).fetchall()[0][0] > 0, what="a waiting batch")
    try:
        connection.execute("UPDATE generated_images SET style = 'x' WHERE request_id = 'a'")
    except psycopg.errors.DeadlockDetected:
        connection.execute("ROLLBACK")
    else:
        connection.execute("COMMIT")
    thread.join(20)
    worker.close()
    assert {row["status"] for row in actual_rows(connection).values()} == {"success"}
    assert connection.execute("SELECT count(*) FROM dead_letters").fetchall() == [(0,)]


def until_done(worker: Processor, batch: Batch) -> None:
    for _ in range(10):
        try:
            worker.process(batch)
        except EnvironmentFault:
            continue
        return


@pytest.mark.kafka
def test_a_long_batch_past_max_poll_interval_keeps_its_partitions(
    kafka_server: str, topic: str
) -> None:
    settings = GroupSettings(poll_interval_s=2.0, heartbeat_s=0.2)
    group = KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}", settings=settings)
    store = Store()
    fake, done = FakeProcessor(store), threading.Event()

    def slow(batch: Batch | None) -> None:
        if batch is not None and batch.decoded:
            time.sleep(5)  # the batch is long: that is what it consists of
            done.set()

    fake.before = slow
    worker = Worker(group, fake, metrics=WorkerMetrics("table", topic, "me"), vitals=Vitals())
    thread = threading.Thread(target=worker.run)
    thread.start()
    producer = KafkaProducer(bootstrap_servers=kafka_server)
    one = generated("r")
    producer.send(topic, key=one.key, value=one.value, partition=0).get(10)
    producer.close()
    eventually(done.is_set, timeout_s=30, what="the batch")
    eventually(lambda: store.positions.get(0) == 1, what="its position")
    worker.stop()
    thread.join(10)
    assert len(fake.claimed) == 1


@pytest.mark.kafka
def test_records_from_before_the_first_worker_are_not_skipped_to_the_latest(
    kafka_server: str, topic: str
) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka_server)
    for number in range(60):
        producer.send(topic, key=b"k", value=b"v", partition=number % 6)
    producer.flush(10)
    producer.close()
    positions = Positions()
    with members(
        KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}"), positions=positions
    ):
        eventually(lambda: len(positions.read) >= 60, timeout_s=20, what="all records")


@pytest.mark.kafka
def test_an_open_transaction_pins_the_log_no_longer_than_its_timeout(
    kafka_server: str, topic: str
) -> None:
    """A foreign producer dies within a transaction: what follows waits, and none of it is lost."""
    dead = KafkaProducer(
        bootstrap_servers=kafka_server, transactional_id=topic, transaction_timeout_ms=1_000
    )
    dead.init_transactions()
    dead.begin_transaction()
    dead.send(topic, key=b"k", value=b"never committed", partition=0).get(10)
    alive = KafkaProducer(bootstrap_servers=kafka_server)
    alive.send(topic, key=b"k", value=b"behind it", partition=0).get(10)
    alive.close()
    log = KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}")
    poll_until_assigned(log)
    log.start(dict.fromkeys(range(6), 0))
    found = eventually(lambda: log.poll(0.5, 10), timeout_s=40, what="the record behind it")
    assert [record.value for record in found] == [b"behind it"]
    log.close()
    with suppress(KafkaError):
        dead.abort_transaction()
    dead.close(timeout=2)


LETTERS = """
INSERT INTO dead_letters (projection, topic, partition, "offset", timestamp_ms, key, value,
    headers, error_class, message, fingerprint)
SELECT 'table', 't', 0, n, 0, 'k', convert_to(repeat('x', 4096), 'UTF8'), '[]', 'NotJson', 'bad',
    'f' || n %% 3
FROM generate_series(1, %s) AS n
"""


def test_dead_letters_take_no_more_memory_however_many_there_are(
    connection: Connection[Any], database_url: str
) -> None:
    peaks = []
    for count in (2_000, 20_000):
        connection.execute("TRUNCATE dead_letters")
        connection.execute(LETTERS, (count,))
        code = f"from tests.integration.test_traps import spend; spend({database_url!r})"
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] < peaks[0] + 16, f"MiB at most: {peaks}, of 78 MiB of letters"


def spend(url: str) -> None:
    """Look at, export and redrive every letter; prints the memory that took, in MiB."""
    from consumers.redrive import Redrive
    from projections.dead_letter_reads import Selection, each, list_groups, to_line

    with connector(url, "letters")() as connection:
        assert len(list_groups(connection)) == 3
        assert sum(len(to_line(letter)) > 4096 for letter in each(connection, Selection())) > 1_000
        kinds: dict[str, Projection] = {"table": TableProjection(), "stats": StatisticsProjection()}
        assert Redrive(connection, kinds).run(Selection(fingerprint="f1"), canary=False).failed
    print(round(peak_mb(os.getpid())))  # noqa: T201  for the test


def test_statistics_are_not_doubled_by_a_batch_that_is_tried_again(
    connection: Connection[Any], database_url: str
) -> None:
    key = ProjectionKey("stats", "t", "topic-id")
    connect: Callable[[], Connection[Any]] = connector(database_url, "stats")
    log = records([generated("a", bytes=10), failed("b")])
    for _ in range(3):
        # Somebody sets the position back, as a restored backup would.
        connection.execute("UPDATE projection_positions SET next_offset = 0")
        worker = Processor(StatisticsProjection(), key, connect, "stats")
        worker.claim({0})
        processed: Processed = worker.process(batch_of(log))
        assert processed.dead_lettered == ()
        worker.close()
    assert stored_numbers(connection) == five_numbers(expected_rows(log).values())
