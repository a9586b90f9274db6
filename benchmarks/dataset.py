"""What is measured with: events of about 700 bytes on a topic, and what they come to.

What they come to is said by the tests' judge, which shares no code with the program.
"""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from kafka import KafkaProducer  # type: ignore[import-untyped]  # no type hints
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from benchmarks.place import Place
from consumers.kafka_log import KafkaLogReader
from consumers.kafka_topics import create_topic
from projections.contents import Digest, digest_of_images
from projections.user_keys import provide
from schemas.codec import encode
from schemas.events import ImageGenerated, new_event
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record
from schemas.sealing import SealingKey, cipher_of, seal
from tests.support.checker import Row, expected_poison, expected_rows
from tests.support.statistics import Breakdown, breakdowns_of_rows

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
USERS, TOOLS = 5_000, 8
OUTSTANDING = 20_000
PART = 50_000
COUNTED = (
    *("created_at", "user_id", "tool_name", "model", "storage_provider"),
    *("bytes", "status", "error", "metadata"),
)
"""What the statistics look at."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of what is unusual."""

    poison: float = 0.0
    repeats: float = 0.0
    sealed: bool = False
    scattered: bool = False
    """Whether request ids and URLs come in no order, as most makers of ids have it."""


class Sent(NamedTuple):
    """A record to send."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


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


def event(number: int, scattered: bool = False) -> Any:
    """The event of a number."""
    word = f"{number * 2_654_435_761 % 2**32:08x}-" if scattered else ""
    return new_event(
        ImageGenerated(
            request_id=f"{word}bench-{number:09d}",
            user_id=user(number),
            username="ada",
            tool_name=f"tool{number % TOOLS}",
            prompt=f"A quiet harbour at dusk, number {number}, soft light, soft light",
            model="gemini-3-pro-image-preview",
            size="1024x1024",
            storage_url=f"https://images.test/file-library/{word}{number}.png",
            storage_provider="github",
            mime_type="image/png",
            bytes=400_000 + number % 300_000,
            sha256=f"{number:064x}",
            tags=("portrait",),
            metadata={"seed": number},
        ),
        time=FIRST + timedelta(seconds=number),
        event_id=f"event-{number:09d}",
    )


def user(number: int) -> str:
    """Whose image it is; neighbours are different users'."""
    return f"user{number * 7919 % USERS}"


def sent(count: int, mix: Mix, keys: Mapping[str, SealingKey], seed: int = 1) -> Iterator[Sent]:
    """Records: a repeat follows its event at a distance; poison stands among them."""
    rng = random.Random(seed)
    ciphers = {name: (key.key_id, cipher_of(key.key)) for name, key in keys.items()}
    later: list[Sent] = []
    for number in range(count):
        made = event(number, mix.scattered)
        if mix.sealed:
            made = seal(made, *ciphers[user(number)])
        record = Sent(made.data.request_id.encode(), encode(made), [])
        yield record
        if rng.random() < mix.repeats:
            later.append(record)
        if later and rng.random() < mix.repeats:
            yield later.pop(rng.randrange(len(later)))
        if rng.random() < mix.poison:
            yield Sent(b"poison", b"{no json", [("x-poison", b"1")])
    yield from later


def publish(kafka: KafkaConnection, topic: str, records: Iterable[Sent]) -> tuple[int, int]:
    """Send them all, as fast as it goes; how many, and their bytes."""
    producer = KafkaProducer(
        **kafka.client_arguments(),
        acks="all",
        linger_ms=50,
        batch_size=512 * 1024,
        compression_type="zstd",
    )
    count = size = 0
    for key, value, headers in records:
        last = producer.send(topic, key=key, value=value, headers=headers)
        count, size = count + 1, size + len(value)
        if count % OUTSTANDING == 0:
            last.get(60)
    producer.flush(60)
    producer.close(10)
    return count, size


@cache
def make(place: Place, name: str, count: int, mix: Mix = Mix()) -> Dataset:
    """Send a data set to a topic of its own, and have the judge write its rows."""
    name = f"{name}_{uuid.uuid4().hex[:8]}"
    create_topic(place.kafka, name, partitions=6)
    with place.connect(place.create(f"{name}_empty")) as connection:
        keys = provide(connection, {f"user{n}" for n in range(USERS)} if mix.sealed else ())
    records, size = publish(place.kafka, name, sent(count, mix, keys))
    read = (plain(one) if mix.sealed else one for one in read_all(place.kafka, name))
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


def plain(record: Record) -> Record:
    """The record as it would be without a seal; the judge has no keys."""
    number = int(record.key.rpartition(b"-")[2]) if record.key else 0
    return record._replace(value=encode(event(number)))


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
