"""The commands for dead letters: whatever they hold, they can be seen, mended and carried."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from projections.dead_letters import DeadLetter, store
from schemas.codec import decode_record, encode
from schemas.errors import InvalidEvent
from schemas.record import Record
from tests.support.builders import generated
from tests.support.command_line import exit_code
from tests.support.malformed import malformed_values

pytestmark = pytest.mark.postgres

Output = pytest.CaptureFixture[str]
HOSTILE = "\x1b[2J\x9b31m\u202e\x07\r"


@pytest.fixture(autouse=True)
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("OMEGA_DATABASE_URL", database_url)


def letter_of(offset: int, value: bytes | None, key: bytes | None = b"k") -> DeadLetter:
    """A letter of what is wrong with the record; of a fault mended since, when nothing is."""
    headers = (("trace", b"\xff\x00"), (f"evil {HOSTILE}", HOSTILE.encode()), ("trace", b"2"))
    record = Record("events", offset % 3, offset, 1_700_000_000_000, key, value, headers)
    try:
        decode_record(record)
    except InvalidEvent as exc:
        return DeadLetter(record, exc.error_class, exc.message)
    return DeadLetter(record, "UpcastFailed", f"'{offset}' failed {HOSTILE}")


def keep(connection: Connection[Any], letters: Sequence[DeadLetter], name: str = "table") -> None:
    store(connection, name, letters)


def kept(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    """All of each letter but its id and times."""
    return connection.execute(
        'SELECT projection, topic, partition, "offset", timestamp_ms, key, value, headers, '
        "error_class, message, fingerprint, state, attempts FROM dead_letters "
        'ORDER BY projection, partition, "offset"'
    ).fetchall()


def good(number: int) -> bytes:
    return encode(generated(f"r-{number}"))


def ids(connection: Connection[Any]) -> list[int]:
    return [row[0] for row in connection.execute("SELECT id FROM dead_letters ORDER BY id")]


def count_images(connection: Connection[Any]) -> int:
    return int(connection.execute("SELECT count(*) FROM generated_images").fetchall()[0][0])


def facts_of(output: Output, *words: str, code: int = 0) -> Any:
    assert exit_code("dead-letters", *words, "--json") == code
    said = output.readouterr()
    assert said.err == ""
    return json.loads(said.out)


def printed(output: Output, *words: str, code: int = 0) -> str:
    """What is printed; none of it can steer a terminal."""
    assert exit_code("dead-letters", *words) == code
    said = output.readouterr()
    assert all(line.isprintable() for line in (said.out + said.err).split("\n"))
    return said.out + said.err


def test_a_letter_of_every_kind_can_be_looked_at(
    connection: Connection[Any], capsys: Output
) -> None:
    odd = [
        b'{"a":[NaN,Infinity,-1e999,1e999],"b":"\\ud800"}',
        b"[" * 700 + b"]" * 700,
        b'{"a":' * 990 + b"1" + b"}" * 990,
        b'{"n":' + b"9" * 6_000 + b"}",
        f'{{"text":"{HOSTILE[-3]}"}}'.encode(),
        f"plain text {HOSTILE}".encode(),
        b"\xff\xfe" + HOSTILE.encode(),
    ]
    values = [(bad.value, bad.key) for bad in malformed_values()] + [(value, b"k") for value in odd]
    values += [(good(1), None), (good(2), HOSTILE.encode()), (good(3), b"\xff")]
    keep(connection, [letter_of(n, value, key) for n, (value, key) in enumerate(values)])
    for letter_id, (value, key) in zip(ids(connection), values, strict=True):
        if value is None or len(value) < 100_000:
            assert "Dead letter" in printed(capsys, "show", str(letter_id))
        facts = facts_of(capsys, "show", str(letter_id))
        assert facts["read_as"] in {"an event", "JSON", "text", "bytes", "nothing"}
        decoded = None if facts["value"] is None else base64.b64decode(facts["value"])
        assert decoded == value
        assert (facts["key"] is None) == (key is None)


def test_letters_are_listed_by_kind(connection: Connection[Any], capsys: Output) -> None:
    keep(connection, [letter_of(n, b"no json") for n in range(3)] + [letter_of(3, good(3))])
    keep(connection, [letter_of(0, b"no json")], "stats")
    groups = facts_of(capsys, "list")
    assert [(g["projection"], g["error_class"], g["count"]) for g in groups] == [
        ("table", "NotJson", 3),
        *sorted([("stats", "NotJson", 1), ("table", "UpcastFailed", 1)]),
    ]
    assert groups[0]["first_id"] == ids(connection)[0]
    said = printed(capsys, "list")
    assert "5 open dead letters of 3 kinds" in said
    assert groups[0]["fingerprint"] in said
    assert len(facts_of(capsys, "list", "--projection", "stats")) == 1
    assert facts_of(capsys, "list", "--state", "redriven") == []


def test_a_dry_run_says_what_would_come_of_it_and_changes_nothing(
    connection: Connection[Any], capsys: Output
) -> None:
    keep(connection, [letter_of(0, good(0)), letter_of(1, b"no json"), letter_of(2, good(2))])
    before = kept(connection)
    facts = facts_of(capsys, "redrive", "--all", "--dry-run", code=1)
    assert facts == {"done": 2, "failed": 1, "skipped": 0, "dry_run": True}
    assert "2 dead letters would be projected, 1 dead still" in printed(
        capsys, "redrive", "--all", "--dry-run", code=1
    )
    assert kept(connection) == before
    assert count_images(connection) == 0


def test_redriven_letters_are_rows_and_the_others_stay(
    connection: Connection[Any], capsys: Output
) -> None:
    keep(connection, [letter_of(0, good(0)), letter_of(1, b"no json"), letter_of(2, good(2))])
    keep(connection, [letter_of(0, good(0))], "stats")
    first = ids(connection)[0]
    done = facts_of(capsys, "redrive", str(first))
    assert done == {"done": 1, "failed": 0, "skipped": 0, "dry_run": False}
    assert count_images(connection) == 1
    assert "2 dead letters projected, 1 dead still" in printed(capsys, "redrive", "--all", code=1)
    assert count_images(connection) == 2
    states = [(row[0], row[3], row[11], row[12]) for row in kept(connection)]
    assert states == [
        ("stats", 0, "redriven", 2),
        ("table", 0, "redriven", 2),
        ("table", 1, "open", 2),
        ("table", 2, "redriven", 2),
    ]
    numbers = connection.execute("SELECT count(*) FROM dead_letters WHERE history <> '[]'")
    assert numbers.fetchall() == [(4,)]
    said = printed(capsys, "redrive", str(first), code=1)
    assert f"dead letter {first}: it is redriven already" in said


def test_a_canary_spares_the_kinds_that_fail(connection: Connection[Any], capsys: Output) -> None:
    keep(connection, [letter_of(n, b"no json") for n in range(5)])
    keep(connection, [letter_of(n, good(n)) for n in range(5, 9)])
    facts = facts_of(capsys, "redrive", "--all", "--canary", code=1)
    assert facts["skipped"] == 5
    assert count_images(connection) == 4
    attempts = [row[12] for row in kept(connection) if row[8] == "NotJson"]
    assert sorted(attempts) == [1, 1, 1, 1, 2]


def test_the_letters_of_one_kind_can_be_discarded(
    connection: Connection[Any], capsys: Output
) -> None:
    keep(connection, [letter_of(0, b"no json"), letter_of(1, b"no json"), letter_of(2, good(2))])
    fingerprint = facts_of(capsys, "list")[0]["fingerprint"]
    reason = f"a test {HOSTILE}"
    said = printed(capsys, "discard", "--fingerprint", fingerprint, "--reason", reason)
    assert said == "2 dead letters discarded\n"
    (group,) = facts_of(capsys, "list", "--state", "discarded")
    assert group["count"] == 2
    assert "a test" in printed(capsys, "show", str(ids(connection)[0]))
    shown = facts_of(capsys, "show", str(ids(connection)[0]))
    assert shown["history"][0]["note"] == reason
    missing = printed(capsys, "redrive", "--fingerprint", fingerprint, code=1)
    assert "no open dead letter has this fingerprint" in missing


@pytest.mark.parametrize(
    "words",
    [
        ["show", "12345"],
        ["redrive", "12345"],
        ["discard", "12345", "--reason", "x"],
        ["show", str(2**63)],
        ["redrive", str(2**70), "--dry-run"],
    ],
    ids=" ".join,
)
def test_an_unknown_id_is_one_line(words: list[str], capsys: Output) -> None:
    (line,) = printed(capsys, *words, code=1).splitlines()
    assert f"dead letter {words[1]}: there is none of this id" in line


def test_exported_letters_are_the_same_in_another_database(
    connection: Connection[Any],
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Output,
) -> None:
    values = [bad for bad in malformed_values() if bad.value is None or len(bad.value) < 100_000]
    keep(connection, [letter_of(n, bad.value, bad.key) for n, bad in enumerate(values)])
    keep(connection, [letter_of(0, good(0), None), letter_of(1, good(1), b"")], "stats")
    assert "dead letters written to letters.jsonl" in printed(capsys, "export", "letters.jsonl")
    assert "name a new file" in printed(capsys, "export", "letters.jsonl", code=2)
    assert exit_code("dead-letters", "export") == 0
    exported = Path("letters.jsonl").read_bytes()
    assert capsys.readouterr().out.encode() == exported
    monkeypatch.setenv("OMEGA_DATABASE_URL", empty_database_url)
    assert exit_code("db", "migrate") == 0
    capsys.readouterr()
    total = len(values) + 2
    assert f"{total:,} " in printed(capsys, "import", "letters.jsonl")
    with psycopg.connect(empty_database_url, autocommit=True) as other:
        assert kept(other) == kept(connection)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(exported)))
        assert f"{total:,} " in printed(capsys, "import", "-")
        assert kept(other) == kept(connection)


def test_lines_that_are_no_letters_are_named_and_the_others_added(
    connection: Connection[Any], capsys: Output
) -> None:
    keep(connection, [letter_of(0, b"no json")])
    assert exit_code("dead-letters", "export") == 0
    line = capsys.readouterr().out
    whole = json.loads(line)
    connection.execute("DELETE FROM dead_letters")
    wrong: list[Any] = [
        *("[]", "5", "null", "no json", "{}", "[" * 100_000, '"x"', "\x9b"),
        {**whole, "projection": "pictures\x1b"},
        {**whole, "projection": None},
        {**whole, "partition": -1},
        {**whole, "partition": 2**31},
        {**whole, "offset": 2**63},
        {**whole, "offset": "x"},
        {**whole, "offset": float("inf")},
        {**whole, "timestamp_ms": 2**63},
        {**whole, "topic": "a\0b"},
        {**whole, "topic": "\ud800"},
        {**whole, "topic": ""},
        {**whole, "error_class": "\x1b[2J"},
        {**whole, "error_class": ""},
        {**whole, "key": "no base64!"},
        {**whole, "value": 5},
        {**whole, "headers": [["a"]]},
        {**whole, "headers": [[5, "aGk="]]},
        {**whole, "headers": [["a", None]]},
        {**whole, "headers": "ab"},
        {name: value for name, value in whole.items() if name != "message"},
    ]
    lines = [text if isinstance(text, str) else json.dumps(text) for text in wrong]
    Path("letters.jsonl").write_text("\n".join([*lines, "", line]), encoding="utf-8")
    said = printed(capsys, "import", "letters.jsonl", code=1)
    for number in range(1, len(wrong) + 1):
        assert f"line {number}: is no dead letter: " in said, wrong[number - 1]
    assert f"line {len(wrong) + 2}" not in said
    assert f"{len(wrong)} lines refused" in said
    assert len(kept(connection)) == 1


def test_a_missing_file_is_one_line(capsys: Output) -> None:
    (line,) = printed(capsys, "import", "none.jsonl", code=2).splitlines()
    assert line.startswith("omega-images: none.jsonl: ")
    (line,) = printed(capsys, "export", "no/folder/letters.jsonl", code=2).splitlines()
    assert "no/folder/letters.jsonl" in line
