"""Taking over a generated_images that was there before: nothing of it is lost, or nothing is done.

Everything that could stand in the way is looked for first, and reported together, with what to do.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn, CreateIndex

from projections.tables import generated_images

MAX_INDEXED_BYTES = 2_600
"""A btree entry over 2,704 bytes fails; the entry's header and alignment are taken off."""

SAMPLES = 20

DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]  # has no type hints

KIND = text("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(quote_ident(:name))")
COLUMNS = text("""
SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = 'generated_images'::regclass AND attnum > 0 AND NOT attisdropped
""")
INDEXES = text("""
SELECT c.relname, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'generated_images'::regclass AND i.indisvalid
""")
DUPLICATES = text("""
SELECT request_id, count(*) FROM generated_images
WHERE request_id IS NOT NULL GROUP BY request_id HAVING count(*) > 1 ORDER BY 2 DESC, 1
""")
LONG_URLS = text("""
SELECT id, octet_length(storage_url) FROM generated_images
WHERE octet_length(storage_url) > :limit ORDER BY id
""")
KEEP_FIRST = (
    """
CREATE TABLE generated_images_duplicate_requests (
    id BIGINT PRIMARY KEY, request_id TEXT NOT NULL, set_aside_at TIMESTAMPTZ NOT NULL DEFAULT now()
)""",
    """
INSERT INTO generated_images_duplicate_requests (id, request_id)
SELECT id, request_id FROM (
    SELECT id, request_id,
        row_number() OVER (PARTITION BY request_id ORDER BY created_at, id) AS place
    FROM generated_images WHERE request_id IS NOT NULL
) AS numbered WHERE place > 1""",
    """
UPDATE generated_images AS g SET request_id = NULL
FROM generated_images_duplicate_requests AS d WHERE g.id = d.id""",
    """
COMMENT ON TABLE generated_images_duplicate_requests IS
    'Rows whose request_id another row has too: theirs was set to NULL at adoption'""",
)

SET_ASIDE_LONG_URLS = (
    text("""
CREATE TABLE generated_images_long_urls (
    id BIGINT PRIMARY KEY, storage_url TEXT NOT NULL,
    set_aside_at TIMESTAMPTZ NOT NULL DEFAULT now()
)"""),
    text("""
INSERT INTO generated_images_long_urls (id, storage_url)
SELECT id, storage_url FROM generated_images WHERE octet_length(storage_url) > :limit"""),
    text("""
UPDATE generated_images AS g SET storage_url = ''
FROM generated_images_long_urls AS l WHERE g.id = l.id"""),
    text("""
COMMENT ON TABLE generated_images_long_urls IS
    'URLs too long for their index: their rows have none since adoption; backfill reads them here'
"""),
)


class AdoptionRefused(Exception):
    """The existing table cannot be taken over as it is; each line says what, why, what to do."""


def table_kind(connection: Connection, name: str) -> str | None:
    """What a relation on the search_path is (pg_class.relkind); None where there is none."""
    kind: str | None = connection.execute(KIND, {"name": name}).scalar()
    return kind


def adopt(connection: Connection, *, duplicates: str = "refuse", long_urls: str = "refuse") -> None:
    """Bring an existing generated_images to the declared shape, in the caller's transaction.

    Missing columns, defaults and indexes are added, and the index on request_id is made unique;
    no value of any row changes. With ``duplicates="keep-first"`` the request_id of all but the
    first row of each is set to NULL and kept in generated_images_duplicate_requests; with
    ``long_urls="set-aside"`` a storage_url that no index can hold is emptied and kept in
    generated_images_long_urls. Raises AdoptionRefused before anything is changed.
    """
    kind = table_kind(connection, "generated_images")
    if kind not in ("r", "p"):
        raise AdoptionRefused(
            f"generated_images is no table (relkind {kind}): rename it, then migrate again"
        )
    found = {row[0]: row for row in connection.execute(COLUMNS)}
    indexes = {str(row[0]): str(row[1]) for row in connection.execute(INDEXES)}
    problems = _wrong_columns(found)
    if "request_id" in found and duplicates == "refuse":
        problems += _duplicates(connection)
    urls_fit = "storage_url" not in found or "idx_generated_images_storage_url" in indexes
    if not urls_fit and long_urls == "refuse":
        problems += _long_urls(connection)
    if problems:
        raise AdoptionRefused("\n".join(problems))
    _add_columns(connection, found)
    if "request_id" in found and duplicates == "keep-first":
        for statement in KEEP_FIRST:
            connection.exec_driver_sql(statement)
    if not urls_fit and long_urls == "set-aside":
        _set_aside_long_urls(connection)
    _make_indexes(connection, indexes)


