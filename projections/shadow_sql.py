"""The statements of a rebuild: what hangs on the live tables, and comparing shadow with live.

Names of schemas and tables are put in with psycopg.sql.Identifier, values with parameters.
"""

from psycopg.sql import SQL

DEPENDENTS = """
WITH live AS (
    SELECT c.oid, c.relname FROM pg_class c
    WHERE c.relnamespace = %(schema)s::regnamespace AND c.relname = ANY(%(tables)s)
)
SELECT DISTINCT 'view ' || v.oid::regclass || ' on ' || live.relname
FROM live JOIN pg_depend d ON d.refobjid = live.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
WHERE v.oid <> live.oid
UNION ALL
SELECT 'foreign key ' || conname || ' of ' || conrelid::regclass || ' to ' || live.relname
FROM live JOIN pg_constraint ON contype = 'f' AND (confrelid = live.oid OR conrelid = live.oid)
UNION ALL
SELECT 'trigger ' || tgname || ' on ' || live.relname
FROM live JOIN pg_trigger ON tgrelid = live.oid AND NOT tgisinternal
UNION ALL
SELECT 'policy ' || polname || ' on ' || live.relname
FROM live JOIN pg_policy ON polrelid = live.oid
UNION ALL
SELECT 'publication ' || pubname || ' of ' || live.relname
FROM live JOIN pg_publication_rel ON prrelid = live.oid JOIN pg_publication p ON p.oid = prpubid
UNION ALL
SELECT 'child table ' || inhrelid::regclass || ' of ' || live.relname
FROM live JOIN pg_inherits ON inhparent = live.oid
ORDER BY 1
"""

TABLE_OPTIONS = """
SELECT array_to_string(reloptions, ', '), obj_description(oid, 'pg_class'),
    pg_get_userbyid(relowner)
FROM pg_class WHERE oid = %s::regclass
"""

TABLE_GRANTS = """
SELECT privilege_type, CASE WHEN grantee = 0 THEN NULL ELSE pg_get_userbyid(grantee) END,
    is_grantable
FROM pg_class, aclexplode(relacl) WHERE oid = %s::regclass AND grantee <> relowner
"""

TABLE_INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid), con.conname, con.contype::text
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.contype IN ('p', 'u')
WHERE i.indrelid = %s::regclass ORDER BY c.relname
"""

INDEX_NAMES = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s::regclass
"""

# Builders of indexes share a lock for as long as their sessions stand.
SET_UP_BUILDER = """
SELECT set_config('maintenance_work_mem', %s, false), set_config('statement_timeout', '0', false)
"""
# Several processes take a quarter longer for a GIN index than one, and others wait for the cores.
BUILD_ALONE = "SELECT set_config('max_parallel_maintenance_workers', '0', true)"
BE_AN_INDEX_BUILDER = "SELECT pg_advisory_lock_shared(hashtextextended('omega-images/' || %s, 0))"
NO_INDEX_BUILDERS = "SELECT pg_try_advisory_xact_lock(hashtextextended('omega-images/' || %s, 0))"

SEQUENCES = """
SELECT s.oid::regclass::text, a.attname
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.deptype = 'a' AND d.refobjid = %s::regclass
"""

MAKE_DEFERRED = SQL("""
CREATE TABLE {shadow}.deferred_records (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, partition INTEGER NOT NULL,
    "offset" BIGINT NOT NULL, timestamp_ms BIGINT NOT NULL, key BYTEA, value BYTEA
)
""")

COPY_DEFERRED = """
COPY deferred_records (partition, "offset", timestamp_ms, key, value) FROM STDIN (FORMAT binary)
"""

NEXT_DEFERRED = """
SELECT number, partition, "offset", timestamp_ms, key, value FROM deferred_records
ORDER BY number LIMIT %s
"""

FORGET_DEFERRED = "DELETE FROM deferred_records WHERE number <= %s"

KEEP_IDS = SQL("""
UPDATE {shadow}.generated_images AS s SET id = l.id
FROM {live}.generated_images AS l WHERE s.request_id = l.request_id AND s.id <> l.id
""")

DROP_UNMADE = SQL("DELETE FROM {shadow}.generated_images WHERE event_id IS NULL")

CARRY_UNMADE = SQL("""
INSERT INTO {shadow}.generated_images ({columns})
SELECT {columns} FROM {live}.generated_images AS l
WHERE l.event_id IS NULL AND (l.request_id IS NULL OR NOT (
    EXISTS (SELECT FROM {shadow}.generated_images AS s WHERE s.request_id = l.request_id)
    OR EXISTS (SELECT FROM {shadow}.deleted_images AS d WHERE d.request_id = l.request_id)))
""")

