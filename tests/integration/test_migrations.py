"""Creating the tables, and adopting one that was there before without losing a row of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from projections import migrate
from projections.adoption import AdoptionRefused
from projections.schema_check import verify

pytestmark = pytest.mark.postgres

DOCUMENTED = """
CREATE TABLE generated_images (
    id BIGSERIAL PRIMARY KEY, request_id TEXT, user_id VARCHAR(32) NOT NULL, username TEXT,
    tool_name TEXT NOT NULL DEFAULT 'generateUserImage', prompt TEXT NOT NULL, model TEXT,
    size VARCHAR(20), quality VARCHAR(20), style VARCHAR(20), n INTEGER DEFAULT 1,
    storage_url TEXT NOT NULL, storage_provider VARCHAR(50) DEFAULT 'omega',
    mime_type VARCHAR(50), bytes INTEGER, sha256 CHAR(64), tags TEXT[],
    status VARCHAR(20) NOT NULL DEFAULT 'success', error TEXT, metadata JSONB, message_id TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_generated_images_user_id_created_at
    ON generated_images (user_id, created_at DESC);
CREATE INDEX idx_generated_images_request_id ON generated_images (request_id);
CREATE INDEX idx_generated_images_status ON generated_images (status) WHERE status <> 'success';
CREATE INDEX idx_generated_images_tags_gin ON generated_images USING gin (tags);
CREATE INDEX idx_generated_images_metadata_gin ON generated_images USING gin (metadata);
CREATE INDEX idx_generated_images_storage_url ON generated_images (storage_url);
"""

ROWS = """
INSERT INTO generated_images (request_id, user_id, username, prompt, n, storage_url, bytes, sha256,
    tags, status, error, metadata, created_at)
SELECT CASE WHEN i % 3 > 0 THEN 'r' || i END, 'u' || i % 5, NULL, 'prompt ' || i, i % 4,
    '/x/' || i, i, repeat('a', 64), ARRAY['t' || i % 2], CASE WHEN i % 9 > 0 THEN 'success'
    ELSE 'failed' END, NULL, jsonb_build_object('i', i), now() - i * interval '1 hour'
FROM generate_series(1, 200) AS i
"""


@pytest.fixture
def old(empty_database_url: str) -> Iterator[Connection[Any]]:
    """A database with a table of the document's shape, and rows in it."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(DOCUMENTED)
        connection.execute(ROWS)
        yield connection


def rows(connection: Connection[Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM generated_images ORDER BY id").fetchall()


def without_event(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name != "event_id"} for row in found]


def test_what_the_migrations_make_is_what_is_declared(empty_database_url: str) -> None:
    first = migrate.upgrade(empty_database_url)
    assert (first.before, first.after) == (None, migrate.latest())
    assert verify(empty_database_url) == []
    second = migrate.upgrade(empty_database_url)
    assert second.before == second.after == migrate.current(empty_database_url)


def test_two_migrations_at_once_do_not_meet(empty_database_url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(migrate.upgrade, [empty_database_url] * 3))
    assert sorted(report.before is None for report in reports) == [False, False, True]
    assert verify(empty_database_url) == []


def test_a_table_that_was_there_is_adopted_with_every_row(
    old: Connection[Any], empty_database_url: str
) -> None:
    before = rows(old)
    migrate.upgrade(empty_database_url)
    assert verify(empty_database_url) == []
    after = rows(old)
    assert without_event(after) == before
    assert {row["event_id"] for row in after} == {None}
    # Whoever inserts directly goes on with the sequence, far below the log's ids.
    insert = "INSERT INTO generated_images (user_id, prompt, storage_url) VALUES ('u', 'p', '/n')"
    number = old.execute(f"{insert} RETURNING id, n, status").fetchall()
    assert number == [(before[-1]["id"] + 1, 1, "success")]
    with pytest.raises(psycopg.errors.UniqueViolation):
        old.execute(
            "INSERT INTO generated_images (request_id, user_id, prompt, storage_url)"
            " VALUES ('r1', 'u', 'p', '/n')"
        )


def test_duplicate_requests_are_named_and_nothing_is_changed(
    old: Connection[Any], empty_database_url: str
) -> None:
    old.execute("UPDATE generated_images SET request_id = 'twice' WHERE id IN (5, 9, 11)")
    before = rows(old)
    with pytest.raises(AdoptionRefused, match=r"'twice' \(3 rows\).*--duplicates keep-first"):
        migrate.upgrade(empty_database_url)
    assert rows(old) == before
    assert migrate.current(empty_database_url) is None
    migrate.upgrade(empty_database_url, duplicates="keep-first")
    assert verify(empty_database_url) == []
    after = rows(old)
    changed = [b["id"] for a, b in zip(after, before, strict=True) if without_event([a]) != [b]]
    kept = old.execute("SELECT id, request_id FROM generated_images_duplicate_requests").fetchall()
    assert sorted(changed) == sorted(number for number, _ in kept)
    assert {request for _, request in kept} == {"twice"}
    # The oldest row keeps the name.
    oldest = max((5, 9, 11))
    assert old.execute("SELECT id FROM generated_images WHERE request_id = 'twice'").fetchall() == [
        (oldest,)
    ]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("ALTER TABLE generated_images ALTER bytes TYPE TEXT", "column bytes is text, must be int"),
        ("ALTER TABLE generated_images DROP COLUMN prompt", "column prompt is missing"),
        ("ALTER TABLE generated_images ALTER user_id DROP NOT NULL", "column user_id may be NULL"),
        (
            "ALTER TABLE generated_images RENAME TO g; CREATE VIEW generated_images AS TABLE g",
            "no table",
        ),
        (
            "DROP INDEX idx_generated_images_storage_url; UPDATE generated_images"
            " SET storage_url = 'data:' || repeat('x', 9000) WHERE id = 7",
            "7 \\(9005 bytes\\)",
        ),
    ],
)
def test_what_cannot_be_adopted_is_said_and_left_alone(
    old: Connection[Any], empty_database_url: str, damage: str, said: str
) -> None:
    old.execute(damage)
    before = old.execute("SELECT g::text FROM generated_images AS g ORDER BY 1").fetchall()
    with pytest.raises(AdoptionRefused, match=said):
        migrate.upgrade(empty_database_url)
    after = old.execute("SELECT g::text FROM generated_images AS g ORDER BY 1").fetchall()
    assert after == before
    assert old.execute("SELECT to_regclass('projection_positions')").fetchall() == [(None,)]


