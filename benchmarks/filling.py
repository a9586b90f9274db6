"""A table of any size with its statistics, made by the server itself.

The rows are like those of the data sets, and as large: were they larger, each of their pages would
have room for a smaller one, and new rows would be spread over all of them. 10,000 a day before the
data sets begin; request ids and URLs come in no order.
"""

from __future__ import annotations

from benchmarks.bounds import drop_indexes
from benchmarks.events import FIRST, TOOLS, USERS
from benchmarks.place import Place

TABLES = ("generated_images", "statistics_requests", "statistics_members", "statistics_sums")

# Places of partitions that no data set's topic has, so that no id is met twice.
ROWS = f"""
INSERT INTO generated_images (id, request_id, user_id, username, tool_name, prompt, model, size,
    storage_url, storage_provider, mime_type, bytes, sha256, tags, metadata, created_at, event_id)
SELECT 4294967296 + n / 6 * 1024 + 6 + mod(n, 6), left(md5(n::text), 8) || '-' || n,
    'user' || mod(n * 7919, {USERS}), 'ada', 'tool' || mod(n, {TOOLS}),
    'A quiet harbour at dusk, number ' || n || ', soft light, soft light',
    'gemini-3-pro-image-preview', '1024x1024',
    'https://images.test/file-library/' || left(md5(n::text), 8) || '-' || n || '.png', 'github',
    'image/png',
    400000 + mod(n, 300000), encode(sha256(n::text::bytea), 'hex'), ARRAY['portrait'],
    jsonb_build_object('seed', n), %(first)s - (%(count)s - n) * interval '8.64 s',
    'event-' || lpad(n::text, 9, '0')
FROM generate_series(0, %(count)s::bigint - 1) AS n
"""  # noqa: S608  constants of this project

REQUESTS = """
INSERT INTO statistics_requests
    (request_id, outcome_time, event_id, user_id, tool_name, model, storage_provider, bytes)
SELECT request_id, created_at, event_id, user_id, tool_name, model, storage_provider, bytes
FROM generated_images
"""

CELLS = """
CREATE TEMPORARY TABLE cells AS
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, tool_name, model, storage_provider, user_id,
    count(*) AS total, sum(bytes) AS bytes
FROM generated_images GROUP BY 1, 2, 3, 4, 5
"""

BUCKETS = """
LATERAL (VALUES ('total'), ('day=' || day), ('tool=' || tool_name), ('model=' || model),
    ('provider=' || storage_provider)
"""

MEMBERS = f"""
INSERT INTO statistics_members SELECT DISTINCT bucket, user_id FROM cells, {BUCKETS}) AS b (bucket)
"""  # noqa: S608  constants of this module

SUMS = f"""
INSERT INTO statistics_sums (bucket, shard, total, failed, bytes_sum, bytes_count, unique_users)
SELECT bucket, 0, sum(total), 0, sum(bytes), sum(total), 0
FROM cells, {BUCKETS}, ('user=' || user_id)) AS b (bucket) GROUP BY bucket
"""  # noqa: S608  constants of this module

UNIQUE = """
UPDATE statistics_sums AS s SET unique_users = m.users
FROM (SELECT bucket, count(*) AS users FROM statistics_members GROUP BY bucket) AS m
WHERE m.bucket = s.bucket
"""


def fill(place: Place, name: str, count: int) -> str:
    """A database with so many rows, and nothing that it was told by a topic; its name."""
    with place.connect(place.create(name)) as connection:
        indexes = [made for table in TABLES for made in drop_indexes(connection, table)]
        connection.execute(ROWS, {"count": count, "first": FIRST})
        for statement in (REQUESTS, CELLS, MEMBERS, SUMS, UNIQUE):
            connection.execute(statement)
        connection.execute("SET maintenance_work_mem = '512MB'")
        for made in indexes:
            connection.execute(made)
        connection.execute("VACUUM (ANALYZE, FREEZE)")
    return name
