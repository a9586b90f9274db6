"""Reading images: the document's functions under their own names.

Every function takes a psycopg connection. The newest come first: by created_at, then id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from projections.tables import generated_images

DEFAULT_LIMIT = 50
MAX_LIMIT = 1_000

_COLUMNS = ", ".join(column.name for column in generated_images.columns)
_NEWEST = "ORDER BY created_at DESC, id DESC"

GET = f"SELECT {_COLUMNS} FROM generated_images WHERE id = %s"
GET_OF_REQUEST = f"SELECT {_COLUMNS} FROM generated_images WHERE request_id = %s"
LIST = f"SELECT {_COLUMNS} FROM generated_images {_NEWEST} LIMIT %s OFFSET %s"
LIST_BY_USER = (
    f"SELECT {_COLUMNS} FROM generated_images WHERE user_id = %s {_NEWEST} LIMIT %s OFFSET %s"
)
LIST_BY_TOOL = (
    f"SELECT {_COLUMNS} FROM generated_images WHERE tool_name = %s {_NEWEST} LIMIT %s OFFSET %s"
)
LIST_FAILED = (
    f"SELECT {_COLUMNS} FROM generated_images WHERE status <> 'success' {_NEWEST}"
    " LIMIT %s OFFSET %s"
)
COUNT = "SELECT count(*) FROM generated_images"
STATS = """
SELECT
  COUNT(*) as total_images,
  COUNT(DISTINCT user_id) as unique_users,
  COUNT(*) FILTER (WHERE status = 'success') as successful,
  COUNT(*) FILTER (WHERE status <> 'success') as failed,
  AVG(bytes) as avg_file_size
FROM generated_images;
"""


@dataclass(frozen=True, slots=True)
class GeneratedImageRecord:
    """A row of generated_images."""

    id: int
    request_id: str | None
    user_id: str
    username: str | None
    tool_name: str
    prompt: str
    model: str | None
    size: str | None
    quality: str | None
    style: str | None
    n: int | None
    storage_url: str
    storage_provider: str | None
    mime_type: str | None
    bytes: int | None
    sha256: str | None
    tags: list[str] | None
    status: str
    error: str | None
    metadata: Any
    message_id: str | None
    created_at: datetime
    event_id: str | None


def get_generated_image(connection: Connection[Any], image_id: int) -> GeneratedImageRecord | None:
    """The image of this id; None where there is none."""
    return _one(connection, GET, image_id)


def get_generated_image_metadata(
    connection: Connection[Any], image_id: int
) -> GeneratedImageRecord | None:
    """All that is known of the image of this id, as the document has it: the whole row."""
    return get_generated_image(connection, image_id)


def get_image_of_request(
    connection: Connection[Any], request_id: str
) -> GeneratedImageRecord | None:
    """The image of this request; None where there is none."""
    return _one(connection, GET_OF_REQUEST, request_id)


def list_generated_images(
    connection: Connection[Any], limit: int = DEFAULT_LIMIT, offset: int = 0
) -> list[GeneratedImageRecord]:
    """The newest images. Raises ValueError for a limit outside 1 to 1,000 or a negative offset."""
    return _many(connection, LIST, *_bounds(limit, offset))


def list_generated_images_by_user(
    connection: Connection[Any], user_id: str, limit: int = DEFAULT_LIMIT, offset: int = 0
) -> list[GeneratedImageRecord]:
    """A user's newest images. Raises ValueError as list_generated_images."""
    return _many(connection, LIST_BY_USER, user_id, *_bounds(limit, offset))


def list_generated_images_by_tool(
    connection: Connection[Any], tool_name: str, limit: int = DEFAULT_LIMIT, offset: int = 0
) -> list[GeneratedImageRecord]:
    """A tool's newest images. Raises ValueError as list_generated_images."""
    return _many(connection, LIST_BY_TOOL, tool_name, *_bounds(limit, offset))


def list_failed_generated_images(
    connection: Connection[Any], limit: int = DEFAULT_LIMIT, offset: int = 0
) -> list[GeneratedImageRecord]:
    """The newest failures. Raises ValueError as list_generated_images."""
    return _many(connection, LIST_FAILED, *_bounds(limit, offset))


def get_generated_image_count(connection: Connection[Any]) -> int:
    """How many rows there are."""
    return int(connection.execute(COUNT).fetchall()[0][0])


def stats_query(connection: Connection[Any]) -> dict[str, Any]:
    """The document's stats query over the whole table; the statistics answer without a scan."""
    cursor = connection.execute(STATS)
    names = [column.name for column in cursor.description or ()]
    return dict(zip(names, cursor.fetchall()[0], strict=True))


def checked_limit(limit: int) -> int:
    """The limit. Raises ValueError when it is outside 1 to 1,000."""
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit {limit}: must be 1 to {MAX_LIMIT}")
    return limit


def _bounds(limit: int, offset: int) -> tuple[int, int]:
    checked_limit(limit)
    if not 0 <= offset < 2**63:
        raise ValueError(f"offset {offset}: must be 0 or more")
    return limit, offset


def _one(connection: Connection[Any], query: str, *parameters: Any) -> GeneratedImageRecord | None:
    with connection.cursor(row_factory=class_row(GeneratedImageRecord)) as reader:
        return reader.execute(query, parameters).fetchone()


def _many(connection: Connection[Any], query: str, *parameters: Any) -> list[GeneratedImageRecord]:
    with connection.cursor(row_factory=class_row(GeneratedImageRecord)) as reader:
        return reader.execute(query, parameters).fetchall()