def test_columns_and_indexes_that_are_missing_are_added(
    old: Connection[Any], empty_database_url: str
) -> None:
    old.execute("ALTER TABLE generated_images DROP COLUMN message_id, DROP COLUMN tags")
    old.execute("ALTER TABLE generated_images ALTER n DROP DEFAULT, ADD COLUMN theirs TEXT")
    old.execute("DROP INDEX idx_generated_images_metadata_gin")
    migrate.upgrade(empty_database_url)
    found = rows(old)
    assert len(found) == 200
    assert {"message_id", "tags", "theirs", "event_id"} <= found[0].keys()
    assert [line for line in verify(empty_database_url) if "order" not in line] == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP INDEX idx_generated_images_tags_gin", "index idx_generated_images_tags_gin"),
        ("ALTER TABLE generated_images ALTER username TYPE VARCHAR(9)", "column username"),
        ("DROP TABLE deleted_images", "table deleted_images is missing"),
        ("UPDATE alembic_version SET version_num = '0001'", "revision 0001"),
        ("DROP TABLE alembic_version", "no migration has been run"),
    ],
)
def test_verify_names_what_differs(database_url: str, damage: str, said: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(damage)
        connection.execute("CREATE INDEX theirs ON generated_images (model)")
    assert any(said in line for line in verify(database_url))
    assert not any("theirs" in line for line in verify(database_url))


def test_a_long_reader_does_not_fail_the_migration(
    old: Connection[Any], empty_database_url: str
) -> None:
    with psycopg.connect(empty_database_url) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT count(*) FROM generated_images")
        upgrading = pool.submit(migrate.upgrade, empty_database_url)
        # Others go on reading while it waits for its lock.
        with psycopg.connect(empty_database_url, options="-c statement_timeout=9s") as other:
            other.execute("SELECT count(*) FROM generated_images")
        reader.rollback()
        upgrading.result(60)
    assert verify(empty_database_url) == []
