"""Rebuilding from the log on real servers, while others read and write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from consumers.bulk_load import replay
from consumers.processor import Processor
from consumers.rebuild import Rebuild, RebuildRefused
from operations.rebuilding import RebuildOptions, RebuildResult, run_rebuild, source_of
from operations.settings import Settings
from operations.wiring import PROJECTIONS, Ledger, servers
from projections.comparing import Comparison, _compare_sums
from projections.shadow import Shadow, exists
from schemas.record import Record
from tests.support.checker import (
    actual_poison,
    actual_rows,
    differences,
    expected_poison,
    expected_rows,
    five_numbers,
)
from tests.support.load import Mix, mixed_load
from tests.support.sending import send
from tests.support.statistics import breakdowns_of_rows, breakdowns_of_statistics, stored_numbers

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

MIX = Mix(duplicates=0.1, failures=0.2, moves=0.1, deletions=0.05, poison=0.02)
NAMES = ("table", "stats")


@pytest.fixture
def ledger(kafka_server: str, topic: str, database_url: str) -> Ledger:
    settings = Settings(
        kafka_bootstrap_servers=kafka_server,
        DATABASE_URL=SecretStr(database_url),
        topic=topic,
    )
    return Ledger(settings, servers(settings))


def project(ledger: Ledger, name: str) -> None:
    """Bring the live projection to the log's end."""
    owner = f"test-{name}"
    processor = Processor(PROJECTIONS[name](), ledger.key(name), ledger.connector(owner), owner)
    replay(ledger.reader(), processor, ledger.topic_state().end)


def records(ledger: Ledger) -> list[Record]:
    end = ledger.topic_state().end
    reader = ledger.reader()
    found = [r for batch in reader.read(dict.fromkeys(end, 0), end) for r in batch]
    reader.close()
    return found


def rebuild(
    ledger: Ledger, name: str, confirm: Callable[[Comparison], bool] | None = None, **options: Any
) -> RebuildResult:
    return run_rebuild(ledger, name, RebuildOptions(**options), confirm)


def filled(ledger: Ledger, kafka_server: str, events: int = 2_000, seed: int = 1) -> None:
    send(kafka_server, ledger.topic, mixed_load(events, MIX, seed))
    for name in NAMES:
        project(ledger, name)


def judge(connection: Connection[Any], log: Sequence[Record]) -> None:
    rows = actual_rows(connection)
    assert differences(expected_rows(log), rows) == []
    for name in NAMES:
        assert actual_poison(connection, name) == expected_poison(log)
    assert stored_numbers(connection) == five_numbers(rows.values())
    assert breakdowns_of_statistics(connection) == breakdowns_of_rows(rows.values())


@pytest.mark.parametrize("asked", [False, True])
def test_a_rebuild_mends_what_was_damaged_and_a_rollback_brings_it_back(
    ledger: Ledger, connection: Connection[Any], kafka_server: str, asked: bool
) -> None:
    filled(ledger, kafka_server)
    log = records(ledger)
    judge(connection, log)
    connection.execute("DELETE FROM generated_images WHERE tool_name = 'renderChart'")
    connection.execute("UPDATE generated_images SET prompt = 'spoilt' WHERE user_id < 'user3'")
    connection.execute("DELETE FROM statistics_sums WHERE bucket LIKE 'tool%'")
    damaged = actual_rows(connection)
    shown: list[Comparison] = []

    def confirm(comparison: Comparison) -> bool:
        with psycopg.connect(ledger.servers.database_url) as writer:
            writer.execute("LOCK TABLE generated_images IN ROW EXCLUSIVE MODE NOWAIT")
        shown.append(comparison)
        return True

    result = rebuild(ledger, "table", confirm if asked else None)
    assert shown == ([result.comparison] if asked else [])
    assert result.comparison.added > 0
    assert list(result.comparison.columns) == ["prompt"]
    assert result.comparison.lost == result.comparison.deleted == 0
    rebuild(ledger, "stats")
    judge(connection, log)
    assert not exists(connection, "omega_rebuild_table")
    with Rebuild(source_of(ledger, "table")) as work:
        work.roll_back()
    assert actual_rows(connection) == damaged
    with Rebuild(source_of(ledger, "table")) as work:
        work.roll_back()
    judge(connection, log)


