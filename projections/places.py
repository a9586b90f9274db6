"""Where images lie: the rows at given URLs, and whether a move has put them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

AT_URLS = """
SELECT i.request_id, i.storage_url, i.storage_provider, i.sha256,
    r.storage_url IS NOT DISTINCT FROM i.storage_url AS moved_here
FROM generated_images i LEFT JOIN image_relocations r ON r.request_id = i.request_id
WHERE i.storage_url = ANY(%s) AND i.status = 'success'
"""
COUNT_AT = """
SELECT count(*), coalesce(sum(bytes), 0) FROM generated_images
WHERE storage_provider = %s AND status = 'success'
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """A row of an image that lies at one of the URLs."""

    request_id: str | None
    storage_url: str
    storage_provider: str | None
    sha256: str | None
    moved_here: bool
    """Its latest ImageMoved says so: no success that is still to come can change it."""


def rows_at(connection: Connection[Any], urls: Sequence[str]) -> list[Placed]:
    """The rows of images at these URLs, in no order."""
    with connection.cursor(row_factory=class_row(Placed)) as reader:
        return reader.execute(AT_URLS, (list(urls),)).fetchall()


def count_at(connection: Connection[Any], provider: str) -> tuple[int, int]:
    """How many images lie at the provider, and their bytes as far as they are known."""
    images, size = connection.execute(COUNT_AT, (provider,)).fetchall()[0]
    return int(images), int(size)
