"""What is measured with: events of about 700 bytes on a topic, and what they come to.

What they come to is said by the tests' judge, which shares no code with the program.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from benchmarks.events import CLEAN, USERS, Mix, event, publish, sent
from benchmarks.place import Place
from consumers.kafka_log import KafkaLogReader
from consumers.kafka_topics import create_topic
from projections.contents import Digest, digest_of_images
from projections.user_keys import provide
from schemas.codec import encode
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record
from tests.support.checker import Row, expected_poison, expected_rows
from tests.support.statistics import Breakdown, breakdowns_of_rows

PART = 50_000
COUNTED = (
    *("created_at", "user_id", "tool_name", "model", "storage_provider"),
    *("bytes", "status", "error", "metadata"),
)
"""What the statistics look at."""


@dataclass(slots=True)
class Dataset:
    """A topic, and the truth about it."""

    topic: str
    records: int
    bytes: int
    """Of the values."""
    rows: int
    poison: int
    empty: str
    """A database with the tables, and the users' keys."""
    expected: str
    """A database in which every row stands, as the judge says."""
    digest: Digest
    breakdowns: dict[str, Breakdown] = field(repr=False)


@cache
def make(place: Place, name: str, count: int, mix: Mix = CLEAN) -> Dataset:
    """Send a data set to a topic of its own, and have the judge write its rows."""
    name = f"{name}_{uuid.uuid4().hex[:8]}"
    create_topic(place.kafka, name, partitions=6)
    with place.connect(place.create(f"{name}_empty")) as connection:
        keys = provide(connection, {f"user{n}" for n in range(USERS)} if mix.sealed else ())
    records, size = publish(place.kafka, name, sent(count, mix, keys))
    read = (plain(one, mix) if mix.sealed else one for one in read_all(place.kafka, name))
    with place.connect(place.create(f"{name}_expected")) as connection:
        rows, poison = judge(connection, read, sys.maxsize if mix.repeats else PART)
        connection.execute("VACUUM (ANALYZE, FREEZE) generated_images")
        digest = digest_of_images(connection)
    names = (f"{name}_empty", f"{name}_expected")
    judged = breakdowns_of_rows(rows)
    return Dataset(name, records, size, len(rows), poison, *names, digest, judged)


def check_table(here: Place, empty: str) -> None:
    """The table is what the judge says of the topic; ``empty``: a database with nothing in it."""
    with here.connect() as connection:
        found = digest_of_images(connection)
    with here.copy(empty, here.topic) as truth, truth.connect() as connection:
        judge(connection, read_all(here.kafka, here.topic), PART)
        assert found == digest_of_images(connection), f"{here.topic}: the table is wrong"


def judge(
    connection: Connection[Any], records: Iterator[Record], part: int
) -> tuple[list[Row], int]:
    """Write the rows as the judge says, so many records at a time; what is counted of each row.

    And how many are poison. Events of a request must not be in different parts.
    """
    counted: list[Row] = []
    poison = 0
    while some := list(islice(records, part)):
        rows = list(expected_rows(some).values())
        write(connection, rows)
        counted += [{name: row[name] for name in COUNTED} for row in rows]
        poison += len(expected_poison(some))
    return counted, poison


def plain(record: Record, mix: Mix) -> Record:
    """The record as it would be without a seal; the judge has no keys."""
    number = int(record.key.rpartition(b"-")[2]) if record.key else 0
    return record._replace(value=encode(event(number, mix.scattered)))


def read_all(kafka: KafkaConnection, topic: str) -> Iterator[Record]:
    """Every record of a topic."""
    reader = KafkaLogReader(kafka, topic)
    end = reader.describe().end
    for records in reader.read(dict.fromkeys(end, 0), end):
        yield from records
    reader.close()


def write(connection: Connection[Any], rows: Sequence[Row]) -> None:
    """The judge's rows, by psycopg's own means."""
    columns = list(rows[0])
    copied = sql.SQL("COPY generated_images ({}) FROM STDIN").format(
        sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(copied) as copy:
        for row in rows:
            metadata = row["metadata"] and Jsonb(row["metadata"])
            copy.write_row(tuple((row | {"metadata": metadata})[name] for name in columns))
