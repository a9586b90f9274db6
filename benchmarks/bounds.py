"""What the machine can do at best, with the same rows, indexes and server settings.

C1: binary COPY of ready rows into the indexed table, a transaction for each 5,000. C2: COPY into
the table without indexes, which are built afterwards. C3: draining the topic with kafka-python,
nothing decoded. R1: the round trip of ``SELECT 1``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # no type hints
from psycopg import Connection, sql

from benchmarks.dataset import Dataset
from benchmarks.place import Place
from projections.image_sql import COPY_ROWS

BATCH = 5_000
COPY_OUT = COPY_ROWS.replace("FROM STDIN", "TO STDOUT")
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
"""Of the binary format, as the manual's page of COPY has it."""

INDEXES = """
SELECT indexname, indexdef, (SELECT contype FROM pg_constraint WHERE conname = indexname)
FROM pg_indexes WHERE tablename = %s
"""


def ready_rows(place: Place, data: Dataset) -> list[bytes]:
    """The data set's rows as COPY takes them, in the order in which they are in the table."""
    url = place.url_of(data.expected)
    with place.connect(url) as connection, connection.cursor().copy(COPY_OUT) as copy:
        rows = [bytes(row) for row in copy]
    rows[0] = rows[0].removeprefix(HEADER)
    return [row for row in rows if row and row != TRAILER]


def batches(rows: list[bytes]) -> Iterator[bytes]:
    """What is sent for each batch."""
    for start in range(0, len(rows), BATCH):
        yield b"".join((HEADER, *rows[start : start + BATCH], TRAILER))


def _copy(connection: Connection[Any], rows: list[bytes]) -> None:
    for batch in batches(rows):
        with connection.transaction(), connection.cursor().copy(COPY_ROWS) as copy:
            copy.write(batch)


def c1(place: Place, data: Dataset, rows: list[bytes]) -> float:
    """Rows per second."""
    with place.copy(data.empty, data.topic) as here, here.connect() as connection:
        began = time.perf_counter()
        _copy(connection, rows)
        return len(rows) / (time.perf_counter() - began)


def c2(place: Place, data: Dataset, rows: list[bytes]) -> float:
    """Rows per second, the building of the indexes included."""
    with place.copy(data.empty, data.topic) as here, here.connect() as connection:
        definitions = drop_indexes(connection, "generated_images")
        began = time.perf_counter()
        _copy(connection, rows)
        for definition in definitions:
            connection.execute(definition)
        return len(rows) / (time.perf_counter() - began)


def drop_indexes(connection: Connection[Any], table: str) -> list[str]:
    """Drop all of a table's; the statements that make them again."""
    found = connection.execute(INDEXES, (table,)).fetchall()
    for name, _, constraint in found:
        dropped = f"ALTER TABLE {table} DROP CONSTRAINT {{}}" if constraint else "DROP INDEX {}"
        connection.execute(sql.SQL(dropped).format(sql.Identifier(name)))
    return [definition for _, definition, _ in found]


def c3(place: Place, data: Dataset) -> float:
    """Records per second."""
    consumer = KafkaConsumer(
        bootstrap_servers=place.kafka.servers, enable_auto_commit=False, max_poll_records=BATCH
    )
    parts = [TopicPartition(data.topic, number) for number in range(6)]
    consumer.assign(parts)
    consumer.seek_to_beginning(*parts)
    taken = first = 0
    began = time.perf_counter()
    while taken < data.records:
        taken += sum(map(len, consumer.poll(timeout_ms=1_000).values()))
        # The first answer starts the clock, unless it is all there is.
        if not first and taken < data.records:
            first, began = taken, time.perf_counter()
    rate = (taken - first) / (time.perf_counter() - began)
    consumer.close()
    return rate


def r1(place: Place, times: int = 2_000) -> float:
    """Milliseconds, the median."""
    with place.connect() as connection:
        took = []
        for _ in range(times):
            began = time.perf_counter()
            connection.execute("SELECT 1")
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1_000
