"""The commands on real servers: what they print, what they change, and how they end."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import Connection, sql

from consumers.bulk_load import replay
from consumers.kafka_topics import topic_state
from consumers.processor import Processor
from operations.settings import load_settings
from operations.wiring import PROJECTIONS, Ledger, servers
from schemas.codec import encode
from schemas.kafka_connection import KafkaConnection
from schemas.limits import MAX_VALUE_BYTES
from tests.support.builders import failed, generated
from tests.support.command_line import exit_code
from tests.support.sending import AnyMessage, send

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

ROOT = Path(__file__).parents[2]
Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def environment(
    kafka_server: str,
    topic_name: str,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", kafka_server)
    monkeypatch.setenv("OMEGA_DATABASE_URL", database_url)
    monkeypatch.setenv("OMEGA_TOPIC", topic_name)


def project() -> None:
    """Bring table and statistics to the log's end."""
    settings = load_settings()
    ledger = Ledger(settings, servers(settings))
    for name, make in PROJECTIONS.items():
        processor = Processor(make(), ledger.key(name), ledger.connector("test"), "test")
        reader = ledger.reader()
        replay(reader, processor, ledger.topic_state().end)
        reader.close()
        processor.close()


class Process:
    """A command in a process of its own."""

    def __init__(self, words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "operations.main", *words.split()],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        """Exit code, output and complaints, once it has ended."""
        output, complaint = self._process.communicate(timeout=60)
        return self._process.returncode, output, complaint


def facts_of(output: Output, *words: str) -> Any:
    """What the command prints with --json; it must succeed."""
    assert exit_code(*words, "--json") == 0
    said = output.readouterr()
    assert said.err == ""
    return json.loads(said.out)


def only_line(output: Output) -> str:
    """The one line that stands in stderr."""
    said = output.readouterr()
    assert len(said.err.splitlines()) == 1, said.err
    line = said.err.strip()
    assert line.isprintable()
    return line


def lines_of(*events: Any) -> bytes:
    return b"".join(encode(event) + b"\n" for event in events)


# topic


def test_a_topic_is_created_once_as_the_settings_say(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, topic_name: str
) -> None:
    monkeypatch.setenv("OMEGA_TOPIC_PARTITIONS", "3")
    assert exit_code("topic", "create") == 0
    assert capsys.readouterr().out == f"topic {topic_name} created\n"
    assert exit_code("topic", "create") == 0
    assert capsys.readouterr().out == f"topic {topic_name} exists already\n"
    facts = facts_of(capsys, "topic", "describe")
    assert facts["topic"] == topic_name
    assert facts["settings"]["retention.ms"] == "-1"
    assert facts["partitions"] == [
        {"partition": number, "begin": 0, "end": 0, "records": 0} for number in range(3)
    ]
    assert exit_code("topic", "describe") == 0
    assert "retention.ms" in capsys.readouterr().out


def test_a_dangerous_topic_is_told(kafka_server: str, topic: str, capsys: Output) -> None:
    from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # no type hints
    from kafka.admin import ConfigResource  # type: ignore[import-untyped]  # same

    admin = KafkaAdminClient(bootstrap_servers=kafka_server)
    admin.alter_configs([ConfigResource("TOPIC", topic, {"cleanup.policy": "compact"})])
    admin.close()
    assert exit_code("topic", "describe") == 1
    assert "cleanup.policy is compact, should be delete" in capsys.readouterr().out
    assert exit_code("doctor", "--json") == 1
    assert any(
        found["what"] == "topic" and "cleanup.policy" in found["detail"]
        for found in json.loads(capsys.readouterr().out)["findings"]
        if found["verdict"] == "bad"
    )
    assert exit_code("topic", "describe", "--json") == 1
    assert json.loads(capsys.readouterr().out)["settings"]["cleanup.policy"] == "compact"


# db


