"""The commands on real servers: what they print, what they change, their exit codes."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from operations.wiring import Ledger
from projections.dead_letters import DeadLetter, store
from projections.positions import ProjectionKey, claim
from schemas.record import Record
from tests.integration.test_rebuild import filled, ledger, project
from tests.support.checker import actual_rows
from tests.support.load import EPOCH, message
from tests.support.malformed import malformed_values
from tests.support.running import Shell

__all__ = ["ledger"]

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    # kafka-python leaves sockets of connections that were refused.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def shell(
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", ledger.servers.kafka.bootstrap_servers)
    monkeypatch.setenv("OMEGA_DATABASE_URL", ledger.servers.database_url)
    monkeypatch.setenv("OMEGA_TOPIC", ledger.topic)
    return Shell(capsys)


def line(number: int, **more: Any) -> bytes:
    data = {"request_id": f"r{number}", "user_id": "u", "tool_name": "t", "prompt": "p"}
    data |= {"storage_url": "https://x.test/1", "storage_provider": "s3", **more}
    return message("ImageGenerated", data, EPOCH, f"e{number}").value


def events_file(folder: Path, lines: Sequence[bytes]) -> str:
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return str(file)


def test_topic_is_created_once_and_described(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, topic_name: str
) -> None:
    monkeypatch.setenv("OMEGA_TOPIC", f"{topic_name}-new")
    assert shell.fails("topic", "describe")[1].endswith("run `omega-images topic create`")
    assert "created" in shell("topic", "create").out
    assert "exists already" in shell("topic", "create").out
    facts = shell("topic", "describe", "--json").facts
    assert len(facts["partitions"]) == 6
    assert facts["settings"]["cleanup.policy"] == "delete"


def test_db_migrates_and_verifies(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    monkeypatch.setenv("OMEGA_DATABASE_URL", empty_database_url)
    assert shell.fails("images", "count")[1].endswith("run `omega-images db migrate`")
    assert "migrated from nothing" in shell("db", "migrate").out
    assert "up to date" in shell("db", "migrate").out
    assert shell("db", "verify", "--json").facts == {"holds": True, "differences": []}
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("DROP INDEX idx_generated_images_status")
    found = shell("db", "verify")
    assert (found.code, "idx_generated_images_status" in found.out) == (1, True)


def test_emit_names_bad_lines_and_publishes_the_rest(
    shell: Shell, ledger: Ledger, connection: Connection[Any], tmp_path: Path
) -> None:
    lines = [line(1), b"{", b"", line(2, prompt="x" * 300_000), line(3), b'"' + b"y" * 2_000_000]
    ran = shell("emit", events_file(tmp_path, [*lines, line(4)]))
    assert ran.code == 1
    assert "3 events published, 3 lines refused" in ran.out
    assert [one.split(":")[0] for one in ran.err.strip().splitlines()] == [
        "line 2",
        "line 4",
        "line 6",
    ]
    project(ledger, "table")
    assert actual_rows(connection).keys() == {"r1", "r3", "r4"}
    again = shell("emit", events_file(tmp_path, [line(1), line(3), line(4)]))
    assert again.code == 0
    project(ledger, "table")
    assert len(actual_rows(connection)) == 3


def test_emit_reads_its_input_skips_and_prints_json(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = b"\n".join([line(1), line(2), b"no"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    ran = shell("emit", "-", "--skip", "1", "--json")
    facts = [json.loads(one) for one in ran.out.splitlines()]
    assert [one["line"] for one in facts] == [2, 3]
    assert facts[0]["request_id"] == "r2"
    assert "error" in facts[1]


def test_emit_without_a_broker_says_where_to_go_on(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    code, said = shell.fails("emit", events_file(tmp_path, [line(1)]))
    assert (code, "--skip 0" in said) == (1, True)
    assert shell.fails("emit", str(tmp_path / "no such file"))[0] == 2


def test_images_are_shown_to_people_and_to_programs(
    shell: Shell, ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 300)
    rows = actual_rows(connection)
    one = next(iter(rows.values()))
    assert shell("images", "count", "--json").facts == {"count": len(rows)}
    assert shell("images", "count").out.strip() == str(len(rows))
    listed = shell("images", "list", "--limit", "5", "--json").facts
    assert len(listed["images"]) == 5
    more = shell("images", "list", "--cursor", listed["next_cursor"], "--json").facts
    assert {i["id"] for i in more["images"]}.isdisjoint({i["id"] for i in listed["images"]})
    for key in (str(one["id"]), one["request_id"]):
        assert shell("images", "get", key, "--json").facts["event_id"] == one["event_id"]
    failed = shell("images", "failed", "--limit", "1000", "--json").facts
    assert {i["status"] for i in failed} == {"failed"}
    of_user = shell("images", "by-user", one["user_id"], "--json").facts
    assert {i["user_id"] for i in of_user} == {one["user_id"]}
    of_tool = shell("images", "by-tool", one["tool_name"], "--limit", "9", "--json").facts
    assert {i["tool_name"] for i in of_tool} == {one["tool_name"]}
    numbers = shell("images", "stats", "--json").facts
    assert list(numbers) == [
        "total_images",
        "unique_users",
        "successful",
        "failed",
        "avg_file_size",
    ]
    assert numbers["total_images"] == len(rows)
    by_tool = shell("images", "stats", "--by", "tool", "--json").facts
    assert sum(entry["total_images"] for entry in by_tool) == len(rows)
    for words in (("list",), ("get", one["request_id"]), ("failed",), ("stats", "--by", "day")):
        assert shell("images", *words).code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("images", "get", "nobody"), 1, "there is no image of this id or request"),
        (("images", "list", "--limit", "0"), 2, "limit 0: must be 1 to 1000"),
        (("images", "list", "--cursor", "x"), 2, "is none that a page has given"),
        (("images", "list", "--cursor", "x", "--offset", "1"), 2, "do not go together"),
        (("dead-letters", "show", "99"), 1, "there is none of this id"),
        (("dead-letters", "redrive"), 2, "which ones is not said"),
        (("dead-letters", "redrive", "99"), 1, "there is none of this id"),
        (("dead-letters", "redrive", "--fingerprint", "f"), 1, "no open dead letter has this"),
        (("dead-letters", "discard", "--all", "--reason", " "), 2, "the reason is empty"),
        (("dead-letters", "import", "nowhere"), 2, "No such file"),
        (("rebuild", "table"), 2, "there is nobody to ask"),
        (("rebuild", "table", "--rollback"), 1, "there is nothing to roll table back to"),
        (("rebuild", "table", "--as-of", "2999-01-01", "--into", "x"), 2, "is in the future"),
        (("rebuild", "table", "--into", "x"), 2, "go together"),
    ],
)
def test_wrong_use_gets_one_line(shell: Shell, words: Sequence[str], code: int, said: str) -> None:
    assert shell.fails(*words)[0] == code
    assert said in shell.fails(*words)[1]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OMEGA_DATABASE_URL", "postgresql://u:geheim@127.0.0.1:9/d", "PostgreSQL"),
        ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9", "Kafka"),
        ("OMEGA_TOPIC", "no-such-topic", "run `omega-images topic create`"),
        ("OMEGA_DATABASE_URL", "mysql://u:geheim@h/d", "OMEGA_DATABASE_URL"),
    ],
)
def test_what_is_away_or_wrong_is_named_and_no_secret_with_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    for words in (
        ("rebuild", "table", "--yes"),
        ("reconcile",),
        ("replay", "--request-id", "r", "--yes"),
    ):
        code, shown = shell.fails(*words)
        assert code == 1
        assert said in shown
        assert "geheim" not in shown


def test_rebuilding_without_a_topic_is_one_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMEGA_TOPIC", "none-of-this-name")
    assert "does not exist" in shell.fails("rebuild", "table", "--dry-run")[1]


def test_status_tells_positions_lag_and_dead_letters(
    shell: Shell, ledger: Ledger, kafka_server: str
) -> None:
    filled(ledger, kafka_server, 200)
    facts = shell("status", "--json").facts
    table, stats = facts["projections"]
    assert (table["projection"], stats["projection"]) == ("table", "stats")
    assert table["lag_records"] == stats["lag_records"] == 0
    assert table["dead_letters"] == stats["dead_letters"] > 0
    assert "dead letters" in shell("status").out


def test_env_is_what_a_shell_can_read(shell: Shell, ledger: Ledger) -> None:
    lines = shell("env").out.splitlines()
    assert f"export OMEGA_TOPIC={ledger.topic}" in lines
    assert any(ledger.servers.database_url in one for one in lines)


def verdicts(shell: Shell) -> dict[str, str]:
    """For each thing that doctor looks at, the worst that it says."""
    order = ["good", "warning", "bad"]
    found: dict[str, str] = {}
    for one in shell("doctor", "--json").facts["findings"]:
        worst = max(found.get(one["what"], "good"), one["verdict"], key=order.index)
        found[one["what"]] = worst
        assert one["verdict"] == "good" or one["mend"], one
    return found


def test_doctor_finds_what_is_wrong(
    shell: Shell, ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    assert shell("doctor").code == 0
    assert verdicts(shell)["table"] == "warning"
    filled(ledger, kafka_server, 200)
    found = verdicts(shell)
    assert (found["table"], found["tables"], found["dead letters"]) == ("good", "good", "warning")
    connection.execute("UPDATE projection_positions SET next_offset = 10 ^ 6 WHERE partition = 2")
    connection.execute("UPDATE projection_positions SET topic_id = 'x' WHERE projection = 'stats'")
    connection.execute("DROP INDEX idx_generated_images_tags_gin")
    found = verdicts(shell)
    assert (found["table"], found["stats"], found["tables"]) == ("bad", "bad", "bad")
    assert shell("doctor").code == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OMEGA_DATABASE_URL", "postgresql://u:geheim@127.0.0.1:9/d"),
        ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9"),
        ("OMEGA_TOPIC", "no-such-topic"),
    ],
)
def test_doctor_survives_what_it_looks_for(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    ran = shell("doctor")
    assert ran.code == 1
    assert "geheim" not in ran.out + ran.err
    assert "Traceback" not in ran.err


@pytest.fixture
def letters(connection: Connection[Any]) -> list[DeadLetter]:
    """One of each kind of malformed record, set aside by the table's projection."""
    found = []
    for offset, bad in enumerate(malformed_values()):
        headers = (("x-\x1b[31m", b"\x00\xff"),)
        record = Record("t", 0, offset, 0, bad.key, bad.value, headers)
        found.append(DeadLetter(record, bad.error_class, f"{bad.name}: \x1b[2J[bold]no[/bold]"))
    claim(connection, ProjectionKey("table", "t", "id"), "o", {0})
    store(connection, "table", found)
    return found


