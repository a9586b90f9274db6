"""The statements of the statistics; tables are found on the search_path."""

STANDING = """
SELECT coalesce((SELECT generation FROM statistics_generation), 0),
    (SELECT count(*) FROM (SELECT FROM statistics_unsettled LIMIT %s) AS u)
"""

LOAD_REQUESTS = """
SELECT request_id, outcome_time, event_id, user_id, tool_name, model, storage_provider, bytes,
    error_fingerprint, move_time, move_event_id, move_provider, move_bytes, deleted
FROM statistics_requests WHERE request_id = ANY(%b::text[]) ORDER BY request_id FOR UPDATE
"""

DELETE_REQUESTS = "DELETE FROM statistics_requests WHERE request_id = ANY(%b::text[])"

COPY_REQUESTS = """
COPY statistics_requests (request_id, outcome_time, event_id, user_id, tool_name, model,
    storage_provider, bytes, error_fingerprint, move_time, move_event_id, move_provider,
    move_bytes, deleted) FROM STDIN (FORMAT binary)
"""

# For a few rows, and in a pipeline; a JSON array of objects with the columns' names.
INSERT_REQUESTS = """
INSERT INTO statistics_requests (request_id, outcome_time, event_id, user_id, tool_name, model,
    storage_provider, bytes, error_fingerprint, move_time, move_event_id, move_provider,
    move_bytes, deleted)
SELECT request_id, outcome_time, event_id, user_id, tool_name, model, storage_provider, bytes,
    error_fingerprint, move_time, move_event_id, move_provider, move_bytes, deleted
FROM json_to_recordset(%s::json) AS r (request_id text, outcome_time timestamptz, event_id text,
    user_id text, tool_name text, model text, storage_provider text, bytes int,
    error_fingerprint text, move_time timestamptz, move_event_id text, move_provider text,
    move_bytes int, deleted bool)
"""

ADD_TO_SUMS = """
INSERT INTO statistics_sums AS s
    (bucket, shard, total, failed, bytes_sum, bytes_count, unique_users, label)
SELECT bucket, %s, total, failed, bytes_sum, bytes_count, unique_users, label
FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[],
    %b::text[]) AS d (bucket, total, failed, bytes_sum, bytes_count, unique_users, label)
ORDER BY bucket
ON CONFLICT (bucket, shard) DO UPDATE SET
    total = s.total + excluded.total,
    failed = s.failed + excluded.failed,
    bytes_sum = s.bytes_sum + excluded.bytes_sum,
    bytes_count = s.bytes_count + excluded.bytes_count,
    unique_users = s.unique_users + excluded.unique_users,
    label = coalesce(s.label, excluded.label)
"""

LABELS = """
SELECT substr(bucket, 7), max(label) FROM statistics_sums
WHERE bucket LIKE 'error=%' AND label IS NOT NULL GROUP BY bucket
"""

SWEEP_SUMS = """
DELETE FROM statistics_sums AS s WHERE s.bucket = ANY(%b::text[])
    AND (SELECT sum(o.total) FROM statistics_sums AS o WHERE o.bucket = s.bucket) = 0
"""

# Whoever has this lock is the only one to add members until it commits, so adding never waits.
TRY_LOCK_MEMBERS = """
SELECT pg_try_advisory_xact_lock(
    hashtextextended('omega-images/' || current_schema() || '/stats/members', 0))
"""

ADD_MEMBERS = """
WITH added AS (
    INSERT INTO statistics_members (bucket, user_id)
    SELECT bucket, user_id FROM unnest(%b::text[], %b::text[]) AS p (bucket, user_id)
    ORDER BY bucket, user_id
    ON CONFLICT DO NOTHING RETURNING bucket
)
SELECT bucket, count(*) FROM added GROUP BY bucket
"""

REMOVE_MEMBERS = """
WITH removed AS (
    DELETE FROM statistics_members AS m
    USING unnest(%b::text[], %b::text[]) AS p (bucket, user_id)
    WHERE m.bucket = p.bucket AND m.user_id = p.user_id
    RETURNING m.bucket
)
SELECT bucket, -count(*) FROM removed GROUP BY bucket
"""