def _wrong_columns(found: dict[str, Any]) -> list[str]:
    problems = []
    for column in generated_images.columns:
        wanted = _type_name(column)
        if column.name not in found:
            if not column.nullable and column.server_default is None:
                problems.append(
                    f"column {column.name} is missing and has no default: add it and fill it"
                )
            continue
        _, actual, not_null, _ = found[column.name]
        if actual != wanted:
            problems.append(
                f"column {column.name} is {actual}, must be {wanted}: "
                f"ALTER TABLE generated_images ALTER {column.name} TYPE {wanted} "
                "(look first whether every value fits)"
            )
        if not not_null and not column.nullable:
            problems.append(
                f"column {column.name} may be NULL: fill it, then "
                f"ALTER TABLE generated_images ALTER {column.name} SET NOT NULL"
            )
    return problems


def _type_name(column: Any) -> str:
    """The type as PostgreSQL's format_type says it."""
    name = column.type.compile(dialect=DIALECT).lower()
    for short, long in (("varchar", "character varying"), ("char(", "character(")):
        if name.startswith(short):
            return str(name.replace(short, long, 1))
    return str(name)


def _duplicates(connection: Connection) -> list[str]:
    rows = connection.execute(DUPLICATES).fetchall()
    if not rows:
        return []
    shown = ", ".join(f"{name!r} ({count} rows)" for name, count in rows[:SAMPLES])
    more = f" and {len(rows) - SAMPLES} more" if len(rows) > SAMPLES else ""
    return [
        f"{len(rows)} request_ids stand in several rows: {shown}{more}. One request is one row: "
        "give the others ids of their own, or run `omega-images db migrate --duplicates "
        "keep-first`, which sets theirs to NULL and keeps what it was in a table"
    ]


def _long_urls(connection: Connection) -> list[str]:
    rows = connection.execute(LONG_URLS, {"limit": MAX_INDEXED_BYTES}).fetchall()
    if not rows:
        return []
    shown = ", ".join(f"{number} ({size} bytes)" for number, size in rows[:SAMPLES])
    return [
        f"{len(rows)} rows have a storage_url too long for its index (limit {MAX_INDEXED_BYTES} "
        f"bytes), by id: {shown}: put shorter ones in, or run `omega-images db migrate --long-urls "
        "set-aside`, which keeps them in a table, from where `omega-images backfill` stores them"
    ]


def _set_aside_long_urls(connection: Connection) -> None:
    create, fill, empty, comment = SET_ASIDE_LONG_URLS
    connection.execute(create)
    connection.execute(fill, {"limit": MAX_INDEXED_BYTES})
    connection.execute(empty)
    connection.execute(comment)


def _add_columns(connection: Connection, found: dict[str, Any]) -> None:
    for column in generated_images.columns:
        if column.name not in found:
            declared = CreateColumn(column).compile(dialect=DIALECT)
            connection.exec_driver_sql(f"ALTER TABLE generated_images ADD COLUMN {declared}")
        elif found[column.name][3] is None and column.server_default is not None:
            default = _default(column)
            connection.exec_driver_sql(
                f"ALTER TABLE generated_images ALTER COLUMN {column.name} SET DEFAULT {default}"
            )
    connection.exec_driver_sql(
        "COMMENT ON COLUMN generated_images.event_id IS "
        "'The event that made the row; NULL: no event did'"
    )


def _default(column: Any) -> str:
    return str(column.server_default.arg.text)


def _make_indexes(connection: Connection, found: dict[str, str]) -> None:
    for index in sorted(generated_images.indexes, key=lambda item: str(item.name)):
        name = str(index.name)
        if name in found and ("CREATE UNIQUE" in found[name]) == bool(index.unique):
            continue
        if name in found:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        statement = str(CreateIndex(index).compile(dialect=DIALECT))
        connection.exec_driver_sql(statement)
