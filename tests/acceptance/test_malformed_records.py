"""A million bytes of malformed records, mixed with good ones, through real workers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # kafka-python has no type hints
from kafka.admin import NewTopic  # type: ignore[import-untyped]  # same
from psycopg import Connection

from consumers.kafka_log import KafkaLogReader
from projections.positions import read_positions
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record
from tests.support.checker import (
    actual_rows,
    differences,
    expected_rows,
    five_numbers,
)
from tests.support.load import Message, Mix, mixed_load
from tests.support.malformed import malformed_values
from tests.support.processes import WorkerProcess
from tests.support.sending import AnyMessage, send
from tests.support.statistics import stored_numbers
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka, pytest.mark.postgres]

BYTES = 1_000_000
POISON = "x-poison"

DEAD = """
SELECT partition, "offset", error_class, key, value, state, attempts
FROM dead_letters WHERE projection = %s
"""


def malformed_messages() -> Iterator[AnyMessage]:
    """Every kind at least once, and over again until it is a million bytes without the huge."""
    for bad in malformed_values(huge=True):
        yield message_of(bad.key, bad.value, bad.error_class)
    total = 0
    for bad in cycle(malformed_values(huge=False)):
        yield message_of(bad.key, bad.value, bad.error_class)
        total += len(bad.value or b"")
        if total >= BYTES:
            return


def message_of(key: bytes | None, value: bytes | None, error_class: str) -> AnyMessage:
    return AnyMessage(key, value, ((POISON, error_class.encode()),))


@pytest.fixture
def roomy_topic(kafka_server: str, topic_name: str) -> str:
    """A topic that takes records larger than events may be."""
    admin = KafkaAdminClient(bootstrap_servers=kafka_server)
    settings = {"max.message.bytes": str(8 * 2**20)}
    admin.create_topics([NewTopic(topic_name, 6, 1, topic_configs=settings)])
    admin.wait_for_topics([topic_name])
    admin.close()
    return topic_name


def test_each_malformed_record_is_set_aside_whole_and_every_good_one_lands(
    connection: Connection[Any],
    kafka_server: str,
    roomy_topic: str,
    database_url: str,
    tmp_path: Path,
) -> None:
    messages: list[Message | AnyMessage] = [*malformed_messages()]
    messages += mixed_load(5_000, Mix(poison=0), seed=9)
    random.Random(9).shuffle(messages)
    environment = {
        "OMEGA_KAFKA_BOOTSTRAP_SERVERS": kafka_server,
        "OMEGA_DATABASE_URL": database_url,
        "OMEGA_TOPIC": roomy_topic,
    }
    with ExitStack() as stack:
        for name in ("table", "stats"):
            stack.enter_context(WorkerProcess(name, environment, tmp_path / f"{name}.log"))
        send(kafka_server, roomy_topic, messages)
        reader = KafkaLogReader(KafkaConnection(kafka_server), roomy_topic)
        stack.callback(reader.close)
        end = dict(reader.describe().end)
        for name in ("table", "stats"):
            arrived = partial(at_the_end, connection, name, roomy_topic, end)
            eventually(arrived, timeout_s=90, what=f"{name} at the end")
        records = [one for batch in reader.read(dict.fromkeys(end, 0), end) for one in batch]
    assert len(records) == len(messages)
    expected = expected_rows(records)
    assert differences(expected, actual_rows(connection)) == []
    assert stored_numbers(connection) == five_numbers(expected.values())
    for name in ("table", "stats"):
        assert_set_aside(connection, name, records)


def at_the_end(connection: Connection[Any], name: str, topic: str, end: Mapping[int, int]) -> bool:
    return read_positions(connection, name, topic) == end


def assert_set_aside(connection: Connection[Any], name: str, records: list[Record]) -> None:
    """Exactly the malformed ones, once each, for the reason they were made for, byte for byte."""
    wanted = Counter(
        (r.partition, r.offset, dict(r.headers)[POISON].decode(), r.key, r.value, "open", 1)
        for r in records
        if r.headers and r.headers[0][0] == POISON
    )
    found = Counter(connection.execute(DEAD, (name,)).fetchall())
    assert sum(len(value or b"") for *_, value, _, _ in wanted) > BYTES
    assert found == wanted
