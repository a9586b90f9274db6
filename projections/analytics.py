"""What the sums of the statistics do not tell: sizes, latency, busy hours and tags.

Read from the newest images of a time range, so many at most: the answer says how many it is of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

MAX_ROWS = 50_000
TOP = 25
"""Values of a list that are told: the most frequent ones."""

# A latency is the tool's own word: what is no number, negative or over a day counts as untold.
ACTIVITY = """
WITH sample AS MATERIALIZED (
    SELECT created_at, tool_name, status, size, bytes, tags,
        CASE WHEN jsonb_typeof(metadata->'latency_ms') = 'number'
            THEN (metadata->>'latency_ms')::numeric
            WHEN jsonb_typeof(metadata->'duration_ms') = 'number'
            THEN (metadata->>'duration_ms')::numeric
        END AS told_ms
    FROM generated_images
    WHERE (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
    ORDER BY created_at DESC, id DESC LIMIT %(max_rows)s
), latencies AS (
    SELECT tool_name, told_ms::float8 AS ms FROM sample WHERE told_ms BETWEEN 0 AND 86400000
), hours AS (
    SELECT extract(isodow FROM at)::int AS weekday, extract(hour FROM at)::int AS hour,
        count(*) AS images
    FROM (SELECT created_at AT TIME ZONE 'UTC' AS at FROM sample) AS s
    GROUP BY 1, 2 ORDER BY 1, 2
), tags AS (
    SELECT tag, count(*) AS images FROM sample, unnest(tags) AS tag
    GROUP BY tag ORDER BY images DESC, tag LIMIT %(top)s
), sizes AS (
    SELECT size, count(*) AS images, avg(bytes)::bigint AS avg_bytes FROM sample
    WHERE status = 'success' GROUP BY size ORDER BY images DESC, size LIMIT %(top)s
), steps AS (
    SELECT 1::bigint << (32 - position(B'1' IN greatest(bytes, 1)::bit(32))) AS from_bytes,
        count(*) AS images
    FROM sample WHERE bytes >= 0 GROUP BY 1 ORDER BY 1
), waits AS (
    SELECT tool_name, count(*) AS images, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50_ms,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY ms) AS p90_ms,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99_ms, max(ms) AS max_ms
    FROM latencies GROUP BY GROUPING SETS ((), (tool_name)) HAVING count(*) > 0
    ORDER BY (tool_name IS NULL) DESC, images DESC, tool_name LIMIT %(top)s
)
SELECT (SELECT count(*) FROM sample) AS images,
    (SELECT min(created_at) FROM sample) AS first, (SELECT max(created_at) FROM sample) AS last,
    coalesce((SELECT jsonb_agg(to_jsonb(hours)) FROM hours), '[]') AS hours,
    coalesce((SELECT jsonb_agg(to_jsonb(tags)) FROM tags), '[]') AS tags,
    coalesce((SELECT jsonb_agg(to_jsonb(sizes)) FROM sizes), '[]') AS sizes,
    coalesce((SELECT jsonb_agg(to_jsonb(steps)) FROM steps), '[]') AS file_sizes,
    coalesce((SELECT jsonb_agg(to_jsonb(waits)) FROM waits), '[]') AS latency
"""


@dataclass(frozen=True, slots=True)
class Activity:
    """The newest images of a time range, looked at from several sides."""

    images: int
    """How many this is of; the range may have more when it is ``max_rows``."""
    first: datetime | None
    last: datetime | None
    hours: list[dict[str, Any]]
    """``weekday`` (1 is Monday) and ``hour`` in UTC, and ``images``."""
    tags: list[dict[str, Any]]
    """``tag`` and ``images``, the most frequent first."""
    sizes: list[dict[str, Any]]
    """``size`` in pixels as the tool said, ``images`` and ``avg_bytes``, of successes."""
    file_sizes: list[dict[str, Any]]
    """``from_bytes`` (a power of two, up to twice of it) and ``images``."""
    latency: list[dict[str, Any]]
    """``tool_name`` (None: all), ``images`` that tell it, ``p50_ms``, ``p90_ms``, ``p99_ms`` and
    ``max_ms``; from metadata.latency_ms, else metadata.duration_ms."""


def read_activity(
    connection: Connection[Any],
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    max_rows: int = MAX_ROWS,
) -> Activity:
    """The newest images from ``since`` up to ``until``, at most ``max_rows`` of them.

    Raises psycopg.Error.
    """
    parameters = {"since": since, "until": until, "max_rows": max_rows, "top": TOP}
    with connection.cursor(row_factory=class_row(Activity)) as cursor:
        return cursor.execute(ACTIVITY, parameters, prepare=False).fetchall()[0]