def test_a_rebuild_of_what_is_right_changes_nothing_and_a_dry_run_touches_nothing(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server)
    for name in NAMES:
        result = rebuild(ledger, name, dry_run=True)
        assert result.comparison.identical
        assert not result.swapped
        assert not exists(connection, f"omega_rebuild_{name}")
        assert not exists(connection, f"omega_previous_{name}")
    judge(connection, records(ledger))


def test_who_declines_the_swap_keeps_the_tables_as_they_are(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 300)
    connection.execute("UPDATE generated_images SET prompt = 'spoilt'")
    before = actual_rows(connection)
    result = rebuild(ledger, "table", lambda comparison: not comparison.changed)
    assert not result.swapped
    assert actual_rows(connection) == before
    assert not exists(connection, "omega_rebuild_table")
    assert not exists(connection, "omega_previous_table")


def test_rows_no_event_made_and_ids_of_the_live_table_are_kept(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 500)
    connection.execute(
        "INSERT INTO generated_images (user_id, prompt, storage_url) VALUES ('by-hand', 'p', '/x')"
    )
    connection.execute(
        "UPDATE generated_images SET id = 77 WHERE request_id ="
        " (SELECT min(request_id) FROM generated_images)"
    )
    before = connection.execute("SELECT * FROM generated_images ORDER BY id").fetchall()
    result = rebuild(ledger, "table")
    assert result.comparison.unmade == 1
    assert connection.execute("SELECT * FROM generated_images ORDER BY id").fetchall() == before
    new_id = connection.execute(
        "INSERT INTO generated_images (user_id, prompt, storage_url)"
        " VALUES ('after', 'p', '/x') RETURNING id"
    ).fetchone()
    assert new_id is not None
    assert new_id[0] > before[0][0]
    rebuild(ledger, "table", keep_unmade=False)
    assert connection.execute(
        "SELECT count(*) FROM generated_images WHERE event_id IS NULL"
    ).fetchone() == (0,)


@pytest.mark.parametrize("column", ["user_id", "prompt", "storage_url", "bytes", "metadata"])
def test_two_rows_that_have_exchanged_a_value_are_not_alike(
    connection: Connection[Any], column: str
) -> None:
    shadow = Shadow("table", "public")
    connection.execute(
        "INSERT INTO generated_images (request_id, user_id, prompt, storage_url, bytes, metadata,"
        " event_id) SELECT 'r' || n, 'u' || n, 'p' || n, '/' || n, n, jsonb_build_object('n', n),"
        " 'e' || n FROM generate_series(1, 40) AS n"
    )
    connection.execute(f"CREATE SCHEMA {shadow.schema}")
    connection.execute(f"CREATE TABLE {shadow.schema}.generated_images AS TABLE generated_images")
    assert _compare_sums(connection, shadow).alike
    for number in range(1, 40, 2):
        pair = [f"r{number}", f"r{number + 1}"]
        exchange = SQL(
            "UPDATE generated_images AS a SET {column} = b.{column} FROM generated_images AS b"
            " WHERE a.request_id = ANY(%(pair)s) AND b.request_id = ANY(%(pair)s)"
            " AND a.request_id <> b.request_id"
        ).format(column=Identifier(column))
        connection.execute(exchange, {"pair": pair})
        assert not _compare_sums(connection, shadow).alike, pair
        connection.execute(exchange, {"pair": pair})
        assert _compare_sums(connection, shadow).alike


def test_rows_that_would_be_lost_refuse_the_swap_unless_their_number_is_named(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 500)
    connection.execute(
        "INSERT INTO generated_images (request_id, user_id, prompt, storage_url, event_id)"
        " VALUES ('of-no-log', 'u', 'p', '/x', 'e')"
    )
    with pytest.raises(RebuildRefused, match=r"of-no-log.*--accept-loss 1"):
        rebuild(ledger, "table")
    assert "of-no-log" in actual_rows(connection)
    assert rebuild(ledger, "table", accept_loss=1).swapped
    judge(connection, records(ledger))


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE VIEW gallery AS SELECT * FROM generated_images", "view gallery"),
        (
            "CREATE TABLE likes (image BIGINT CONSTRAINT likes_image REFERENCES generated_images)",
            "foreign key likes_image",
        ),
        ("CREATE MATERIALIZED VIEW top AS SELECT user_id FROM generated_images", "view top"),
    ],
)
def test_what_hangs_on_the_table_is_named_beforehand(
    ledger: Ledger, connection: Connection[Any], kafka_server: str, statement: str, name: str
) -> None:
    filled(ledger, kafka_server, 100)
    connection.execute(statement)
    with pytest.raises(RebuildRefused, match=name):
        rebuild(ledger, "table")


