"""Rows that no event made become events, on real servers; and then the table is made of nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from operations.rebuilding import RebuildOptions, run_rebuild
from projections.dead_letter_reads import Selection, each
from schemas.events import ImageGenerated
from tests.integration.test_migrations import DOCUMENTED
from tests.support.builders import TIME, deleted, generated
from tests.support.ledger_world import PNG, LedgerWorld, ledger_world, local_variables
from tests.support.old_table import insert, many, rows
from tests.support.running import Shell
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
def world(
    variables: dict[str, str], connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[LedgerWorld]:
    with ledger_world(variables, connection, monkeypatch) as world:
        yield world


@pytest.fixture
def shell(world: LedgerWorld, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def from_nothing(world: LedgerWorld) -> None:
    """Forget everything but the log, and let the workers read it anew."""
    tables = "generated_images, image_relocations, deleted_images, projection_positions"
    world.connection.execute(f"TRUNCATE {tables}")
    world.connection.execute("SELECT setval('generated_images_id_seq', 1, false)")
    world.project("table")


def in_the_log(world: LedgerWorld) -> int:
    return sum(world.ledger.topic_state().end.values())


def await_log(world: LedgerWorld, least: int) -> None:
    eventually(lambda: in_the_log(world) >= least, timeout_s=60)


def test_the_rows_stay_what_they_were_and_can_be_made_of_nothing(
    world: LedgerWorld, shell: Shell
) -> None:
    many(world.connection, 1_500)
    many(world.connection, 500, named=True)
    before = rows(world.connection, "event_id", "request_id")
    done = shell("backfill", "--json").facts
    assert (done["published"], done["named"], done["rejected"]) == (2_000, 1_500, 0)
    assert (done["adapted"], done["stopped"]) == ({}, None)
    world.project("table")
    after = rows(world.connection)
    assert rows(world.connection, "event_id", "request_id") == before
    assert {row["event_id"] for row in after.values()} == {f"backfill-{i}" for i in after}
    assert [after[1]["request_id"], after[1501]["request_id"]] == ["backfill-1", "req-1"]
    from_nothing(world)
    assert rows(world.connection) == after
    # Whoever still inserts past the log gets ids that nobody has.
    insert(world.connection, [{}])
    assert max(rows(world.connection)) == 2_001


def test_a_rebuild_makes_them_too_and_the_statistics_count_them(
    world: LedgerWorld, shell: Shell
) -> None:
    many(world.connection, 300)
    assert shell("backfill", "--json").facts["published"] == 300
    world.project()
    before = rows(world.connection)
    result = run_rebuild(world.ledger, "table", RebuildOptions(), lambda _: True)
    assert (result.swapped, result.comparison.identical) == (True, True)
    assert rows(world.connection) == before
    assert shell("images", "stats", "--json").facts["total_images"] == 300
    assert shell("reconcile", "--json").code == 0
    world.connection.execute("TRUNCATE generated_images, projection_positions")
    world.connection.execute("SELECT setval('generated_images_id_seq', 1, false)")
    run_rebuild(world.ledger, "table", RebuildOptions(), lambda _: True)
    assert rows(world.connection) == before
    insert(world.connection, [{}])
    assert max(rows(world.connection)) == 301


def test_running_it_twice_publishes_nothing_twice(world: LedgerWorld, shell: Shell) -> None:
    many(world.connection, 200)
    assert shell("backfill", "--json", "--limit", "150").facts["published"] == 150
    # The table has read nothing of it yet.
    again = shell("backfill", "--json").facts
    assert (again["published"], again["already"]) == (50, 150)
    world.project("table")
    third = shell("backfill", "--json").facts
    assert (third["published"], third["already"], in_the_log(world)) == (0, 0, 200)


def test_killed_anywhere_the_next_run_goes_on(
    world: LedgerWorld, shell: Shell, variables: dict[str, str]
) -> None:
    many(world.connection, 3_000)
    expected = rows(world.connection, "event_id", "request_id")
    for more in (200, 700):
        command = [sys.executable, "-m", "operations.main", "backfill", "--rate", "1500"]
        with subprocess.Popen(
            command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL
        ) as process:
            await_log(world, in_the_log(world) + more)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert in_the_log(world) < 3_000
    done = shell("backfill", "--json").facts
    assert done["already"] >= 900
    assert (done["rejected"], done["stopped"]) == (0, None)
    world.project("table")
    assert rows(world.connection, "event_id", "request_id") == expected
    assert shell("backfill", "--json").facts["published"] == 0
    after = rows(world.connection)
    from_nothing(world)
    assert rows(world.connection) == after


def test_workers_may_run_meanwhile(world: LedgerWorld, shell: Shell) -> None:
    many(world.connection, 600)
    before = rows(world.connection, "event_id", "request_id")
    with world.working():
        assert shell("backfill", "--json").facts["published"] == 600
    world.project()
    assert rows(world.connection, "event_id", "request_id") == before
    assert all(row["event_id"] for row in rows(world.connection).values())


def test_images_in_urls_go_into_the_storage(world: LedgerWorld, shell: Shell) -> None:
    image = PNG + bytes(range(200))
    url = "data:image/png;base64," + b64encode(image).decode()
    insert(world.connection, [{"storage_url": url, "storage_provider": None, "bytes": 7}])
    foretold = shell("backfill", "--json", "--dry-run").facts
    assert (foretold["published"], foretold["stored"], world.files) == (1, 1, [])
    done = shell("backfill", "--json").facts
    assert (done["published"], done["stored"]) == (1, 1)
    world.project("table")
    (row,) = rows(world.connection).values()
    name = world.store.filename_of(row["storage_url"])
    assert name is not None
    assert world.store.read(name) == image
    assert (row["storage_provider"], row["bytes"], row["mime_type"]) == ("local", 208, "image/png")
    from_nothing(world)
    assert list(rows(world.connection).values()) == [row]


@pytest.fixture
def unmigrated(
    kafka_server: str, topic: str, empty_database_url: str, tmp_path: Path
) -> dict[str, str]:
    return local_variables(kafka_server, topic, empty_database_url, tmp_path)


def test_urls_that_no_index_holds_are_set_aside_at_adoption_and_stored_from_there(
    unmigrated: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell, image = Shell(capsys), PNG + os.urandom(90_000)
    with psycopg.connect(unmigrated["OMEGA_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(DOCUMENTED)
        connection.execute("DROP INDEX idx_generated_images_storage_url")
        url = "data:image/png;base64," + b64encode(image).decode()
        plot = "https://charts.test/?c=" + "x" * 3_000
        insert(connection, [{"storage_url": url}, {"storage_url": plot}, {}])
        with ledger_world(unmigrated, connection, monkeypatch) as world:
            assert "--long-urls set-aside" in shell.fails("db", "migrate")[1]
            assert shell("db", "migrate", "--long-urls", "set-aside").code == 0
            assert shell("db", "verify").code == 0
            ran = shell("backfill", "--json")
            assert (ran.facts["published"], ran.facts["stored"]) == (2, 1)
            assert [one["id"] for one in ran.facts["samples"]] == [2]
            assert "3023 bytes, limit 2048" in ran.facts["samples"][0]["reason"]
            world.project("table")
            name = world.store.filename_of(rows(connection)[1]["storage_url"])
            assert name is not None
            assert world.store.read(name) == image
            assert shell("backfill", "--json").facts["published"] == 0


REJECTED: dict[str, dict[str, Any]] = {
    "storage_url: 2065 bytes, limit 2048": {"storage_url": "https://h.test/" + "x" * 2_050},
    "storage_url: is no": {"storage_url": "file:///tmp/x.png"},
    "storage_url: ": {"storage_url": ""},
    "base64 is broken": {"storage_url": "data:image/png;base64,*"},
    "which is no image": {"storage_url": "data:text/plain,hello"},
    "its bytes begin as": {"storage_url": "data:image/png;base64,R0lGODlh"},
    "zero bytes": {"storage_url": "data:image/png;base64,"},
    "an image in its storage_url": {"status": "failed", "storage_url": "data:image/png,x"},
    "n: ": {"n": 0},
    "bytes: ": {"bytes": -1},
    "sha256: ": {"sha256": "abc"},
    "tags": {"tags": ["a", None]},
    "username: ": {"username": "x" * 256},
    "user_id: ": {"user_id": ""},
    "created_at: before 1970": {"created_at": "infinity"},
    "created_at: before 1970, or": {"created_at": "0044-03-15 BC"},
    "more digits than a double keeps": {"metadata": '{"x": 0.12345678901234567890123}'},
    "row_id: ": {"id": 2**32 + 5},
    "row_id": {"id": -3},
    "deleted this request": {"request_id": "gone"},
}


def test_rows_that_cannot_be_carried_are_told_and_stop_nothing(
    world: LedgerWorld, shell: Shell, tmp_path: Path
) -> None:
    world.publish(deleted("gone"))
    world.project("table")
    insert(world.connection, [{"id": 100, "prompt": "good"}])
    insert(world.connection, [{"id": 1_000 + i} | r for i, r in enumerate(REJECTED.values())])
    insert(world.connection, [{"id": 2_000, "prompt": "good, too"}])
    before = rows(world.connection, "request_id", "event_id")
    told = tmp_path / "rejected.jsonl"
    foretold = shell("backfill", "--json", "--dry-run").facts
    ran = shell("backfill", "--json", "--rejected", str(told))
    assert (ran.code, ran.facts["published"], ran.facts["rejected"]) == (1, 2, len(REJECTED))
    assert foretold["rejected"] == len(REJECTED)
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    by_id = {line["id"]: line["reason"] for line in lines}
    for number, (why, row) in enumerate(REJECTED.items()):
        reason = by_id[row.get("id", 1_000 + number)]
        assert why in reason, (why, reason)
    world.project("table")
    assert rows(world.connection, "request_id", "event_id") == before
    made = [i for i, row in rows(world.connection).items() if row["event_id"]]
    assert made == [100, 2_000]
    assert in_the_log(world) == 3


def test_what_an_event_says_otherwise_is_counted_and_nothing_is_lost(
    world: LedgerWorld, shell: Shell
) -> None:
    insert(
        world.connection,
        [
            {"n": None, "storage_provider": None, "error": "slow", "metadata": {"a": 1}},
            {"status": "timeout", "storage_url": "https://h.test/half.png", "bytes": 3},
            {"status": "failed", "storage_url": "", "error": None, "metadata": "[1, 2]"},
        ],
    )
    done = shell("backfill", "--json").facts
    assert (done["published"], done["rejected"]) == (3, 0)
    assert done["adapted"]["status was 'timeout', is failed"] == 1
    world.project("table")
    first, second, third = rows(world.connection).values()
    assert (first["n"], first["storage_provider"], first["status"]) == (1, "omega", "success")
    assert first["metadata"] == {"a": 1, "backfill": {"error": "slow"}}
    assert (second["status"], second["error"], second["storage_url"]) == ("failed", "timeout", "")
    kept = {"status": "timeout", "storage_url": "https://h.test/half.png", "bytes": 3}
    assert second["metadata"] == {"backfill": kept | {"storage_provider": "github"}}
    assert (third["error"], third["metadata"]) == ("failed", {"backfill": {"metadata": [1, 2]}})


def test_an_id_that_two_requests_claim_is_one_records_fault(
    world: LedgerWorld, shell: Shell
) -> None:
    """Forged or broken events; the good ones beside them land, in a rebuild, too."""
    for number in range(40):
        world.publish(generated(f"req-{number}", event_id=f"e-{number}", row_id=1 + number // 2))
    world.project("table")
    assert sorted(rows(world.connection)) == list(range(1, 21))
    letters = list(each(world.connection, Selection()))
    assert len(letters) == 20
    assert {letter.error_class for letter in letters} == {"UniqueViolation"}
    world.connection.execute("TRUNCATE generated_images, projection_positions, dead_letters")
    run_rebuild(world.ledger, "table", RebuildOptions(), lambda _: True)
    assert sorted(rows(world.connection)) == list(range(1, 21))
    assert len(list(each(world.connection, Selection()))) == 20


def test_a_row_whose_id_an_event_claims_stays_and_a_rebuild_says_so(
    world: LedgerWorld, shell: Shell
) -> None:
    insert(world.connection, [{"id": 5, "prompt": "mine"}])
    world.publish(generated("thief", row_id=5))
    world.project("table")
    assert rows(world.connection)[5]["prompt"] == "mine"
    assert len(list(each(world.connection, Selection()))) == 1
    code, line = shell.fails("rebuild", "table", "--yes")
    assert code == 1
    assert "5 (thief)" in line
    assert rows(world.connection)[5]["prompt"] == "mine"


def test_a_table_from_before_the_backfill_is_restored(world: LedgerWorld, shell: Shell) -> None:
    """An old backup: rows without a request id, whose events are in the log; redriven, they fit."""
    many(world.connection, 20)
    assert shell("backfill", "--json").facts["published"] == 20
    world.connection.execute("UPDATE generated_images SET request_id = NULL")
    world.project("table")
    assert len(list(each(world.connection, Selection()))) == 20
    ran = shell("backfill", "--json")
    assert (ran.facts["published"], ran.facts["named"], ran.facts["rejected"]) == (0, 20, 20)
    assert "redrive" in ran.facts["samples"][0]["reason"]
    assert shell("dead-letters", "redrive", "--all").code == 0
    assert all(row["event_id"] for row in rows(world.connection).values())
    assert shell("backfill", "--json").facts["rejected"] == 0


def test_two_rows_cannot_get_one_request_id(world: LedgerWorld, shell: Shell) -> None:
    insert(world.connection, [{"id": 1}, {"id": 2, "request_id": "backfill-1"}])
    ran = shell("backfill", "--json")
    assert (ran.facts["published"], ran.facts["rejected"]) == (1, 1)
    assert "backfill-1" in ran.facts["samples"][0]["reason"]


def test_an_event_of_the_request_and_its_old_row_become_one(
    world: LedgerWorld, shell: Shell
) -> None:
    """A tool that published as well as inserted: one row, with the old id."""
    insert(world.connection, [{"id": 9, "request_id": "both"}])
    assert shell("backfill", "--json").facts["published"] == 1
    world.publish(generated("both", time=TIME.replace(year=2027), prompt="later"))
    world.project("table")
    (row,) = rows(world.connection).values()
    assert (row["id"], row["prompt"]) == (9, "A quiet harbour at dusk")


def test_sealed_events_open_again_into_the_same_rows(
    world: LedgerWorld, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMEGA_SEAL", "true")
    many(world.connection, 50)
    before = rows(world.connection, "event_id", "request_id")
    assert shell("backfill", "--json").facts["published"] == 50
    assert b"A harbour" not in world.values()
    world.project("table")
    from_nothing(world)
    assert rows(world.connection, "event_id", "request_id") == before


def test_only_one_runs_at_a_time(world: LedgerWorld, shell: Shell) -> None:
    with world.ledger.connect() as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('omega-images/backfill', 0))")
        code, line = shell.fails("backfill")
    assert (code, "another one is running" in line) == (1, True)


def test_a_dry_run_changes_nothing(world: LedgerWorld, shell: Shell) -> None:
    many(world.connection, 30)
    before = rows(world.connection)
    ran = shell("backfill", "--dry-run")
    assert "30 events would be published" in ran.out
    assert (rows(world.connection), in_the_log(world)) == (before, 0)
    assert ImageGenerated.model_fields["row_id"].default is None
