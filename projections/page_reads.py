"""Reads that only the pages need."""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Connection

# The buckets of providers: "provider=NAME", and "provider" for those without one.
PROVIDERS = """
SELECT nullif(substr(bucket, 10), ''), sum(total)::bigint, sum(bytes_sum)::bigint,
    sum(bytes_count)::bigint
FROM statistics_sums WHERE bucket >= 'provider' AND bucket < 'provider~'
GROUP BY bucket HAVING sum(total) > 0 ORDER BY sum(bytes_sum) DESC, bucket
"""
REQUESTS_AT = """
SELECT request_id FROM generated_images WHERE storage_url = %s AND request_id IS NOT NULL LIMIT 10
"""
NAMES = """
SELECT wanted, newest.username FROM unnest(%s::text[]) AS wanted, LATERAL (
    SELECT username FROM generated_images WHERE user_id = wanted
    ORDER BY created_at DESC LIMIT 1
) AS newest WHERE newest.username IS NOT NULL
"""


class ProviderUse(NamedTuple):
    """What lies with a provider."""

    provider: str | None
    """None: requests without a place, as failures are."""
    images: int
    bytes: int
    told: int
    """How many images tell their size."""


def provider_uses(connection: Connection[Any]) -> list[ProviderUse]:
    """Images and bytes by provider, the most bytes first; exact, without a scan."""
    return [ProviderUse(*row) for row in connection.execute(PROVIDERS)]


def requests_at(connection: Connection[Any], url: str) -> list[str]:
    """The requests whose image lies at this URL; seldom more than one."""
    return [row[0] for row in connection.execute(REQUESTS_AT, (url,))]


def names_of(connection: Connection[Any], user_ids: list[str]) -> dict[str, str]:
    """The names of these users, as their newest image has them."""
    return dict(connection.execute(NAMES, (user_ids,)).fetchall())