TAKEN_IDS = SQL("""
SELECT l.id, s.request_id FROM {live}.generated_images AS l
    JOIN {shadow}.generated_images AS s USING (id)
WHERE l.event_id IS NULL AND l.request_id IS DISTINCT FROM s.request_id ORDER BY l.id LIMIT %s
""")

# After the exchange: the live table is the one that was loaded.
FOLLOW_OLD_IDS = """
SELECT setval(s::regclass, old.id)
FROM pg_get_serial_sequence('generated_images', 'id') AS s,
    (SELECT max(id) AS id FROM generated_images WHERE id < %(first)s) AS old
WHERE has_sequence_privilege(s, 'UPDATE')
    AND old.id > coalesce(pg_sequence_last_value(s::regclass), 0)
"""

# A million requests fit, beside what the server needs for everybody else.
ROOM_FOR_JOINS = "SELECT set_config('work_mem', '128MB', true)"

# A record's hash is a sum over its columns, so that two rows which have exchanged a value would
# add up to the same; with another seed for each request, they do not. The last column are the rows
# that no event made.
DIGEST_TABLE = SQL("""
SELECT count(event_id),
    sum(hash_record_extended(t, hashtextextended(request_id, 0))) FILTER (
        WHERE event_id IS NOT NULL),
    count(*) - count(event_id)
FROM {schema}.generated_images AS t
""")

# The id is the seed of its request's hash.
DIGEST_IDS = SQL("""
SELECT count(event_id), sum(hashtextextended(request_id, id)) FILTER (WHERE event_id IS NOT NULL),
    count(*) - count(event_id)
FROM {schema}.generated_images
""")

DIGEST_STATS = SQL("""
SELECT count(*), sum(hash_record_extended(t, hashtextextended(request_id, 0))), 0
FROM {schema}.statistics_requests AS t
""")

COUNT_TABLE = SQL("""
SELECT count(*) FILTER (WHERE l.request_id IS NULL) AS added,
    count(*) FILTER (WHERE s.request_id IS NULL
        AND NOT EXISTS (SELECT FROM {shadow}.deleted_images d WHERE d.request_id = l.request_id)
    ) AS lost,
    count(*) FILTER (WHERE s.request_id IS NULL
        AND EXISTS (SELECT FROM {shadow}.deleted_images d WHERE d.request_id = l.request_id)
    ) AS deleted,
    count(*) FILTER (WHERE s.request_id IS NOT NULL AND l.request_id IS NOT NULL
        AND to_jsonb(s) IS DISTINCT FROM to_jsonb(l)) AS changed
FROM (SELECT * FROM {live}.generated_images WHERE event_id IS NOT NULL) AS l
    FULL JOIN (SELECT * FROM {shadow}.generated_images WHERE event_id IS NOT NULL) AS s
    USING (request_id)
WHERE l.request_id IS NULL OR s.request_id IS NULL OR s.* IS DISTINCT FROM l.*
""")

CHANGED_COLUMNS = SQL("""
SELECT key, count(*) FROM {live}.generated_images AS l
    JOIN {shadow}.generated_images AS s USING (request_id)
    CROSS JOIN LATERAL jsonb_each(to_jsonb(l)) AS old (key, value)
WHERE l.event_id IS NOT NULL AND s.* IS DISTINCT FROM l.*
    AND old.value IS DISTINCT FROM to_jsonb(s) -> key
GROUP BY key ORDER BY key
""")

SAMPLE_TABLE = SQL("""
(SELECT 'lost', l.request_id FROM {live}.generated_images AS l
WHERE l.event_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM {shadow}.generated_images s WHERE s.request_id = l.request_id)
    AND NOT EXISTS (SELECT FROM {shadow}.deleted_images d WHERE d.request_id = l.request_id)
ORDER BY l.id LIMIT %(limit)s)
UNION ALL
(SELECT 'added', s.request_id FROM {shadow}.generated_images AS s
WHERE s.event_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM {live}.generated_images l WHERE s.request_id = l.request_id
        AND l.event_id IS NOT NULL)
ORDER BY s.id LIMIT %(limit)s)
UNION ALL
(SELECT 'changed', s.request_id FROM {shadow}.generated_images AS s
    JOIN {live}.generated_images AS l USING (request_id)
WHERE l.event_id IS NOT NULL AND s.* IS DISTINCT FROM l.* ORDER BY s.id LIMIT %(limit)s)
""")

COUNT_STATS = SQL("""
SELECT count(*) FILTER (WHERE l.request_id IS NULL) AS added,
    count(*) FILTER (WHERE s.request_id IS NULL) AS lost, 0 AS deleted,
    count(*) FILTER (WHERE l.request_id IS NOT NULL AND s.request_id IS NOT NULL) AS changed
FROM {live}.statistics_requests AS l FULL JOIN {shadow}.statistics_requests AS s USING (request_id)
WHERE l.request_id IS NULL OR s.request_id IS NULL OR s.* IS DISTINCT FROM l.*
""")