ADD_UNSETTLED = """
INSERT INTO statistics_unsettled (bucket, user_id, shard)
SELECT bucket, user_id, %s FROM unnest(%b::text[], %b::text[]) AS p (bucket, user_id)
ORDER BY bucket, user_id
ON CONFLICT DO NOTHING
"""

REMOVE_UNSETTLED = """
DELETE FROM statistics_unsettled AS u USING unnest(%b::text[], %b::text[]) AS p (bucket, user_id)
WHERE u.bucket = p.bucket AND u.user_id = p.user_id AND (%s::int IS NULL OR u.shard = %s)
"""

RAISE_GENERATION = """
INSERT INTO statistics_generation AS g (generation) VALUES (1)
ON CONFLICT (single) DO UPDATE SET generation = g.generation + 1
RETURNING generation
"""

# Judges each unsettled membership: whether the user has a request in the bucket (counts), and
# whether it is a member. Each branch reads the index that holds what it asks for, in its order,
# and stops at the first find: a user may have a great many requests.
JUDGE = """
SELECT u.bucket, u.user_id,
    coalesce(CASE WHEN u.bucket = 'provider' THEN (
        SELECT true FROM statistics_requests AS r
        WHERE r.user_id = u.user_id AND r.error_fingerprint IS NOT NULL
        ORDER BY r.error_fingerprint LIMIT 1
    ) WHEN u.bucket LIKE 'error=%%' THEN (
        SELECT true FROM statistics_requests AS r
        WHERE r.user_id = u.user_id AND r.error_fingerprint = substr(u.bucket, 7) LIMIT 1
    ) WHEN u.bucket = 'total' THEN (
        SELECT true FROM statistics_requests AS r
        WHERE r.user_id = u.user_id ORDER BY r.outcome_time LIMIT 1
    ) WHEN u.bucket LIKE 'day=%%' THEN (
        SELECT true FROM statistics_requests AS r
        WHERE r.user_id = u.user_id
            AND r.outcome_time >= substr(u.bucket, 5)::timestamp AT TIME ZONE 'UTC'
            AND r.outcome_time
                < (substr(u.bucket, 5)::timestamp + interval '1 day') AT TIME ZONE 'UTC'
        ORDER BY r.outcome_time LIMIT 1
    ) ELSE (
        SELECT true FROM statistics_requests AS r
        WHERE r.user_id = u.user_id AND CASE split_part(u.bucket, '=', 1)
            WHEN 'tool' THEN r.tool_name = substr(u.bucket, 6)
            WHEN 'model' THEN coalesce('model=' || r.model, 'model') = u.bucket
            WHEN 'provider' THEN r.error_fingerprint IS NULL
                AND coalesce(r.move_provider, r.storage_provider) = substr(u.bucket, 10)
            END
        ORDER BY r.outcome_time LIMIT 1
    ) END, false) AS counts,
    EXISTS (
        SELECT FROM statistics_members AS m
        WHERE m.bucket = u.bucket AND m.user_id = u.user_id OFFSET 0
    ) AS member
FROM (
    SELECT DISTINCT bucket, user_id FROM statistics_unsettled
    WHERE (%(shard)s::int IS NULL OR shard = %(shard)s)
        AND bucket >= %(first)s AND bucket < %(end)s
) AS u
"""

READ_BUCKETS = f"""
WITH sums AS (
    SELECT bucket, sum(total) AS total, sum(failed) AS failed, sum(bytes_sum) AS bytes_sum,
        sum(bytes_count) AS bytes_count, sum(unique_users) AS unique_users, max(label) AS label
    FROM statistics_sums WHERE bucket >= %(first)s AND bucket < %(end)s
    GROUP BY bucket HAVING sum(total) <> 0
), judged AS ({JUDGE}
), corrections AS (
    SELECT bucket, sum(counts::int - member::int) AS users FROM judged GROUP BY bucket
)
SELECT bucket, total::bigint,
    CASE WHEN bucket LIKE 'user=%%' THEN 1 ELSE unique_users + coalesce(users, 0) END::bigint,
    (total - failed)::bigint, failed::bigint, bytes_sum / nullif(bytes_count, 0), label
FROM sums LEFT JOIN corrections USING (bucket)
ORDER BY CASE WHEN %(by_total)s THEN -total END, bucket LIMIT %(limit)s
"""  # noqa: S608  a constant in a constant
