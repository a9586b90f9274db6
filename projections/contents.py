"""A projection's contents as a whole: digests to compare them by, and emptying its tables."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from psycopg import Connection

from projections.statistics_reads import Dimension, read_breakdown, read_numbers

ROWS = """
SELECT count(*), encode(sha256(convert_to(coalesce(
    string_agg(md5(t::text), '' ORDER BY t.id), ''), 'UTF8')), 'hex')
FROM generated_images AS t
"""

EMPTY_IMAGES = "TRUNCATE generated_images, image_relocations, deleted_images"

EMPTY_STATISTICS = """
TRUNCATE statistics_requests, statistics_sums, statistics_members, statistics_unsettled
"""

NEW_GENERATION = "UPDATE statistics_generation SET generation = generation + 1"


class Digest(NamedTuple):
    """Equal digests: equal contents."""

    rows: int
    sha256: str


def digest_of_images(connection: Connection[Any]) -> Digest:
    """Every column of every row of generated_images, in the order of ids. Scans the table.

    Comparable on one server: a row's text follows the session's time zone and number formats.
    """
    row = connection.execute(ROWS).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives one row
    return Digest(row[0], row[1])


def digest_of_statistics(connection: Connection[Any]) -> Digest:
    """All numbers that the statistics tell; how they are stored in shards does not count."""
    told = {"total": [str(number) for number in read_numbers(connection)]}
    entries = 0
    for dimension in Dimension:
        for entry in sorted(read_breakdown(connection, dimension), key=lambda e: e.value or ""):
            told[f"{dimension.value}={json.dumps(entry.value)}"] = [
                str(number) for number in entry.numbers
            ]
            entries += 1
    text = json.dumps(told, sort_keys=True)
    return Digest(entries + 1, hashlib.sha256(text.encode()).hexdigest())


def empty_images(connection: Connection[Any]) -> None:
    """Remove every row of the image table and its side tables; positions stay as they are.

    Only a rebuild brings back what the log has. Raises psycopg.Error.
    """
    connection.execute(EMPTY_IMAGES)


def empty_statistics(connection: Connection[Any]) -> None:
    """The same for the statistics; workers forget what they remember of them."""
    with connection.transaction():
        connection.execute(EMPTY_STATISTICS)
        connection.execute(NEW_GENERATION)
