"""Replaying some requests, and explaining them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from consumers.history import Criteria, decoded_or_none, events_of, requests_that_meet
from operations.rebuilding import run_replay
from operations.wiring import Ledger
from projections.history import row_ids
from projections.shadow import exists
from tests.integration.test_rebuild import MIX, filled, judge, ledger, project, records
from tests.support.checker import actual_rows, five_numbers
from tests.support.load import mixed_load
from tests.support.running import Shell
from tests.support.sending import send
from tests.support.statistics import stored_numbers

__all__ = ["ledger"]

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
def here(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", ledger.servers.kafka.bootstrap_servers)
    monkeypatch.setenv("OMEGA_DATABASE_URL", ledger.servers.database_url)
    monkeypatch.setenv("OMEGA_TOPIC", ledger.topic)
    return ledger


@pytest.fixture
def shell(here: Ledger, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def test_only_the_requests_that_are_meant_are_mended_and_the_sums_follow(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 1_500)
    ids = sorted(actual_rows(connection))[:6]
    connection.execute(
        "UPDATE generated_images SET prompt = 'spoilt' WHERE request_id = ANY(%s)", (ids,)
    )
    before = actual_rows(connection)
    chosen = frozenset(ids[:3])
    dry = run_replay(ledger, "table", chosen, dry_run=True, show=2)
    assert [one.what for one in dry.differences] == ids[:3]
    assert {one.columns for one in dry.differences} == {("prompt",)}
    assert len(dry.rows) == 2
    assert dry.rows[0].old is not None
    assert dry.rows[0].new is not None
    assert dry.rows[0].old["prompt"] == "spoilt" != dry.rows[0].new["prompt"]
    assert actual_rows(connection) == before
    assert run_replay(ledger, "table", chosen, dry_run=False, show=0).mended == 3
    still = {key for key, row in actual_rows(connection).items() if row["prompt"] == "spoilt"}
    assert still == set(ids[3:])
    run_replay(ledger, "table", frozenset(ids), dry_run=False, show=0)
    assert not exists(connection, "omega_replay_table")
    judge(connection, records(ledger))


def test_what_a_request_contributes_is_corrected_in_every_sum(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    """As if half a batch had been written by hand: contributions and sums are wrong together."""
    filled(ledger, kafka_server, 1_000)
    good = sorted(k for k, row in actual_rows(connection).items() if row["bytes"])[:3]
    connection.execute(
        "UPDATE statistics_requests SET bytes = bytes + 5 WHERE request_id = ANY(%s)", (good,)
    )
    for bucket in ("total",):
        connection.execute(
            "UPDATE statistics_sums SET bytes_sum = bytes_sum + 15 WHERE (bucket, shard) IN"
            " (SELECT bucket, shard FROM statistics_sums WHERE bucket = %s LIMIT 1)",
            (bucket,),
        )
    done = run_replay(ledger, "stats", frozenset(good), dry_run=False, show=3)
    assert done.mended == 3
    rows = actual_rows(connection).values()
    assert stored_numbers(connection) == five_numbers(rows)


def test_requests_are_found_by_user_tool_and_time(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 800)
    rows = actual_rows(connection)
    user = next(iter(rows.values()))["user_id"]
    reader = ledger.reader()
    found = requests_that_meet(reader, Criteria(user_id=user, tool_name="renderChart"))
    expected = {
        one.event.data.request_id
        for record in records(ledger)
        if (one := decoded_or_none(record))
        and getattr(one.event.data, "user_id", None) == user
        and getattr(one.event.data, "tool_name", None) == "renderChart"
    }
    assert found == expected
    now = datetime.now(UTC)
    assert not requests_that_meet(reader, Criteria(since=now + timedelta(hours=1)))
    assert requests_that_meet(reader, Criteria(until=now + timedelta(hours=1))) >= rows.keys()
    reader.close()


def test_a_replay_while_the_log_goes_on_harms_nothing(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 800)
    # Of the same requests, not projected yet: they must not be taken for missing.
    send(kafka_server, ledger.topic, mixed_load(800, MIX, seed=1))
    everything = frozenset(actual_rows(connection))
    for name in ("table", "stats"):
        done = run_replay(ledger, name, everything, dry_run=False, show=0)
        assert done.differences == []
    for name in ("table", "stats"):
        project(ledger, name)
    judge(connection, records(ledger))


def test_explain_reads_only_from_the_place_of_the_row(
    here: Ledger, connection: Connection[Any], kafka_server: str, shell: Shell
) -> None:
    filled(here, kafka_server, 3_000)
    log = records(here)
    for request_id, row in list(actual_rows(connection).items())[:10]:
        reader = here.reader()
        found = events_of(reader, request_id, row_ids(connection, request_id))
        reader.close()
        alone = [r for r in log if r.key == request_id.encode() and not r.headers]
        assert {(r.partition, r.offset) for r in alone} == {
            (one.record.partition, one.record.offset) for one in found.events
        }
        assert found.records_read < 1_500
        facts = shell("explain", str(row["id"]), "--json").facts
        assert facts["request_id"] == request_id
        (made,) = [one for one in facts["events"] if "made the row" in one["why"]]
        assert made["event_id"] == row["event_id"]
        assert facts["kept"]["generated_images"]["id"] == row["id"]
        assert "statistics_requests" in facts["kept"]


def test_commands_say_what_they_did_and_what_was_wrong(
    here: Ledger, connection: Connection[Any], kafka_server: str, shell: Shell
) -> None:
    filled(here, kafka_server, 300)
    request_id = next(iter(actual_rows(connection)))
    connection.execute(
        "UPDATE generated_images SET prompt = '[bold]x[/bold]' WHERE request_id = %s", (request_id,)
    )
    dry = shell("replay", "--request-id", request_id, "--dry-run")
    assert (dry.code, "should be" in dry.out, "[bold]x[/bold]" in dry.out) == (0, True, True)
    assert shell("replay", "--request-id", request_id, "--yes").code == 0
    again = shell("replay", "--request-id", request_id, "--yes", "--json")
    assert [one["differences"] for one in again.facts] == [0, 0]
    judge(connection, records(here))
    assert "made the row" in shell("explain", request_id).out
    for words, said, expected in (
        (("replay",), "which requests is not said", 2),
        (("replay", "--user", "nobody", "--yes"), "no event in the log", 1),
        (("replay", "--user", "u"), "no event in the log", 1),
        (("replay", "--from", "today"), "is no ISO 8601 time", 2),
        (("replay", "--from", "2026-01-02", "--to", "2026-01-01"), "not before", 2),
        (("explain", "never-heard-of"), "neither the log nor a table", 1),
        (("explain", "7"), "there is no row of this id", 1),
    ):
        code, line = shell.fails(*words)
        assert (code, said in line) == (expected, True), words