def test_tables_are_made_verified_and_a_difference_is_told(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("OMEGA_DATABASE_URL", empty_database_url)
    assert exit_code("db", "verify") == 1
    assert capsys.readouterr().out
    assert exit_code("db", "migrate") == 0
    assert capsys.readouterr().out.startswith("migrated from nothing to revision ")
    assert exit_code("db", "migrate") == 0
    assert capsys.readouterr().out.startswith("the tables are up to date")
    assert facts_of(capsys, "db", "verify") == {"holds": True, "differences": []}
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE generated_images DROP COLUMN sha256")
    assert exit_code("db", "verify", "--json") == 1
    facts = json.loads(capsys.readouterr().out)
    assert not facts["holds"]
    assert any("sha256" in line for line in facts["differences"])
    assert exit_code("db", "verify") == 1
    assert "sha256" in capsys.readouterr().out


# status and env


def test_env_can_be_evaluated_by_a_shell(
    kafka_server: str, database_url: str, topic: str, capsys: Output
) -> None:
    assert exit_code("env") == 0
    said = capsys.readouterr().out.splitlines()
    assert dict(shlex.split(line)[1].split("=", 1) for line in said) == {
        "OMEGA_KAFKA_BOOTSTRAP_SERVERS": kafka_server,
        "OMEGA_DATABASE_URL": database_url,
        "OMEGA_TOPIC": topic,
    }


def test_status_tells_the_lag_and_no_password(
    kafka_server: str, topic: str, database_url: str, capsys: Output
) -> None:
    send(kafka_server, topic, [AnyMessage(b"k", encode(generated(f"r-{i}"))) for i in range(5)])
    facts = facts_of(capsys, "status")
    assert [server["server"] for server in facts["servers"]] == ["Kafka", "PostgreSQL"]
    behind = {found["projection"]: found["lag_records"] for found in facts["projections"]}
    assert behind == {"table": 5, "stats": 5}
    assert all(found["lag_seconds"] > 0 for found in facts["projections"])
    project()
    facts = facts_of(capsys, "status")
    assert [found["lag_records"] for found in facts["projections"]] == [0, 0]
    assert [found["lag_seconds"] for found in facts["projections"]] == [0, 0]
    assert exit_code("status") == 0
    said = capsys.readouterr().out
    assert "table: 0 records behind" in said
    password = urlsplit(database_url).password or "nothing"
    assert password not in said
    assert password not in json.dumps(facts)


# emit


def test_bad_lines_are_named_and_the_others_published(
    kafka_server: str, topic: str, tmp_path: Path, capsys: Output
) -> None:
    long = b'{"x":"' + b"x" * (MAX_VALUE_BYTES + 100_000) + b'"}\n'
    hostile = b'{"type":"\xc2\x9b2J\xe2\x80\xae"}\n'
    content = lines_of(generated("r-1")) + b"no json\n\n" + long + hostile
    file = tmp_path / "events.jsonl"
    file.write_bytes(content + lines_of(failed("r-2")) + lines_of(generated("r-3")).rstrip())
    assert exit_code("emit", str(file)) == 1
    said = capsys.readouterr()
    assert said.out == "3 events published, 3 lines refused\n"
    complaints = said.err.splitlines()
    assert [line.split(":")[0] for line in complaints] == ["line 2", "line 4", "line 5"]
    assert all(line.isprintable() and len(line) < 700 for line in complaints)
    project()
    assert facts_of(capsys, "images", "count") == {"count": 3}


def test_a_file_published_twice_changes_nothing(
    topic: str, tmp_path: Path, connection: Connection[Any], capsys: Output
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines_of(generated("r-1"), failed("r-2"), generated("r-2")))
    rows = []
    for _ in range(2):
        assert exit_code("emit", str(file)) == 0
        project()
        rows.append(
            connection.execute("SELECT * FROM generated_images ORDER BY request_id").fetchall()
        )
    assert len(rows[0]) == 2
    assert rows[0] == rows[1]
    capsys.readouterr()


def test_the_input_can_be_published_and_told_line_by_line(
    kafka_server: str, topic: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    content = b"{\n" + lines_of(generated("r-1"), generated("r-2"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert exit_code("emit", "-", "--json") == 1
    said = capsys.readouterr()
    assert said.err == ""
    first, *rest = map(json.loads, said.out.splitlines())
    assert first["line"] == 1
    assert set(first) == {"line", "error"}
    assert [(fact["line"], fact["request_id"]) for fact in rest] == [(2, "r-1"), (3, "r-2")]
    end = topic_state(KafkaConnection(kafka_server), topic).end
    for fact in rest:
        partition, offset = map(int, fact["token"].split(":"))
        assert offset < end[partition]
    project()
    assert facts_of(capsys, "images", "get", str(rest[0]["id"]))["request_id"] == "r-1"


def test_lines_can_be_passed_over(topic: str, tmp_path: Path, capsys: Output) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"no json\n" + lines_of(generated("r-1"), generated("r-2")))
    assert exit_code("emit", str(file), "--skip", "2") == 0
    assert capsys.readouterr().out == "1 events published, 0 lines refused\n"
    assert exit_code("emit", str(file), "--skip", "99") == 0
    assert capsys.readouterr().out == "0 events published, 0 lines refused\n"


# images


@pytest.fixture
def some_images(kafka_server: str, topic: str) -> None:
    events = [
        generated("r-1", user_id="alice", tool_name="draw", bytes=100),
        generated("r-2", user_id="bob", tool_name="draw", bytes=200, prompt="\x1b[31mred\u202e"),
        failed("r-3", user_id="bob", tool_name="paint", error="the model said\nno"),
    ]
    send(kafka_server, topic, [AnyMessage(b"k", encode(event)) for event in events])
    project()


@pytest.mark.usefixtures("some_images")
def test_images_are_listed_by_page_user_tool_and_failure(capsys: Output) -> None:
    def requests(*words: str) -> list[str]:
        return sorted(image["request_id"] for image in facts_of(capsys, "images", *words))

    assert requests("by-user", "bob") == ["r-2", "r-3"]
    assert requests("by-tool", "draw") == ["r-1", "r-2"]
    assert requests("failed") == ["r-3"]
    assert requests("by-user", "nobody") == []
    met: list[str] = []
    more: tuple[str, ...] = ()
    while True:
        page = facts_of(capsys, "images", "list", "--limit", "2", *more)
        met += [image["request_id"] for image in page["images"]]
        if page["next_cursor"] is None:
            break
        more = ("--cursor", page["next_cursor"])
    assert sorted(met) == ["r-1", "r-2", "r-3"]
    for words in (["list"], ["list", "--offset", "1"], ["by-user", "bob"], ["failed"]):
        assert exit_code("images", *words) == 0
        assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())
    assert exit_code("images", "list", "--cursor", "nonsense\x1b") == 2
    assert "cursor" in only_line(capsys)


@pytest.mark.usefixtures("some_images")
def test_an_image_is_found_by_id_and_by_request(capsys: Output) -> None:
    found = facts_of(capsys, "images", "get", "r-2")
    assert found["prompt"] == "\x1b[31mred\u202e"
    assert facts_of(capsys, "images", "get", str(found["id"])) == found
    assert exit_code("images", "get", "r-2") == 0
    said = capsys.readouterr().out
    assert "bob" in said
    assert all(line.isprintable() for line in said.splitlines())
    for missing in ("r-9", "12345", "9" * 30, "9" * 5_000, "\x1b[2J"):
        assert exit_code("images", "get", missing) == 1
        assert "there is no image" in only_line(capsys)


@pytest.mark.usefixtures("some_images")
def test_the_numbers_have_the_documents_names(capsys: Output) -> None:
    assert facts_of(capsys, "images", "stats") == {
        "total_images": 3,
        "unique_users": 2,
        "successful": 2,
        "failed": 1,
        "avg_file_size": 150.0,
    }
    by_tool = facts_of(capsys, "images", "stats", "--by", "tool")
    assert {entry["tool"]: entry["total_images"] for entry in by_tool} == {"draw": 2, "paint": 1}
    for words in (["stats"], ["stats", "--by", "error"], ["stats", "--by", "day"], ["count"]):
        assert exit_code("images", *words) == 0
        assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


def test_no_images_are_no_error(topic: str, capsys: Output) -> None:
    assert facts_of(capsys, "images", "stats")["total_images"] == 0
    assert facts_of(capsys, "images", "count") == {"count": 0}
    assert facts_of(capsys, "images", "list") == {"images": [], "next_cursor": None}
    assert exit_code("images", "list") == 0
    assert exit_code("images", "stats") == 0
    capsys.readouterr()


# doctor


def findings(output: Output, code: int) -> dict[str, list[tuple[str, str, str]]]:
    """By verdict: what, detail, mend."""
    assert exit_code("doctor") == code
    shown = output.readouterr()
    assert shown.err == ""
    assert exit_code("doctor", "--json") == code
    facts = json.loads(output.readouterr().out)
    assert facts["holds"] == (code == 0)
    found: dict[str, list[tuple[str, str, str]]] = {"good": [], "warning": [], "bad": []}
    for one in facts["findings"]:
        found[one["verdict"]].append((one["what"], one["detail"], one["mend"]))
        assert one["what"] in shown.out
        assert one["mend"] or one["verdict"] == "good"
    return found


def test_the_doctor_finds_nothing_where_all_is_well(
    kafka_server: str, topic: str, database_url: str, capsys: Output
) -> None:
    send(kafka_server, topic, [AnyMessage(b"k", encode(generated()))])
    found = findings(capsys, 0)
    never = [what for what, detail, _ in found["warning"] if detail == "has never read the topic"]
    assert never == ["table", "stats"]
    project()
    found = findings(capsys, 0)
    good = {what: detail for what, detail, _ in found["good"]}
    assert good["table"] == good["stats"] == "0 records behind the log"
    assert {"PostgreSQL", "Kafka", "tables", "dead letters"} <= set(good)
    password = urlsplit(database_url).password or "nothing"
    assert password not in str(found)


def test_the_doctor_sees_a_missing_topic(capsys: Output) -> None:
    ((what, detail, mend),) = findings(capsys, 1)["bad"]
    assert (what, mend) == ("Kafka", "run `omega-images topic create`")
    assert "does not exist" in detail


def test_the_doctor_sees_a_database_that_is_away(
    topic: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("OMEGA_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/x")
    ((what, detail, _),) = findings(capsys, 1)["bad"]
    assert what == "PostgreSQL"
    assert "hunter2" not in detail


def test_the_doctor_sees_that_nothing_is_configured(
    monkeypatch: pytest.MonkeyPatch, capsys: Output, tmp_path: Path
) -> None:
    monkeypatch.delenv("OMEGA_DATABASE_URL")
    monkeypatch.delenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS")
    ((what, _, mend),) = findings(capsys, 1)["bad"]
    assert (what, mend) == ("embedded stack", "run `omega-images up`")
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_sees_missing_and_wrong_tables(
    topic: str, empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("OMEGA_DATABASE_URL", empty_database_url)
    assert findings(capsys, 1)["bad"]
    assert exit_code("db", "migrate") == 0
    capsys.readouterr()
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE generated_images ALTER COLUMN status DROP NOT NULL")
    found = findings(capsys, 1)["bad"]
    assert all(what == "tables" for what, _, _ in found)
    assert any("status" in detail for _, detail, _ in found)


def test_the_doctor_sees_positions_that_cannot_be(
    topic: str, kafka_server: str, connection: Connection[Any], capsys: Output
) -> None:
    send(kafka_server, topic, [AnyMessage(b"k", encode(generated()))])
    project()
    change = "UPDATE projection_positions SET next_offset = 1000 WHERE projection = 'stats'"
    connection.execute(change)
    for words in ("is past the log's end", "of another topic of this name"):
        found = findings(capsys, 1)["bad"]
        assert found
        for what, detail, mend in found:
            assert (what, mend) == ("stats", "run `omega-images rebuild stats`")
            assert words in detail
        connection.execute(
            "UPDATE projection_positions SET topic_id = 'x' WHERE projection = 'stats'"
        )


def test_the_doctor_sees_records_that_went_unread(
    topic: str, kafka_server: str, capsys: Output
) -> None:
    from kafka import KafkaAdminClient
    from kafka.structs import TopicPartition  # type: ignore[import-untyped]  # no type hints

    project()
    send(kafka_server, topic, [AnyMessage(b"k", encode(generated(f"r-{i}"))) for i in range(9)])
    end = topic_state(KafkaConnection(kafka_server), topic).end
    filled = next(partition for partition, offset in end.items() if offset)
    admin = KafkaAdminClient(bootstrap_servers=kafka_server)
    admin.delete_records({TopicPartition(topic, filled): 4})
    admin.close()
    found = findings(capsys, 1)["bad"]
    assert [what for what, _, _ in found] == ["table", "stats"]
    assert all("4 records went from the log" in detail for _, detail, _ in found)


def test_the_doctor_warns_of_dead_letters(topic: str, kafka_server: str, capsys: Output) -> None:
    send(kafka_server, topic, [AnyMessage(b"k", b"no json"), AnyMessage(b"k", b"[]")])
    project()
    found = findings(capsys, 0)["warning"]
    assert ("dead letters", "4 open, of 4 kinds") in [found[:2] for found in found]


# what can be away

NEED_POSTGRES: list[list[str]] = [
    ["images", "list"],
    ["images", "stats"],
    ["dead-letters", "list"],
    ["dead-letters", "export"],
    ["dead-letters", "redrive", "--all"],
    ["db", "verify"],
    ["db", "migrate"],
    ["status"],
]
NEED_TOPIC: list[list[str]] = [["topic", "describe"], ["status"], ["explain", "r-1"]]
NEED_TABLES: list[list[str]] = [
    ["images", "list"],
    ["images", "stats"],
    ["dead-letters", "list"],
    ["dead-letters", "export", "letters.jsonl"],
    ["dead-letters", "show", "1"],
    ["status"],
]


@pytest.mark.parametrize("words", NEED_POSTGRES, ids=" ".join)
def test_a_database_that_is_away_is_one_line(
    words: list[str], topic: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("OMEGA_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/x")
    assert exit_code(*words) == 1
    line = only_line(capsys)
    assert line.startswith("omega-images: PostgreSQL: ")
    assert "is it running?" in line
    assert "hunter2" not in line


def test_a_kafka_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """In processes of their own, as what a library says of it would stand on stderr, too."""
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    Path("events.jsonl").write_bytes(lines_of(*[generated(f"r-{i}") for i in range(20)]))
    began = time.monotonic()
    commands = {
        words: Process(words)
        for words in (
            "topic describe",
            "topic create",
            "status",
            "emit events.jsonl --skip 3",
            "consume table",
            "doctor",
        )
    }
    ended = {words: command.end() for words, command in commands.items()}
    assert time.monotonic() - began < 40
    for words, (code, output, complaint) in ended.items():
        assert code == 1, words
        if words == "doctor":
            assert "Kafka" in output
            assert "127.0.0.1:1" in output
            assert complaint == ""
        elif words != "consume table":
            (line,) = complaint.splitlines()
            assert line.startswith("omega-images: ")
            assert "127.0.0.1:1" in line
        assert "Traceback" not in complaint
    assert ended["status"][2].startswith("omega-images: Kafka: ")
    emitted = ended["emit events.jsonl --skip 3"][2].strip()
    assert emitted.startswith("omega-images: line 4: ")
    assert emitted.endswith("go on later with --skip 3")


@pytest.mark.parametrize("words", NEED_TOPIC, ids=" ".join)
def test_a_missing_topic_is_one_line(words: list[str], capsys: Output, topic_name: str) -> None:
    assert exit_code(*words) == 1
    line = only_line(capsys)
    assert f"topic {topic_name} does not exist: run `omega-images topic create`" in line


@pytest.mark.parametrize("words", NEED_TABLES, ids=" ".join)
def test_missing_tables_are_one_line(
    words: list[str],
    topic: str,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Output,
) -> None:
    monkeypatch.setenv("OMEGA_DATABASE_URL", empty_database_url)
    assert exit_code(*words) == 1
    assert only_line(capsys).endswith("run `omega-images db migrate`")
    assert list(Path.cwd().iterdir()) == []


def test_emitting_to_a_missing_topic_is_one_line(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "events.jsonl").write_bytes(lines_of(generated()))
    assert exit_code("emit", "events.jsonl") == 1
    assert only_line(capsys).startswith("omega-images: line 1: ")


def test_a_user_who_may_not_read_is_one_line(
    topic: str, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    url = with_user(connection, "omega_stranger", monkeypatch)
    for words in (["images", "count"], ["status"], ["dead-letters", "list"]):
        assert exit_code(*words) == 1
        line = only_line(capsys)
        assert "permission denied" in line
        assert url not in line


def with_user(connection: Connection[Any], name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The settings' database under another user, who may do nothing."""
    connection.execute(
        sql.SQL("DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN PASSWORD 'hunter2'").format(
            sql.Identifier(name)
        )
    )
    parts = urlsplit(load_settings().database_url.get_secret_value())  # type: ignore[union-attr]  # set above
    url = f"postgresql://{name}:hunter2@{parts.hostname}:{parts.port}{parts.path}"
    monkeypatch.setenv("OMEGA_DATABASE_URL", url)
    return url
