"""Which images a retention rule would remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from psycopg import Connection

# Keepers are looked at first; of what is left, the rule's filters choose, and its bounds condemn.
CONDEMNED = """
CREATE TEMPORARY TABLE condemned AS
SELECT request_id, bytes, created_at FROM (
    SELECT i.request_id, i.bytes, i.created_at, greatest(i.created_at, u.last_used_at) AS used_at,
        row_number() OVER newest AS place, sum(coalesce(i.bytes, 0)) OVER newest AS bytes_so_far
    FROM generated_images AS i LEFT JOIN image_uses AS u USING (request_id)
    WHERE i.event_id IS NOT NULL
        AND (%(status)s::text IS NULL OR i.status = %(status)s)
        AND (%(tool)s::text IS NULL OR i.tool_name = %(tool)s)
        AND (%(tag)s::text IS NULL OR i.tags @> ARRAY[%(tag)s::text])
        AND (%(user)s::text IS NULL OR i.user_id = %(user)s)
        AND (%(provider)s::text IS NULL OR i.storage_provider = %(provider)s)
    WINDOW newest AS (PARTITION BY CASE %(per)s::text
        WHEN 'user' THEN i.user_id WHEN 'tool' THEN i.tool_name END
        ORDER BY i.created_at DESC, i.id DESC)
) AS chosen
WHERE (%(older_than)s::interval IS NULL OR created_at < %(now)s::timestamptz - %(older_than)s)
    AND (%(unused_for)s::interval IS NULL OR used_at < %(now)s::timestamptz - %(unused_for)s)
    AND (%(keep_newest)s::bigint IS NULL OR place > %(keep_newest)s)
    AND (%(budget)s::bigint IS NULL OR bytes_so_far > %(budget)s)
    AND NOT EXISTS (SELECT FROM image_removals AS r WHERE r.request_id = chosen.request_id)
"""
PARDON = """
DELETE FROM condemned USING generated_images AS i
WHERE i.request_id = condemned.request_id
    AND (%(status)s::text IS NULL OR i.status = %(status)s)
    AND (%(tool)s::text IS NULL OR i.tool_name = %(tool)s)
    AND (%(tag)s::text IS NULL OR i.tags @> ARRAY[%(tag)s::text])
    AND (%(user)s::text IS NULL OR i.user_id = %(user)s)
    AND (%(provider)s::text IS NULL OR i.storage_provider = %(provider)s)
"""
TOTALS = """
SELECT count(*), coalesce(sum(bytes), 0), min(created_at), max(created_at) FROM condemned
"""
LIMITED = """
DELETE FROM condemned WHERE request_id NOT IN (
    SELECT request_id FROM condemned ORDER BY created_at, request_id LIMIT %s)
"""
PLAN = """
INSERT INTO image_removals (request_id, reason, deleted_by, files)
SELECT c.request_id, 'retention', %s, to_jsonb(array_remove(array[
    nullif(i.storage_url, ''), r.storage_url, r.original_storage_url], NULL))
FROM condemned AS c JOIN generated_images AS i USING (request_id)
    LEFT JOIN image_relocations AS r USING (request_id)
ON CONFLICT (request_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which images: those that meet all that is given."""

    status: str | None = None
    tool: str | None = None
    tag: str | None = None
    user: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What of them is too much: only what is beyond every bound that is given goes."""

    older_than: timedelta | None = None
    unused_for: timedelta | None = None
    """Neither made, nor looked at, nor edited further within this time."""
    keep_newest: int | None = None
    budget: int | None = None
    """Bytes; the newest have it."""
    per: Literal["user", "tool"] | None = None
    """Whose newest, and whose budget; None: all images together."""


class Rule(NamedTuple):
    """A rule, and the name under which ImageDeleted tells of it."""

    name: str
    choice: Choice
    bounds: Bounds


class Condemned(NamedTuple):
    """What a rule would remove."""

    images: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None


def condemn(
    connection: Connection[Any],
    rule: Rule,
    keep: Sequence[Choice],
    now: datetime,
    *,
    limit: int | None = None,
) -> Condemned:
    """Plan the removal of what the rule removes at ``now``, at most ``limit`` of the oldest."""
    with connection.transaction():
        connection.execute("SELECT set_config('statement_timeout', '0', true)")
        connection.execute("DROP TABLE IF EXISTS pg_temp.condemned")
        connection.execute(CONDEMNED, {**asdict(rule.choice), **asdict(rule.bounds), "now": now})
        for pardoned in keep:
            connection.execute(PARDON, asdict(pardoned))
        if limit is not None:
            connection.execute(LIMITED, (limit,))
        found = Condemned(*connection.execute(TOTALS).fetchall()[0])
        connection.execute(PLAN, (rule.name,))
    return Condemned(found.images, int(found.bytes), found.oldest, found.newest)
