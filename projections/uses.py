"""When images were last used: looked at, or edited further. Cleanup's ``unused_for`` asks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from psycopg import Connection

# Within the hour nobody cares, and a popular image is not written at each look.
RECORD = """
INSERT INTO image_uses (request_id, last_used_at)
SELECT request_id, now() FROM unnest(%s::text[]) AS request_id ORDER BY request_id
ON CONFLICT (request_id) DO UPDATE SET last_used_at = excluded.last_used_at
WHERE image_uses.last_used_at < now() - interval '1 hour'
"""


def record_uses(connection: Connection[Any], request_ids: Collection[str]) -> None:
    """These images were used just now."""
    if request_ids:
        connection.execute(RECORD, (sorted(set(request_ids)),))
