"""The image table's projection on a real Postgres: any delivery comes to the same tables."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from projections.image_table import TableProjection
from projections.pipelining import pipeline
from projections.planning import plan_by_key
from projections.projection import Decoded
from schemas.codec import decode_record
from schemas.record import Record
from tests.support.checker import actual_rows, differences, expected_rows
from tests.support.load import Message, Mix, mixed_load

pytestmark = pytest.mark.postgres

TABLES = ("generated_images", "image_relocations", "deleted_images")
BUSY = Mix(duplicates=0.2, failures=0.3, moves=0.3, deletions=0.1, poison=0)


def records_of(messages: Iterable[Message], partitions: int = 3) -> list[Record]:
    """The messages as they would stand in a topic; requests do not keep to one partition."""
    ends = [0] * partitions
    records = []
    for number, message in enumerate(messages):
        partition = number % partitions
        records.append(
            Record("t", partition, ends[partition], 0, message.key, message.value, message.headers)
        )
        ends[partition] += 1
    return records


def decoded(records: Iterable[Record]) -> list[Decoded]:
    """With the event of each."""
    return [Decoded(record, decode_record(record)) for record in records]


def contents(connection: Connection[Any]) -> list[list[tuple[Any, ...]]]:
    """Every table, as text, in the order of request ids."""
    return [
        connection.execute(f"SELECT t::text FROM {table} t ORDER BY request_id").fetchall()  # noqa: S608  constants
        for table in TABLES
    ]


def apply_in(
    connection: Connection[Any],
    batches: Iterable[Sequence[Decoded]],
    in_pipeline: Callable[[], bool] = lambda: False,
) -> None:
    """Each batch in a transaction of its own; in a pipeline, where there is no COPY, or not."""
    projection = TableProjection()
    for batch in batches:
        with (
            connection.transaction(),
            pipeline(connection) if in_pipeline() else nullcontext(),
        ):
            projection.apply(connection, batch, exclusive=True)


def emptied(connection: Connection[Any]) -> None:
    connection.execute("TRUNCATE generated_images, image_relocations, deleted_images")


def cut(events: Sequence[Decoded], rng: random.Random) -> list[Sequence[Decoded]]:
    """Random batches."""
    batches = []
    start = 0
    while start < len(events):
        end = start + rng.randint(1, 15)
        batches.append(events[start:end])
        start = end
    return batches


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10**6), rng=st.randoms(use_true_random=False))
def test_any_order_duplication_and_cut_comes_to_the_same_tables(
    connection: Connection[Any], seed: int, rng: random.Random
) -> None:
    records = records_of(mixed_load(30, BUSY, seed))
    events = decoded(records)
    emptied(connection)
    apply_in(connection, [events])
    at_once = contents(connection)
    assert differences(expected_rows(records), actual_rows(connection)) == []
    delivered = events + rng.sample(events, k=len(events) // 4)
    rng.shuffle(delivered)
    emptied(connection)
    apply_in(connection, cut(delivered, rng), lambda: rng.random() < 0.5)
    assert contents(connection) == at_once


def test_a_row_that_no_event_made_gives_way_to_its_event_and_keeps_its_id(
    connection: Connection[Any],
) -> None:
    records = records_of(mixed_load(1, Mix(0, 0, 0, 0), 1))
    request_id = expected_rows(records).popitem()[0]
    insert = (
        "INSERT INTO generated_images (request_id, user_id, prompt, storage_url)"
        " VALUES (%s, 'by-hand', 'p', '/x') RETURNING id"
    )
    row = connection.execute(insert, (request_id,)).fetchone()
    assert row is not None
    apply_in(connection, [decoded(records)])
    expected = expected_rows(records)
    expected[request_id]["id"] = row[0]
    assert differences(expected, actual_rows(connection)) == []


@pytest.mark.parametrize("analysed", [False, True])
def test_touched_rows_are_found_by_key_even_on_a_young_table(
    connection: Connection[Any], analysed: bool
) -> None:
    from projections import image_sql as sql  # the statements as the projection sends them

    apply_in(connection, [decoded(records_of(mixed_load(3000, BUSY, 3)))])
    if analysed:
        connection.execute("ANALYZE")
    for statement, indexes in (
        (sql.LOAD_ROWS, ["idx_generated_images_request_id"]),
        (sql.LOAD_BESIDE, ["image_relocations_pkey", "deleted_images_pkey"]),
    ):
        with connection.transaction():
            plan_by_key(connection)
            keys = [f"req-3-{n:08d}" for n in range(1000)]
            plan = connection.execute("EXPLAIN " + statement, {"keys": keys}).fetchall()
        text = "\n".join(line[0] for line in plan)
        assert all(re.search(rf"Index Scan (using|on) {one}", text) for one in indexes), text
        assert "Seq Scan" not in text, text
