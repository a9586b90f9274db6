"""Unique users: where a worker's memory, or another's open transaction, could mislead."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from projections.projection import Decoded, NeedExclusive
from projections.statistics import StatisticsProjection
from projections.statistics_reads import Dimension, read_breakdown, read_numbers
from tests.support.load import message
from tests.support.statistics_workers import TABLES, Worker, connections, placed

pytestmark = pytest.mark.postgres

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATIENT, EAGER = 1_000, 1
"""After how many unsettled pairs a worker tries to settle them."""

_offsets = itertools.count()


def made(request_id: str, partition: int = 0, tool: str = "renderChart") -> Decoded:
    """Ada made an image."""
    data = {"request_id": request_id, "user_id": "ada", "tool_name": tool, "prompt": "p"}
    data |= {"storage_url": "https://x.test/1.png", "storage_provider": "github"}
    return placed(message("ImageGenerated", data, NOON, f"{request_id}-made"), partition, _next())


def failed(request_id: str, partition: int = 0) -> Decoded:
    """Ada did not get an image."""
    data = {"request_id": request_id, "user_id": "ada", "tool_name": "renderChart", "prompt": "p"}
    data |= {"error": "out of paint"}
    earlier = NOON - timedelta(hours=1)
    return placed(message("ImageFailed", data, earlier, f"{request_id}-no"), partition, _next())


def deleted(request_id: str, partition: int = 0) -> Decoded:
    """The request's image was deleted."""
    data = {"request_id": request_id, "reason": "erasure"}
    return placed(message("ImageDeleted", data, NOON, f"{request_id}-gone"), partition, _next())


def _next() -> int:
    return next(_offsets)


@pytest.fixture
def pair(database_url: str) -> Iterator[list[Connection[Any]]]:
    """Two connections that never wait long."""
    with connections(database_url, 2) as opened:
        yield opened


def done(worker: Worker, *events: Decoded, exclusive: bool = False) -> None:
    """Apply in one transaction, and commit."""
    worker.apply(events, exclusive=exclusive)
    worker.commit()


def users(connection: Connection[Any]) -> int:
    """Unique users over all images."""
    return read_numbers(connection).unique_users


def rows(connection: Connection[Any], table: str) -> int:
    """How many rows a table has."""
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  constants
    assert row is not None
    return int(row[0])


def test_a_member_that_this_worker_removed_is_added_again(pair: list[Connection[Any]]) -> None:
    worker = Worker(pair[0], StatisticsProjection(EAGER))
    done(worker, made("a"))
    done(worker, deleted("a"))
    assert (users(pair[1]), rows(pair[1], "statistics_members")) == (0, 0)
    done(worker, made("b"))
    assert users(pair[1]) == 1


def test_a_member_that_another_worker_removed_is_added_again(pair: list[Connection[Any]]) -> None:
    mine = Worker(pair[0], StatisticsProjection(PATIENT))
    other = Worker(pair[1], StatisticsProjection(EAGER))
    done(mine, made("a"))
    done(mine, deleted("a"))
    assert rows(pair[0], "statistics_members") > 0
    done(other, made("z", 1, "generateComic"), deleted("z", 1))
    assert (users(pair[0]), rows(pair[0], "statistics_members")) == (0, 0)
    done(mine, made("b"))
    assert users(pair[0]) == 1


def test_no_member_is_removed_while_another_worker_may_rely_on_it(
    pair: list[Connection[Any]],
) -> None:
    eager = Worker(pair[0], StatisticsProjection(EAGER))
    other = Worker(pair[1], StatisticsProjection(PATIENT))
    done(other, made("b1", 1))
    done(eager, made("a1"))
    done(other, deleted("b1", 1))
    other.apply([made("b2", 1)])
    done(eager, deleted("a1"))
    assert users(pair[0]) == 0
    other.commit()
    assert users(pair[0]) == 1


def test_what_was_rolled_back_is_not_remembered(pair: list[Connection[Any]]) -> None:
    worker = Worker(pair[0], StatisticsProjection())
    worker.apply([made("a")])
    worker.rollback()
    done(worker, made("a"))
    assert users(pair[1]) == 1


def test_users_seen_for_the_first_time_by_two_workers_at_once_count_once(
    pair: list[Connection[Any]],
) -> None:
    workers = [Worker(connection, StatisticsProjection()) for connection in pair]
    for partition, worker in enumerate(workers):
        worker.apply([made(f"r{partition}", partition)])
    for number, worker in enumerate(workers, 1):
        worker.commit()
        numbers = read_numbers(pair[0])
        assert (numbers.total_images, numbers.unique_users) == (number, 1)
    assert rows(pair[0], "statistics_unsettled") == 5


def test_too_much_unsettled_calls_for_a_batch_that_is_alone(pair: list[Connection[Any]]) -> None:
    patient = Worker(pair[0], StatisticsProjection(PATIENT, max_unsettled=5))
    done(patient, made("a"))
    done(patient, deleted("a"))
    with pytest.raises(NeedExclusive):
        patient.apply([made("b")])
    done(patient, made("b", tool="generateComic"), exclusive=True)
    assert rows(pair[1], "statistics_unsettled") == 0
    assert [entry.value for entry in read_breakdown(pair[1], Dimension.TOOL)] == ["generateComic"]
    assert users(pair[1]) == 1


def test_a_failure_that_succeeds_later_leaves_the_errors(pair: list[Connection[Any]]) -> None:
    worker = Worker(pair[0], StatisticsProjection(EAGER))
    done(worker, failed("a"), failed("b"))
    (entry,) = read_breakdown(pair[1], Dimension.ERROR)
    assert (entry.label, entry.numbers.failed, entry.numbers.unique_users) == ("out of paint", 2, 1)
    done(worker, made("a"))
    (entry,) = read_breakdown(pair[1], Dimension.ERROR)
    assert (entry.numbers.failed, entry.numbers.unique_users) == (1, 1)
    done(worker, made("b"))
    assert read_breakdown(pair[1], Dimension.ERROR) == []


def test_a_user_without_images_leaves_no_trace_once_settled(pair: list[Connection[Any]]) -> None:
    worker = Worker(pair[0], StatisticsProjection(EAGER))
    done(worker, made("a"), failed("b"))
    done(worker, deleted("a"), deleted("b"))
    for table in TABLES:
        contents = pair[1].execute(f"SELECT t::text FROM {table} t").fetchall()  # noqa: S608  constants
        assert "ada" not in str(contents)
        assert "out of paint" not in str(contents)


def test_a_shadow_schema_has_statistics_of_its_own(
    pair: list[Connection[Any]], connection: Connection[Any]
) -> None:
    live = Worker(pair[0], StatisticsProjection())
    done(live, made("a"))
    connection.execute("CREATE SCHEMA shadow")
    for table in TABLES:
        connection.execute(f"CREATE TABLE shadow.{table} (LIKE {table} INCLUDING ALL)")
    pair[1].execute("SET search_path TO shadow")
    live.apply([made("b")])
    done(Worker(pair[1], StatisticsProjection()), made("a"), made("c"), made("d"))
    live.commit()
    assert read_numbers(pair[0]).total_images == 2
    assert read_numbers(pair[1]).total_images == 3
    assert rows(connection, "statistics_unsettled") == 0