SAMPLE_STATS = SQL("""
SELECT CASE WHEN s.request_id IS NULL THEN 'lost' WHEN l.request_id IS NULL THEN 'added'
    ELSE 'changed' END AS kind, request_id
FROM {live}.statistics_requests AS l FULL JOIN {shadow}.statistics_requests AS s USING (request_id)
WHERE l.request_id IS NULL OR s.request_id IS NULL OR s.* IS DISTINCT FROM l.*
ORDER BY kind DESC LIMIT %(limit)s
""")

DROP_SCHEMA = SQL("DROP SCHEMA IF EXISTS {schema} CASCADE")

# What is left of a shadow whose tables are live is no rebuild to go on with.
FORGET_STATE = SQL("DELETE FROM {shadow}.rebuild_state")

SAVE_POSITIONS = SQL("""
CREATE TABLE {previous}.projection_positions AS
SELECT * FROM {live}.projection_positions
WHERE projection = %(projection)s AND topic = %(topic)s
""")

SAVE_LETTERS = SQL("""
CREATE TABLE {previous}.dead_letter_states AS
SELECT id, state FROM {live}.dead_letters WHERE projection = %(projection)s AND topic = %(topic)s
""")

# What was projected since is not in the tables that come back; what was discarded stays so.
RESTORE_LETTERS = SQL("""
UPDATE {live}.dead_letters AS d SET state = s.state, last_seen = now(),
    history = history || jsonb_build_object('at', now(), 'state', d.state, 'note', 'rolled back')
FROM {source}.dead_letter_states AS s
WHERE d.id = s.id AND d.state <> s.state AND d.state <> 'discarded'
""")

SET_POSITIONS = SQL("""
INSERT INTO {live}.projection_positions AS p
    (projection, topic, partition, topic_id, next_offset, epoch, owner)
SELECT projection, topic, partition, topic_id, next_offset, 1, 'rebuild'
FROM {source}.projection_positions WHERE projection = %(projection)s AND topic = %(topic)s
ON CONFLICT (projection, topic, partition) DO UPDATE SET topic_id = excluded.topic_id,
    next_offset = excluded.next_offset, epoch = p.epoch + 1, owner = excluded.owner,
    updated_at = now()
""")

# What the tables that take the place have never read, has to be read from its beginning.
RESET_POSITIONS = SQL("""
UPDATE {live}.projection_positions AS p
SET next_offset = 0, epoch = p.epoch + 1, owner = 'rebuild', updated_at = now()
WHERE p.projection = %(projection)s AND p.topic = %(topic)s
    AND NOT EXISTS (SELECT FROM {source}.projection_positions AS s
        WHERE s.projection = p.projection AND s.topic = p.topic AND s.partition = p.partition)
""")

ADD_DEAD_LETTERS = SQL("""
INSERT INTO {live}.dead_letters (projection, topic, partition, "offset", timestamp_ms, key, value,
    headers, error_class, message, fingerprint, first_seen, last_seen)
SELECT projection, topic, partition, "offset", timestamp_ms, key, value, headers, error_class,
    message, fingerprint, first_seen, last_seen
FROM {shadow}.dead_letters ON CONFLICT (projection, topic, partition, "offset") DO NOTHING
""")

SETTLE_DEAD_LETTERS = SQL("""
UPDATE {live}.dead_letters AS d SET state = 'rebuilt', last_seen = now(),
    history = history || jsonb_build_object('at', now(), 'state', state)
FROM {shadow}.projection_positions AS p
WHERE d.state = 'open' AND d.projection = %(projection)s AND d.topic = %(topic)s
    AND p.projection = d.projection AND p.topic = d.topic AND p.partition = d.partition
    AND d."offset" < p.next_offset
    AND NOT EXISTS (SELECT FROM {shadow}.dead_letters AS s
        WHERE s.partition = d.partition AND s."offset" = d."offset")
""")

REQUEST_IDS = "SELECT request_id FROM generated_images WHERE request_id IS NOT NULL"

SCHEMA_EXISTS = "SELECT 1 FROM pg_namespace WHERE nspname = %s"

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('omega-images/' || %s, 0))"

UNLOCK_ALL = "SELECT pg_advisory_unlock_all()"

# A bigint key's halves stand in classid and objid.
IN_WORK = """
SELECT EXISTS (
    SELECT FROM pg_locks, unnest(%s::text[]) AS name
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32 | objid::bigint) = hashtextextended('omega-images/' || name, 0)
)
"""

SIZE = """
SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY(%s)) AND relkind = 'r'
"""
