"""Sizes, latency, hours, tags and failures by kind, beside the same counted in Python."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from psycopg import Connection

from projections.analytics import Activity, read_activity
from projections.failures import failed_images, read_failures
from projections.image_table import TableProjection
from projections.images import list_generated_images
from projections.projection import Decoded
from projections.statistics import StatisticsProjection
from projections.statistics_reads import Dimension, read_breakdown
from schemas.codec import decode_record
from schemas.record import Record
from tests.support.load import EPOCH, message

pytestmark = pytest.mark.postgres

ERRORS = ("the model answered 503", "no such style", "time is up")


def fields(number: int) -> dict[str, Any]:
    """The request of an image; the latency is told in one way, another, or a silly one."""
    told: list[dict[str, Any]] = [
        {"latency_ms": number * 10},
        {"duration_ms": number + 0.5},
        {"latency_ms": "long"},
        {"latency_ms": 10**400},
        {"latency_ms": -1},
        {},
    ]
    return {
        "request_id": f"r{number}",
        "user_id": f"u{number % 5}",
        "tool_name": ("generateComic", "renderChart")[number % 2],
        "model": ("gemini", None)[number % 2],
        "prompt": "p",
        "size": ("1024x1024", "512x512", None)[number % 3],
        "tags": ["all", f"t{number % 30}"],
        "metadata": told[number % 6],
    }


@pytest.fixture
def filled(connection: Connection[Any]) -> Connection[Any]:
    """A week of images, every fourth a failure, some of which were deleted or came right."""
    events = []
    for number in range(240):
        at = EPOCH + timedelta(minutes=number * 41)
        if number % 4 == 0:
            error = f"{ERRORS[number % 3]} at {number}"
            failed = fields(number) | {"error": error}
            events.append(message("ImageFailed", failed, at, f"f{number}"))
        if number % 4 or number % 40 == 0:
            place = {"storage_url": f"https://x.test/{number}", "storage_provider": "s3"}
            made = fields(number) | place | {"bytes": number * 1000}
            events.append(message("ImageGenerated", made, at, f"e{number}"))
        if number % 60 == 4:
            gone = {"request_id": f"r{number}", "reason": "user"}
            events.append(message("ImageDeleted", gone, at, f"d{number}"))
    decoded = []
    for number, one in enumerate(events):
        record = Record("t", 0, number, 0, one.key, one.value)
        decoded.append(Decoded(record, decode_record(record)))
    with connection.transaction():
        TableProjection().apply(connection, decoded, exclusive=True)
        StatisticsProjection().apply(connection, decoded, exclusive=True)
    return connection


def test_activity_is_what_the_rows_say(filled: Connection[Any]) -> None:
    rows = list_generated_images(filled, 1_000)
    found = read_activity(filled)
    assert (found.images, found.first, found.last) == (
        len(rows),
        rows[-1].created_at,
        rows[0].created_at,
    )
    hours = Counter((row.created_at.isoweekday(), row.created_at.hour) for row in rows)
    assert {(h["weekday"], h["hour"]): h["images"] for h in found.hours} == hours
    tags = Counter(tag for row in rows for tag in row.tags or ())
    assert [one["images"] for one in found.tags] == [n for _, n in tags.most_common(25)]
    assert all(tags[one["tag"]] == one["images"] for one in found.tags)
    sizes = Counter(row.size for row in rows if row.status == "success")
    assert {one["size"]: one["images"] for one in found.sizes} == sizes
    steps = Counter(
        2 ** ((row.bytes or 1).bit_length() - 1) for row in rows if row.bytes is not None
    )
    assert {one["from_bytes"]: one["images"] for one in found.file_sizes} == steps


def test_latency_is_told_by_tool_and_silly_ones_are_left_out(filled: Connection[Any]) -> None:
    rows = list_generated_images(filled, 1_000)
    overall, *by_tool = read_activity(filled).latency
    told = [
        float(ms)
        for row in rows
        if isinstance(ms := row.metadata.get("latency_ms", row.metadata.get("duration_ms")), int)
        or isinstance(ms, float)
        if 0 <= ms <= 86_400_000
    ]
    assert overall["tool_name"] is None
    assert overall["images"] == len(told) == sum(one["images"] for one in by_tool)
    assert overall["max_ms"] == max(told)
    assert overall["p50_ms"] <= overall["p90_ms"] <= overall["p99_ms"] <= overall["max_ms"]
    assert {one["tool_name"] for one in by_tool} == {"generateComic", "renderChart"}


def test_a_time_range_and_a_bound_hold(filled: Connection[Any]) -> None:
    rows = list_generated_images(filled, 1_000)
    since, until = EPOCH + timedelta(days=1), EPOCH + timedelta(days=2)
    inside = [row for row in rows if since <= row.created_at < until]
    assert read_activity(filled, since, until).images == len(inside) > 0
    few = read_activity(filled, max_rows=10)
    assert (few.images, few.last, few.first) == (10, rows[0].created_at, rows[9].created_at)


def test_without_images_there_is_nothing(connection: Connection[Any]) -> None:
    assert read_activity(connection) == Activity(0, None, None, [], [], [], [], [])
    assert read_failures(connection) == []


def test_failures_are_grouped_as_the_statistics_have_them(filled: Connection[Any]) -> None:
    groups = read_failures(filled)
    known = {entry.value: entry for entry in read_breakdown(filled, Dimension.ERROR)}
    assert {group.fingerprint for group in groups} == set(known)
    assert len(groups) == 3
    for group in groups:
        entry = known[group.fingerprint]
        assert (group.label, group.failures) == (entry.label, entry.numbers.failed)
        assert group.users == entry.numbers.unique_users
        assert sum(group.per_day().values()) == group.failures
        assert sum(one["failures"] for one in group.origins) == group.failures
        assert set(group.per_day()) <= {
            EPOCH.date() + timedelta(days=number) for number in range(8)
        }
        images = failed_images(filled, group.requests)
        assert list(images) != []
        newest = max(image.created_at for image in images.values())
        assert newest == group.last
    assert groups == sorted(groups, key=lambda one: (-one.failures, one.fingerprint))


def test_failures_of_a_kind_and_a_range(filled: Connection[Any]) -> None:
    kind = read_failures(filled)[0]
    (alone,) = read_failures(filled, fingerprint=kind.fingerprint, examples=500)
    assert alone.fingerprint == kind.fingerprint
    assert len(alone.requests) == min(20, alone.failures)
    assert read_failures(filled, until=EPOCH) == []
    later = read_failures(filled, EPOCH + timedelta(days=3))
    assert 0 < sum(g.failures for g in later) < sum(g.failures for g in read_failures(filled))
    assert read_failures(filled, limit=1) == [kind]
    assert {group.looked_at for group in read_failures(filled, max_failures=5)} == {5}
