"""Failures by their kind: how many, since when, of which tools and models, with examples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from projections.images import GeneratedImageRecord

MAX_FAILURES = 50_000
"""The newest so many are grouped; the answer says when there were more."""

MAX_ORIGINS = 20
MAX_EXAMPLES = 20

# The index on failures gives them all; of these the newest are taken.
GROUPS = """
WITH newest AS MATERIALIZED (
    SELECT request_id, error_fingerprint AS fingerprint, tool_name, model, user_id, outcome_time
    FROM statistics_requests
    WHERE error_fingerprint IS NOT NULL AND NOT deleted
        AND (%(fingerprint)s::text IS NULL OR error_fingerprint = %(fingerprint)s)
        AND (%(since)s::timestamptz IS NULL OR outcome_time >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR outcome_time < %(until)s)
    ORDER BY outcome_time DESC LIMIT %(max_failures)s
), kinds AS (
    SELECT fingerprint, count(*) AS failures, count(DISTINCT user_id) AS users,
        min(outcome_time) AS first, max(outcome_time) AS last
    FROM newest GROUP BY fingerprint ORDER BY failures DESC, fingerprint LIMIT %(limit)s
), days AS (
    SELECT fingerprint, jsonb_agg(to_jsonb(d) - 'fingerprint' ORDER BY day) AS trend FROM (
        SELECT fingerprint, (outcome_time AT TIME ZONE 'UTC')::date AS day, count(*) AS failures
        FROM newest GROUP BY 1, 2
    ) AS d GROUP BY fingerprint
), origins AS (
    SELECT fingerprint,
        jsonb_agg(to_jsonb(o) - 'fingerprint' - 'place' ORDER BY place) AS origins
    FROM (
        SELECT fingerprint, tool_name, model, count(*) AS failures, row_number() OVER (
            PARTITION BY fingerprint ORDER BY count(*) DESC, tool_name, model
        ) AS place FROM newest GROUP BY 1, 2, 3
    ) AS o WHERE place <= %(origins)s GROUP BY fingerprint
), examples AS (
    SELECT fingerprint, array_agg(request_id ORDER BY place) AS requests FROM (
        SELECT fingerprint, request_id, row_number() OVER (
            PARTITION BY fingerprint ORDER BY outcome_time DESC, request_id
        ) AS place FROM newest
    ) AS e WHERE place <= %(examples)s GROUP BY fingerprint
)
SELECT fingerprint, coalesce((
        SELECT max(label) FROM statistics_sums WHERE bucket = 'error=' || fingerprint
    ), '') AS label, failures, users, first, last, trend, origins, requests,
    (SELECT count(*) FROM newest) AS looked_at
FROM kinds JOIN days USING (fingerprint) JOIN origins USING (fingerprint)
    JOIN examples USING (fingerprint)
ORDER BY failures DESC, fingerprint
"""

EXAMPLES = "SELECT * FROM generated_images WHERE request_id = ANY(%s) AND status <> 'success'"


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures of one kind."""

    fingerprint: str
    label: str
    failures: int
    users: int
    first: datetime
    last: datetime
    trend: list[dict[str, Any]]
    """``day`` (UTC) and ``failures``; days without any are left out."""
    origins: list[dict[str, Any]]
    """``tool_name``, ``model`` and ``failures``, the most first."""
    requests: list[str]
    """The newest of them."""
    looked_at: int
    """Failures of all kinds that were grouped; MAX_FAILURES: there may be older ones."""

    def per_day(self) -> dict[date, int]:
        """The trend, for those who draw it."""
        return {date.fromisoformat(one["day"]): one["failures"] for one in self.trend}


def read_failures(
    connection: Connection[Any],
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    fingerprint: str | None = None,
    limit: int = 50,
    examples: int = 3,
    max_failures: int = MAX_FAILURES,
) -> list[FailureGroup]:
    """The kinds of failures from ``since`` up to ``until``, the most frequent first.

    Raises psycopg.Error.
    """
    parameters = {
        "fingerprint": fingerprint,
        "since": since,
        "until": until,
        "limit": limit,
        "examples": min(examples, MAX_EXAMPLES),
        "origins": MAX_ORIGINS,
        "max_failures": max_failures,
    }
    with connection.cursor(row_factory=class_row(FailureGroup)) as cursor:
        return cursor.execute(GROUPS, parameters, prepare=False).fetchall()


def failed_images(
    connection: Connection[Any], requests: list[str]
) -> dict[str, GeneratedImageRecord]:
    """The rows of these requests that are failures still, by request. Raises psycopg.Error."""
    with connection.cursor(row_factory=class_row(GeneratedImageRecord)) as cursor:
        rows = cursor.execute(EXAMPLES, (requests,)).fetchall()
    return {row.request_id: row for row in rows if row.request_id is not None}
