"""Comparing rows, events and stored files, three ways; in temporary tables of one session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

PREPARE = """
CREATE TEMPORARY TABLE audit_files (
    provider text, filename text, url text, bytes bigint, modified timestamptz);
CREATE TEMPORARY TABLE audit_events (
    request_id text, partition int, "offset" bigint, makes boolean, url text)
"""
COPY_FILES = "COPY audit_files FROM STDIN"
COPY_EVENTS = "COPY audit_events FROM STDIN"
INDEX = """
CREATE INDEX ON audit_files (url); CREATE INDEX ON audit_events (request_id);
CREATE INDEX ON audit_events (url); ANALYZE audit_files; ANALYZE audit_events
"""
ROWS_WITHOUT_BYTES = """
SELECT coalesce(request_id, 'row ' || id), storage_url FROM generated_images AS i
WHERE status = 'success' AND EXISTS (
        SELECT FROM unnest(%(bases)s::text[]) AS base WHERE starts_with(i.storage_url, base))
    AND NOT EXISTS (SELECT FROM audit_files AS f WHERE f.url = i.storage_url)
LIMIT %(limit)s
"""
# The table's position says what it has seen; what comes later may still make the row. So may an
# event whose row is missing, once it is replayed or redriven.
BYTES_WITHOUT_ROW = """
SELECT f.provider, f.filename, f.url, f.modified,
    EXISTS (SELECT FROM audit_events AS e JOIN deleted_images AS d USING (request_id)
        WHERE e.url = f.url)
FROM audit_files AS f
WHERE (f.modified IS NULL OR f.modified < %(before)s)
    AND NOT EXISTS (SELECT FROM generated_images AS i WHERE i.storage_url = f.url)
    AND NOT EXISTS (SELECT FROM image_relocations AS r
        WHERE f.url IN (r.storage_url, r.original_storage_url))
    AND NOT EXISTS (SELECT FROM image_removals AS g WHERE g.files ? f.url)
    AND NOT EXISTS (SELECT FROM audit_events AS e JOIN projection_positions AS p
        ON p.projection = 'table' AND p.topic = %(topic)s AND p.partition = e.partition
        WHERE e.url = f.url AND e."offset" >= p.next_offset)
    AND NOT EXISTS (SELECT FROM audit_events AS e WHERE e.url = f.url
        AND NOT EXISTS (SELECT FROM generated_images AS i WHERE i.request_id = e.request_id)
        AND NOT EXISTS (SELECT FROM deleted_images AS d WHERE d.request_id = e.request_id))
    AND NOT f.filename = ANY(%(in_flight)s::text[])
LIMIT %(limit)s
"""
SIZES = """
SELECT coalesce(i.request_id, 'row ' || i.id), i.bytes, f.bytes, f.url
FROM generated_images AS i JOIN audit_files AS f ON f.url = i.storage_url
WHERE i.status = 'success' AND i.bytes IS DISTINCT FROM f.bytes AND i.bytes IS NOT NULL
LIMIT %(limit)s
"""
EVENTS_WITHOUT_ROW = """
SELECT DISTINCT ON (e.request_id) e.request_id, e.partition, e."offset"
FROM audit_events AS e JOIN projection_positions AS p
    ON p.projection = 'table' AND p.topic = %(topic)s AND p.partition = e.partition
WHERE e.makes AND e."offset" < p.next_offset
    AND NOT EXISTS (SELECT FROM generated_images AS i WHERE i.request_id = e.request_id)
    AND NOT EXISTS (SELECT FROM deleted_images AS d WHERE d.request_id = e.request_id)
    AND NOT EXISTS (SELECT FROM dead_letters AS l WHERE l.projection = 'table'
        AND l.topic = p.topic AND l.partition = e.partition AND l."offset" = e."offset")
ORDER BY e.request_id LIMIT %(limit)s
"""
ROWS_WITHOUT_EVENT = """
SELECT coalesce(i.request_id, 'row ' || i.id), i.event_id IS NULL FROM generated_images AS i
WHERE i.event_id IS NULL OR NOT EXISTS (
    SELECT FROM audit_events AS e WHERE e.request_id = i.request_id AND e.makes)
LIMIT %(limit)s
"""
BYPASSES = """
SELECT coalesce(request_id, 'row ' || id), true FROM generated_images WHERE event_id IS NULL
LIMIT %(limit)s
"""
TO_READ = """
SELECT coalesce(i.request_id, 'row ' || i.id), i.sha256, f.provider, f.filename
FROM generated_images AS i JOIN audit_files AS f ON f.url = i.storage_url
WHERE i.status = 'success' AND (%(providers)s::text[] IS NULL OR f.provider = ANY(%(providers)s))
ORDER BY i.created_at DESC LIMIT %(limit)s
"""
ELSEWHERE = """
SELECT coalesce(request_id, 'row ' || id), storage_url FROM generated_images AS i
WHERE status = 'success' AND NOT EXISTS (
    SELECT FROM unnest(%(bases)s::text[]) AS base WHERE starts_with(i.storage_url, base))
ORDER BY id DESC LIMIT %(limit)s
"""
KNOWN_DIGESTS = "SELECT sha256 FROM generated_images WHERE sha256 = ANY(%s::text[])"
TOTALS = """
SELECT (SELECT count(*) FROM generated_images), (SELECT count(*) FROM audit_events),
    (SELECT count(*) FROM audit_files)
