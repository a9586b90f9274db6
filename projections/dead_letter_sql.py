"""The statements about dead letters; tables are found on the search_path."""

_INSERT = """
INSERT INTO dead_letters AS d (
    projection, topic, partition, "offset", timestamp_ms, key, value, headers,
    error_class, message, fingerprint
) VALUES (%s, %s, %s, %s, %s, %b, %b, %s::jsonb, %s, %s, %s)
ON CONFLICT (projection, topic, partition, "offset") DO """

STORE = (
    _INSERT
    + """UPDATE SET
    attempts = d.attempts + 1, last_seen = now(), state = 'open',
    error_class = excluded.error_class, message = excluded.message,
    fingerprint = excluded.fingerprint,
    history = d.history || jsonb_build_object(
        'at', now(), 'error_class', d.error_class, 'message', d.message, 'state', d.state
    )
"""
)

RESTORE = _INSERT + "NOTHING"

GROUPS = """
SELECT projection, fingerprint, error_class, min(message) AS example, count(*) AS count,
    min(id) AS first_id, min(first_seen) AS first_seen, max(last_seen) AS last_seen
FROM dead_letters
WHERE state = %(state)s AND (%(projection)s::text IS NULL OR projection = %(projection)s)
GROUP BY projection, fingerprint, error_class
ORDER BY count DESC, projection, fingerprint
"""

COUNT = """
SELECT count(*) FROM dead_letters
WHERE state = %(state)s
    AND (%(projection)s::text IS NULL OR projection = %(projection)s)
    AND (%(fingerprint)s::text IS NULL OR fingerprint = %(fingerprint)s)
    AND (%(id)s::bigint IS NULL OR id = %(id)s)
"""

GET = """
SELECT id, projection, topic, partition, "offset", timestamp_ms, key, value, headers,
    error_class, message, fingerprint, first_seen, last_seen, attempts, state, history
FROM dead_letters WHERE id = %s
"""

PAGE = """
SELECT id, projection, topic, partition, "offset", timestamp_ms, key, value, headers,
    error_class, message, fingerprint, first_seen, last_seen, attempts, state, history
FROM dead_letters
WHERE id > %(after)s AND state = %(state)s
    AND (%(projection)s::text IS NULL OR projection = %(projection)s)
    AND (%(fingerprint)s::text IS NULL OR fingerprint = %(fingerprint)s)
    AND (%(id)s::bigint IS NULL OR id = %(id)s)
ORDER BY id LIMIT %(limit)s
"""

SUMMARIES = """
SELECT id, projection, topic, partition, "offset", timestamp_ms, octet_length(value) AS bytes,
    error_class, message, fingerprint, first_seen, last_seen, attempts, state
FROM dead_letters
WHERE id > %(after)s AND state = %(state)s
    AND (%(projection)s::text IS NULL OR projection = %(projection)s)
    AND (%(fingerprint)s::text IS NULL OR fingerprint = %(fingerprint)s)
ORDER BY id LIMIT %(limit)s
"""

HOLD = """
SELECT id, projection, topic, partition, "offset", timestamp_ms, key, value, headers,
    error_class, message, fingerprint, first_seen, last_seen, attempts, state, history
FROM dead_letters WHERE id = ANY(%s::bigint[]) AND state = 'open'
ORDER BY id FOR UPDATE SKIP LOCKED
"""

CANARIES = """
SELECT min(id) FROM dead_letters
WHERE state = 'open' AND (%(projection)s::text IS NULL OR projection = %(projection)s)
    AND (%(fingerprint)s::text IS NULL OR fingerprint = %(fingerprint)s)
GROUP BY projection, fingerprint ORDER BY 1
"""

SETTLE = """
UPDATE dead_letters SET state = %(state)s, last_seen = now(), attempts = attempts + %(attempts)s,
    history = history || jsonb_build_object(
        'at', now(), 'error_class', error_class, 'message', message, 'state', state,
        'note', %(note)s::text
    )
WHERE id = ANY(%(ids)s::bigint[])
"""

DISCARD = """
UPDATE dead_letters SET state = 'discarded', last_seen = now(),
    history = history || jsonb_build_object('at', now(), 'state', state, 'note', %(reason)s::text)
WHERE state = 'open' AND (%(projection)s::text IS NULL OR projection = %(projection)s)
    AND (%(fingerprint)s::text IS NULL OR fingerprint = %(fingerprint)s)
    AND (%(id)s::bigint IS NULL OR id = %(id)s)
"""
