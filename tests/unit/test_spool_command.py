"""omega-images spool: what waits is shown, and told by the exit code; nothing is started for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from operations.main import main
from producers.spool import Spool
from producers.spool_rows import SpoolEntry
from schemas.codec import encode
from tests.support.builders import generated
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMEGA_HOME", str(tmp_path))
    monkeypatch.setenv("OMEGA_TOPIC", "topic")
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("OMEGA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    # There is no database to keep keys.
    monkeypatch.setenv("OMEGA_SEAL", "false")
    return tmp_path / "spool" / "topic.db"


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> MemoryTopic:
    """Where events go."""
    topic = MemoryTopic("topic", 1)

    def publisher(*_arguments: object) -> MemoryPublisher:
        return MemoryPublisher(topic)

    monkeypatch.setattr("operations.publishing.KafkaPublisher", publisher)
    return topic


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """Commands set up the logs of their process, which here is that of all tests."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], path: Path, logs_as_before: None) -> Run:
    def run(*arguments: str) -> tuple[int, str]:
        code = 0
        try:
            main(["spool", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return code, out or err

    return run


def facts(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output)
    return found


def fill(path: Path, count: int) -> Spool:
    spool = Spool(path)
    for number in range(count):
        event = generated(f"r-{number}", event_id=f"e-{number}")
        spool.append(SpoolEntry(event.id, f"r-{number}", encode(event)), claim=False)
    return spool


def test_without_a_spool_nothing_waits_and_none_is_made(run: Run, path: Path) -> None:
    code, output = run("status", "--json")
    assert (code, facts(output)["waiting"], facts(output)["path"]) == (0, 0, str(path))
    assert not path.exists()


def test_what_waits_is_shown_while_it_is_in_use(run: Run, path: Path) -> None:
    spool = fill(path, 3)
    code, output = run("status")
    assert code == 0
    assert "3 events wait" in output
    assert "the oldest since" in output
    assert spool.status().waiting == 3
    spool.close()


def test_refused_events_are_named_and_fail_the_command(run: Run, path: Path) -> None:
    spool = fill(path, 2)
    spool.refused("e-1", "larger than the topic takes")
    spool.close()
    code, output = run("status")
    assert code == 1
    assert "larger than the topic takes" in output
    assert "spool flush --refused" in output
    code, output = run("status", "--json")
    assert facts(output)["refusals"] == [
        {"event_id": "e-1", "request_id": "r-1", "reason": "larger than the topic takes"}
    ]


def test_a_damaged_file_is_reported_until_it_is_taken_away(run: Run, path: Path) -> None:
    fill(path, 1).close()
    path.write_bytes(b"nothing of ours" * 500)
    for _ in range(2):
        code, output = run("status", "--json")
        assert code == 1
    (aside,) = facts(output)["set_aside"]
    Path(aside).unlink()
    assert run("status")[0] == 0


def test_a_flush_without_kafka_says_what_is_left_and_why(
    run: Run, path: Path, topic: MemoryTopic
) -> None:
    fill(path, 2).close()
    topic.set_available(False)
    code, output = run("flush", "--timeout", "0.5", "--json")
    assert code == 1
    found = facts(output)
    assert (found["delivered"], found["waiting"]) == (0, 2)
    assert "2 events still wait" in found["error"]
    assert "no broker answers" in found["error"]

    topic.set_available(True)
    assert run("flush") == (0, "2 events delivered, 0 left\n")
    assert len(topic.partitions[0].records) == 2


def test_a_flush_sends_refused_events_again_when_told_to(
    run: Run, path: Path, topic: MemoryTopic
) -> None:
    spool = fill(path, 1)
    spool.refused("e-0", "larger than the topic takes")
    spool.close()
    assert run("flush")[0] == 1
    assert topic.partitions[0].records == []
    assert run("flush", "--refused") == (0, "1 events delivered, 0 left\n")
    assert len(topic.partitions[0].records) == 1


@pytest.mark.usefixtures("topic")
def test_a_flush_of_nothing_is_done(run: Run) -> None:
    assert run("flush", "--timeout", "0") == (0, "0 events delivered, 0 left\n")


def test_a_path_that_cannot_be_used_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("OMEGA_SPOOL_PATH", str(tmp_path / "file" / "spool.db"))
    code, output = run("flush")
    assert code == 1
    assert output.count("\n") == 1
    assert "name a file that can be written" in output
