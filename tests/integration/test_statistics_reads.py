"""Reading the statistics, beside the document's own query over the table."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from projections.image_table import TableProjection
from projections.statistics import StatisticsProjection
from projections.statistics_reads import (
    NOTHING,
    Dimension,
    Numbers,
    read_breakdown,
    read_days,
    read_numbers,
)
from tests.support.load import Mix, message, mixed_load
from tests.support.statistics_workers import placed

pytestmark = pytest.mark.postgres

THE_DOCUMENTS_QUERY = """
SELECT
  COUNT(*) as total_images,
  COUNT(DISTINCT user_id) as unique_users,
  COUNT(*) FILTER (WHERE status = 'success') as successful,
  COUNT(*) FILTER (WHERE status <> 'success') as failed,
  AVG(bytes) as avg_file_size
FROM generated_images;
"""
BUSY = Mix(duplicates=0.1, failures=0.3, moves=0.2, deletions=0.1, poison=0)


def the_documents_numbers(connection: Connection[Any]) -> Numbers:
    """What the document's stats query says."""
    return Numbers(*connection.execute(THE_DOCUMENTS_QUERY).fetchall()[0])


def test_without_events_there_is_nothing(connection: Connection[Any]) -> None:
    assert read_numbers(connection) == the_documents_numbers(connection) == NOTHING
    assert all(read_breakdown(connection, dimension) == [] for dimension in Dimension)


def test_the_documents_query_says_the_same_after_every_batch(connection: Connection[Any]) -> None:
    events = [placed(one, 0, number) for number, one in enumerate(mixed_load(1_500, BUSY, seed=3))]
    statistics, table = StatisticsProjection(), TableProjection()
    for at in range(0, len(events), 250):
        with connection.transaction():
            statistics.apply(connection, events[at : at + 250])
            table.apply(connection, events[at : at + 250], exclusive=True)
        numbers, expected = read_numbers(connection), the_documents_numbers(connection)
        assert numbers == expected
        assert str(numbers.avg_file_size) == str(expected.avg_file_size)


def one_image(number: int, user: str, time: datetime) -> Any:
    """An event of a request of its own."""
    data = {"request_id": f"r{number}", "user_id": user, "tool_name": "renderChart", "prompt": "p"}
    data |= {"storage_url": "https://x.test/1.png", "storage_provider": "github"}
    return placed(message("ImageGenerated", data, time, f"e{number}"), 0, number)


def test_breakdowns_begin_with_the_most_images_and_end_at_the_limit(
    connection: Connection[Any],
) -> None:
    users = ["c"] * 2 + ["a"] * 2 + ["b"] * 3 + ["d"]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    with connection.transaction():
        events = [one_image(number, user, now) for number, user in enumerate(users)]
        StatisticsProjection().apply(connection, events)
    entries = read_breakdown(connection, Dimension.USER, limit=3)
    assert [entry.value for entry in entries] == ["b", "a", "c"]
    assert [entry.numbers.total_images for entry in entries] == [3, 2, 2]
    assert all(entry.numbers.unique_users == 1 for entry in entries)


def test_days_are_days_in_utc_and_come_in_their_order(connection: Connection[Any]) -> None:
    connection.execute("SET TimeZone TO 'Pacific/Kiritimati'")
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    times = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(days=9)]
    projection = StatisticsProjection()
    for _ in range(2):
        with connection.transaction():
            events = [one_image(number, "ada", time) for number, time in enumerate(times)]
            projection.apply(connection, events)
    days = [entry.value for entry in read_breakdown(connection, Dimension.DAY)]
    assert days == ["2026-11-22", "2026-11-23", "2026-12-02"]
    first, last = date(2026, 11, 23), date(2026, 12, 2)
    assert [entry.value for entry in read_days(connection, first, last)] == days[1:]
    assert [entry.value for entry in read_days(connection, first, first)] == days[1:2]