"""
NOTE = "INSERT INTO audit_runs (checked, counts) VALUES (%s, %s) RETURNING id"
FORGET = "DELETE FROM audit_findings WHERE run_id < %s"
LAST = "SELECT id, ran_at, checked, counts FROM audit_runs ORDER BY id DESC LIMIT 1"
FINDINGS = (
    "SELECT kind, what, detail FROM audit_findings WHERE run_id = %s ORDER BY kind, what LIMIT %s"
)


class StoredAt(NamedTuple):
    """A file, as its store's listing has it."""

    provider: str
    filename: str
    url: str
    bytes: int
    modified: datetime | None


class EventAt(NamedTuple):
    """An event, and where it stands. ``makes``: whether it makes a row by itself."""

    request_id: str
    partition: int
    offset: int
    makes: bool
    url: str | None


class Orphan(NamedTuple):
    """A file that no row speaks of."""

    provider: str
    filename: str
    url: str
    modified: datetime | None
    deleted: bool
    """Whether it was a deleted image's."""


class ToRead(NamedTuple):
    """A row's file whose bytes are to be looked at."""

    what: str
    sha256: str | None
    provider: str
    filename: str


class AuditRun(NamedTuple):
    """An audit that was made."""

    id: int
    ran_at: datetime
    checked: dict[str, int]
    counts: dict[str, int]


class Comparison:
    """Of one connection; its temporary tables go with it."""

    def __init__(self, connection: Connection[Any], topic: str, limit: int) -> None:
        self._connection = connection
        self._common: dict[str, Any] = {"topic": topic, "limit": limit}
        connection.execute("SELECT set_config('statement_timeout', '0', false)")
        connection.execute(PREPARE)

    def add_files(self, files: Iterable[StoredAt]) -> None:
        """Of a store's listing."""
        self._copy(COPY_FILES, files)

    def add_events(self, events: Iterable[EventAt]) -> None:
        """Of the log."""
        self._copy(COPY_EVENTS, events)

    def ready(self) -> dict[str, int]:
        """All is added; how much there is to compare."""
        self._connection.execute(INDEX)
        names = ("rows", "events", "files")
        return dict(zip(names, self._rows(TOTALS)[0], strict=True))

    def rows_without_bytes(self, bases: Sequence[str]) -> list[tuple[str, str]]:
        """Rows whose URL begins as a store's do, and where that store has no such file."""
        return self._rows(ROWS_WITHOUT_BYTES, bases=list(bases))

    def bytes_without_row(self, before: datetime, in_flight: Sequence[str]) -> list[Orphan]:
        """Files older than ``before``, or of unknown age, that nothing speaks of."""
        rows = self._rows(BYTES_WITHOUT_ROW, before=before, in_flight=list(in_flight))
        return [Orphan(*row) for row in rows]

    def sizes_that_differ(self) -> list[tuple[str, int, int, str]]:
        """What the row says, what the file has, and its URL."""
        return self._rows(SIZES)

    def events_without_row(self) -> list[tuple[str, int, int]]:
        """Requests that the table has seen and does not have, with an event's place."""
        return self._rows(EVENTS_WITHOUT_ROW)

    def rows_without_event(self, *, log_is_read: bool) -> list[tuple[str, bool]]:
        """Rows that no event made (True), or that say so wrongly (False)."""
        return self._rows(ROWS_WITHOUT_EVENT if log_is_read else BYPASSES)

    def to_read(self, providers: Sequence[str] | None, limit: int) -> list[ToRead]:
        """Rows' files of these providers, the newest first."""
        wanted = None if providers is None else list(providers)
        return [ToRead(*row) for row in self._rows(TO_READ, providers=wanted, limit=limit)]

    def elsewhere(self, bases: Sequence[str], limit: int) -> list[tuple[str, str]]:
        """Rows whose URL is none of the stores', the newest first."""
        return self._rows(ELSEWHERE, bases=list(bases), limit=limit)

    def known_digests(self, digests: Sequence[str]) -> frozenset[str]:
        """Of these SHA-256 digests, those that a row has."""
        found = self._connection.execute(KNOWN_DIGESTS, (list(digests),))
        return frozenset(row[0] for row in found)

    def _rows(self, query: str, **more: object) -> list[Any]:
        return self._connection.execute(query, self._common | more).fetchall()

    def _copy(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)


def note(
    connection: Connection[Any],
    checked: Mapping[str, int],
    counts: Mapping[str, int],
    findings: Iterator[tuple[str, str, str]],
) -> None:
    """Keep what an audit found, for those who look later; the last one's findings alone."""
    with connection.transaction(), connection.cursor() as cursor:
        row = cursor.execute(NOTE, (json.dumps(checked), json.dumps(counts))).fetchone()
        assert row is not None  # noqa: S101  # it was inserted
        cursor.execute(FORGET, (row[0],))
        with cursor.copy("COPY audit_findings FROM STDIN") as copy:
            for finding in findings:
                copy.write_row((row[0], *finding))


def last_run(connection: Connection[Any]) -> AuditRun | None:
    """The last audit; None where none was made."""
    row = connection.execute(LAST).fetchone()
    return None if row is None else AuditRun(*row)


def findings_of(connection: Connection[Any], run: AuditRun, limit: int) -> list[tuple[str, ...]]:
    """Kind, what and detail of the run's findings."""
    return [tuple(row) for row in connection.execute(FINDINGS, (run.id, limit))]
