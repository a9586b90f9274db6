"""Rows as tools wrote them straight into the table, before there was a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.support.builders import TIME

Row = dict[str, Any]
PLAIN: Row = {
    "user_id": "123",
    "prompt": "A quiet harbour at dusk",
    "storage_url": "https://images.test/file-library/harbour.png",
    "storage_provider": "github",
    "created_at": TIME,
}


def insert(connection: Connection[Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows; each says what differs from a plain one."""
    with connection.transaction():
        for row in rows:
            whole = PLAIN | dict(row)
            if isinstance(whole.get("metadata"), dict | list):
                whole["metadata"] = Jsonb(whole["metadata"])
            statement = SQL("INSERT INTO generated_images ({}) VALUES ({})").format(
                SQL(", ").join(map(Identifier, whole)),
                SQL(", ").join([SQL("%s")] * len(whole)),
            )
            connection.execute(statement, list(whole.values()))


def many(connection: Connection[Any], count: int, *, named: bool = False) -> None:
    """So many successes and failures, quickly, with ids from the sequence."""
    connection.execute(
        """
        INSERT INTO generated_images (request_id, user_id, username, tool_name, prompt, size, n,
            storage_url, storage_provider, mime_type, bytes, sha256, tags, status, error, metadata,
            created_at)
        SELECT CASE WHEN %(named)s THEN 'req-' || i END, (i %% 97)::text, 'ada',
            'generateUserImage', 'A harbour, number ' || i, '1024x1024', 1,
            CASE WHEN i %% 10 = 0 THEN '' ELSE 'https://images.test/' || i || '.png' END,
            CASE WHEN i %% 10 > 0 THEN 'github' END, CASE WHEN i %% 10 > 0 THEN 'image/png' END,
            CASE WHEN i %% 10 > 0 THEN i END,
            CASE WHEN i %% 10 > 0 THEN encode(sha256(i::text::bytea), 'hex') END,
            ARRAY['portrait', 'n' || i %% 7],
            CASE WHEN i %% 10 = 0 THEN 'failed' ELSE 'success' END,
            CASE WHEN i %% 10 = 0 THEN 'the model answered 503' END,
            jsonb_build_object('number', i, 'half', i / 2.0),
            '2025-01-01Z'::timestamptz + i * interval '1.000001 s'
        FROM generate_series(1, %(count)s) AS i
        """,
        {"named": named, "count": count},
    )


def rows(connection: Connection[Any], *leave_out: str) -> dict[int, Row]:
    """The whole table by id, without some columns; values as PostgreSQL writes them in JSON."""
    statement = "SELECT id, to_jsonb(t) - %s::text[] FROM generated_images AS t ORDER BY id"
    return dict(connection.execute(statement, (list(leave_out),)).fetchall())