@pytest.mark.usefixtures("letters")
def test_dead_letters_of_every_kind_can_be_looked_at(
    shell: Shell, connection: Connection[Any]
) -> None:
    listed = shell("dead-letters", "list")
    assert listed.code == 0
    ids = [row[0] for row in connection.execute("SELECT id FROM dead_letters")]
    for letter_id in ids:
        shown = shell("dead-letters", "show", str(letter_id))
        assert shown.code == 0
        assert "\x1b" not in shown.out
        assert "[bold]no[/bold]" in shown.out
        assert shell("dead-letters", "show", str(letter_id), "--json").facts["id"] == letter_id
    assert "\x1b" not in listed.out


def test_dead_letters_are_redriven_discarded_and_carried_as_files(
    shell: Shell, letters: list[DeadLetter], connection: Connection[Any], tmp_path: Path
) -> None:
    dry = shell("dead-letters", "redrive", "--all", "--dry-run", "--json")
    assert dry.facts == {"done": 0, "failed": len(letters), "skipped": 0, "dry_run": True}
    assert connection.execute("SELECT max(attempts) FROM dead_letters").fetchall() == [(1,)]
    assert shell("dead-letters", "redrive", "--all", "--canary").code == 1
    (first,) = connection.execute("SELECT id FROM dead_letters ORDER BY id LIMIT 1").fetchall()
    assert shell("dead-letters", "discard", str(first[0]), "--reason", "a test").code == 0
    assert "discarded already" in shell.fails("dead-letters", "redrive", str(first[0]))[1]
    file = tmp_path / "letters.jsonl"
    assert shell("dead-letters", "export", str(file)).code == 0
    assert shell.fails("dead-letters", "export", str(file))[0] == 2
    before = connection.execute("SELECT * FROM dead_letters ORDER BY id").fetchall()
    assert "0 dead letters added" in shell("dead-letters", "import", str(file)).out
    assert connection.execute("SELECT * FROM dead_letters ORDER BY id").fetchall() == before
    content = 'SELECT "offset", key, value, headers FROM dead_letters WHERE state = %s ORDER BY 1'
    kept = connection.execute(content, ("open",)).fetchall()
    connection.execute("TRUNCATE dead_letters")
    file.write_bytes(file.read_bytes() + b"no letter\n")
    ran = shell("dead-letters", "import", str(file))
    assert (ran.code, f"{len(kept)} dead letters added" in ran.out) == (1, True)
    assert f"line {len(kept) + 1}: is no dead letter" in ran.err
    assert connection.execute(content, ("open",)).fetchall() == kept
