"""The statements of the image table's projection; tables are found on the search_path."""

from projections.positions import ADVANCE_WITH

LOAD_ROWS = """
SELECT id, request_id, user_id, username, tool_name, prompt, model, size, quality, style, n,
    storage_url, storage_provider, mime_type, bytes, sha256, tags, status, error, metadata::text,
    message_id, created_at, event_id
FROM generated_images WHERE request_id = ANY(%(keys)b::text[]) ORDER BY request_id FOR UPDATE
"""

# What stands beside the rows: moves, and then tombstones, which alone have a reason. Most
# installations have few of either, and many none, who need not pay for thousands of look-ups.
LOAD_BESIDE = """
SELECT request_id, row_id, event_id, moved_at, storage_url, storage_provider, mime_type, bytes,
    sha256, original_storage_url, original_storage_provider, original_mime_type, original_bytes,
    original_sha256, NULL AS reason, NULL AS deleted_by
FROM image_relocations
WHERE EXISTS (SELECT FROM image_relocations) AND request_id = ANY(%(keys)b::text[])
UNION ALL
SELECT request_id, row_id, event_id, deleted_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, reason, deleted_by
FROM deleted_images
WHERE EXISTS (SELECT FROM deleted_images) AND request_id = ANY(%(keys)b::text[])
"""

COPY_ROWS = """
COPY generated_images (id, request_id, user_id, username, tool_name, prompt, model, size, quality,
    style, n, storage_url, storage_provider, mime_type, bytes, sha256, tags, status, error,
    metadata, message_id, created_at, event_id) FROM STDIN (FORMAT binary)
"""

# For a few rows, and in a pipeline; a JSON array of objects with the columns' names.
INSERT_ROWS = """
INSERT INTO generated_images (id, request_id, user_id, username, tool_name, prompt, model, size,
    quality, style, n, storage_url, storage_provider, mime_type, bytes, sha256, tags, status, error,
    metadata, message_id, created_at, event_id)
SELECT id, request_id, user_id, username, tool_name, prompt, model, size, quality, style, n,
    storage_url, storage_provider, mime_type, bytes, sha256, tags, status, error, metadata::jsonb,
    message_id, created_at, event_id
FROM json_to_recordset(%(rows)s::json) AS r (id bigint, request_id text, user_id text,
    username text, tool_name text, prompt text, model text, size text, quality text, style text,
    n int, storage_url text, storage_provider text, mime_type text, bytes int, sha256 text,
    tags text[], status text, error text, metadata text, message_id text, created_at timestamptz,
    event_id text)
"""

# The same with the positions, for a batch of requests of which nothing is known.
INSERT_WHOLE = ADVANCE_WITH.format(
    condition="""NOT EXISTS (SELECT FROM generated_images WHERE request_id = ANY(%(keys)b::text[]))
        AND NOT EXISTS (SELECT FROM image_relocations WHERE request_id = ANY(%(keys)b::text[]))
        AND NOT EXISTS (SELECT FROM deleted_images WHERE request_id = ANY(%(keys)b::text[]))""",
    change=f"{INSERT_ROWS.rstrip()} WHERE EXISTS (SELECT FROM advanced)\n    RETURNING id",
)

UPDATE_ROW = """
UPDATE generated_images SET id = %s, request_id = %s, user_id = %s, username = %s, tool_name = %s,
    prompt = %s, model = %s, size = %s, quality = %s, style = %s, n = %s, storage_url = %s,
    storage_provider = %s, mime_type = %s, bytes = %s, sha256 = %s, tags = %s::text[], status = %s,
    error = %s, metadata = %s::jsonb, message_id = %s, created_at = %s, event_id = %s
WHERE request_id = %s
"""

DELETE_ROWS = "DELETE FROM generated_images WHERE request_id = ANY(%b::text[])"

DELETE_RELOCATIONS = "DELETE FROM image_relocations WHERE request_id = ANY(%b::text[])"

PUT_RELOCATION = """
INSERT INTO image_relocations (request_id, row_id, event_id, moved_at, storage_url,
    storage_provider, mime_type, bytes, sha256, original_storage_url, original_storage_provider,
    original_mime_type, original_bytes, original_sha256)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (request_id) DO UPDATE SET (row_id, event_id, moved_at, storage_url, storage_provider,
    mime_type, bytes, sha256, original_storage_url, original_storage_provider, original_mime_type,
    original_bytes, original_sha256)
= (excluded.row_id, excluded.event_id, excluded.moved_at, excluded.storage_url,
    excluded.storage_provider, excluded.mime_type, excluded.bytes, excluded.sha256,
    excluded.original_storage_url, excluded.original_storage_provider,
    excluded.original_mime_type, excluded.original_bytes, excluded.original_sha256)
"""

PUT_TOMBSTONE = """
INSERT INTO deleted_images (request_id, row_id, event_id, deleted_at, reason, deleted_by)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (request_id) DO UPDATE SET (row_id, event_id, deleted_at, reason, deleted_by)
= (excluded.row_id, excluded.event_id, excluded.deleted_at, excluded.reason, excluded.deleted_by)
"""

# Whoever inserts past the log takes the next id; where nobody may, or the table is a shadow, which
# has no sequence of its own, there is nothing to do.
FOLLOW_OLD_ID = """
SELECT setval(s::regclass, %(id)s) FROM pg_get_serial_sequence('generated_images', 'id') AS s
WHERE has_sequence_privilege(s, 'UPDATE')
    AND %(id)s > coalesce(pg_sequence_last_value(s::regclass), 0)
"""