def test_grants_comments_indexes_and_columns_of_the_operator_survive(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 300)
    connection.execute("DROP ROLE IF EXISTS analyst")
    connection.execute("CREATE ROLE analyst")
    connection.execute("GRANT SELECT ON generated_images TO analyst")
    connection.execute("CREATE INDEX own_index ON generated_images (lower(username))")
    connection.execute("COMMENT ON TABLE generated_images IS 'ours'")
    connection.execute("ALTER TABLE generated_images ADD own_column TEXT DEFAULT 'x'")
    connection.execute("ALTER TABLE generated_images SET (autovacuum_vacuum_scale_factor = 0.05)")
    described = (
        "SELECT relacl::text, reloptions, obj_description(oid, 'pg_class') FROM pg_class"
        " WHERE oid = 'generated_images'::regclass"
    )
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    before = [connection.execute(query).fetchall() for query in (described, indexes)]
    rebuild(ledger, "table")
    assert [connection.execute(query).fetchall() for query in (described, indexes)] == before
    assert connection.execute("SELECT DISTINCT own_column FROM generated_images").fetchall() == [
        ("x",)
    ]
    connection.execute("DROP OWNED BY analyst")
    connection.execute("DROP ROLE analyst")


def test_two_rebuilds_at_once_are_refused(ledger: Ledger, kafka_server: str) -> None:
    with (
        Rebuild(source_of(ledger, "table")),
        pytest.raises(RebuildRefused, match="another rebuild of table"),
    ):
        Rebuild(source_of(ledger, "table"))


def test_nothing_to_roll_back_to_is_one_line(ledger: Ledger) -> None:
    with (
        Rebuild(source_of(ledger, "stats")) as work,
        pytest.raises(RebuildRefused, match="nothing to roll stats back to"),
    ):
        work.roll_back()


def test_a_worker_that_meets_the_swap_is_fenced_and_goes_on_from_the_new_position(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    from projections.faults import FenceLost
    from tests.integration.test_processor import batch_of

    filled(ledger, kafka_server, 300)
    worker = Processor(PROJECTIONS["table"](), ledger.key("table"), ledger.connector("w"), "w")
    worker.claim(range(6))
    send(kafka_server, ledger.topic, mixed_load(300, MIX, 2))
    log = records(ledger)
    rebuild(ledger, "table")
    first = [record for record in log if record.partition == 0]
    with pytest.raises(FenceLost):
        worker.process(batch_of(first))
    worker.close()
    for name in NAMES:
        project(ledger, name)
    judge(connection, log)


def test_queued_lock_at_the_swap_does_not_block_readers(
    ledger: Ledger, connection: Connection[Any], kafka_server: str, database_url: str
) -> None:
    """A long SELECT stands in the swap's way; other readers never wait behind the swap's lock."""
    filled(ledger, kafka_server, 300)
    reader = psycopg.connect(database_url)
    reader.execute("SELECT count(*) FROM generated_images").fetchall()
    done = threading.Event()
    result: list[RebuildResult] = []

    def work() -> None:
        try:
            result.append(rebuild(ledger, "table"))
        finally:
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    # Who waits behind a lock that waits for the reader would wait until the reader ends.
    connection.execute("SET lock_timeout = '10s'")
    locked_out = 0
    while not done.is_set():
        connection.execute("SELECT count(*) FROM generated_images").fetchall()
        waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
        row = connection.execute(waiting).fetchone()
        locked_out += bool(row and row[0])
        if locked_out > 20 and not reader.closed:
            reader.close()
    thread.join()
    assert result[0].swapped
    assert locked_out > 20
