"""Reading images: the document's statements as they stand, and its functions."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from projections import images
from projections.image_filters import Filters
from projections.image_search import list_page
from projections.image_table import TableProjection
from projections.projection import Decoded
from projections.statistics import StatisticsProjection
from projections.statistics_reads import read_numbers
from schemas.codec import decode_record
from schemas.record import Record
from tests.support.load import EPOCH, Mix, message, mixed_load

pytestmark = pytest.mark.postgres

BY_USER = """
SELECT * FROM generated_images
WHERE user_id = 'user123'
ORDER BY created_at DESC
LIMIT 50;
"""
FAILED = """
SELECT * FROM generated_images
WHERE status <> 'success'
ORDER BY created_at DESC;
"""
BY_TAG = """
SELECT * FROM generated_images
WHERE 'portrait' = ANY(tags)
ORDER BY created_at DESC;
"""
STATS = """
SELECT
  COUNT(*) as total_images,
  COUNT(DISTINCT user_id) as unique_users,
  COUNT(*) FILTER (WHERE status = 'success') as successful,
  COUNT(*) FILTER (WHERE status <> 'success') as failed,
  AVG(bytes) as avg_file_size
FROM generated_images;
"""
USER = "user123"


def apply(connection: Connection[Any], values: list[bytes], first: int = 0) -> None:
    """Project the events into the table and the statistics."""
    events = []
    for number, value in enumerate(values, first):
        record = Record("t", 0, number, 0, b"k", value)
        events.append(Decoded(record, decode_record(record)))
    with connection.transaction():
        TableProjection().apply(connection, events, exclusive=True)
        StatisticsProjection().apply(connection, events, exclusive=True)


@pytest.fixture
def filled(connection: Connection[Any]) -> Connection[Any]:
    """Some images, some of them of one user, many of one moment."""
    values = [one.value for one in mixed_load(300, Mix(poison=0, moves=0.1, deletions=0.1), 3)]
    for number in range(60):
        data = {"request_id": f"mine-{number}", "user_id": USER, "tool_name": "generateComic"}
        data |= {"prompt": "p", "storage_url": "https://x.test/1", "storage_provider": "s3"}
        when = EPOCH + timedelta(hours=number // 20)
        values.append(message("ImageGenerated", data, when, f"mine-{number}").value)
    random.Random(3).shuffle(values)
    apply(connection, values)
    return connection


def as_dicts(connection: Connection[Any], query: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def test_the_documents_statements_run_as_they_stand(filled: Connection[Any]) -> None:
    of_user = as_dicts(filled, BY_USER)
    assert [row["user_id"] for row in of_user] == [USER] * 50
    newest = images.list_generated_images_by_user(filled, USER)
    assert {row["created_at"] for row in of_user} == {image.created_at for image in newest}
    failed = as_dicts(filled, FAILED)
    assert {row["id"] for row in failed} == {
        image.id for image in images.list_failed_generated_images(filled, 1_000)
    }
    assert failed
    tagged = {row["id"] for row in as_dicts(filled, BY_TAG)}
    assert tagged == {i.id for i in list_page(filled, Filters(tag="portrait"), limit=1_000).images}
    (stats,) = as_dicts(filled, STATS)
    assert stats == images.stats_query(filled) == read_numbers(filled)._asdict()


def test_the_functions_agree_with_each_other(filled: Connection[Any]) -> None:
    everything = images.list_generated_images(filled, 1_000)
    assert len(everything) == images.get_generated_image_count(filled)
    keys = [(image.created_at, image.id) for image in everything]
    assert keys == sorted(keys, reverse=True)
    assert images.list_generated_images(filled, 7, 5) == everything[5:12]
    of_tool = images.list_generated_images_by_tool(filled, "generateComic", 1_000)
    assert of_tool == [image for image in everything if image.tool_name == "generateComic"]
    for image in everything[:20]:
        assert images.get_generated_image(filled, image.id) == image
        assert images.get_generated_image_metadata(filled, image.id) == image
        assert images.get_image_of_request(filled, image.request_id or "") == image
    assert images.get_generated_image(filled, 1) is None
    assert images.get_image_of_request(filled, "nobody's") is None


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (1_001, 0), (-1, 0), (10, -1), (1, 2**63)])
def test_limits_and_offsets_are_bounded(
    connection: Connection[Any], limit: int, offset: int
) -> None:
    with pytest.raises(ValueError, match="must be"):
        images.list_generated_images(connection, limit, offset)
