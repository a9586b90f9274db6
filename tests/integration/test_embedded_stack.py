"""The embedded stack: one for all commands, found again, mended after kills, honest in failing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import psycopg
import pytest

from consumers.kafka_topics import create_topic, topic_state
from operations.embedded.errors import StackError
from operations.embedded.kafka import MIN_JAVA_FOR_AOT, Kafka, find_java
from operations.embedded.processes import Server
from operations.embedded.stack import Running, Stack
from schemas.kafka_connection import KafkaConnection
from tests.plugins.servers import CACHE
from tests.support.sending import AnyMessage, send
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

ROOT = Path(__file__).parents[2]
UP = """
import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path
from operations.embedded.stack import Stack
print(dumps(asdict(Stack(Path(sys.argv[1]), shared=Path(sys.argv[2])).up())))
"""


@pytest.fixture(scope="module")
def home(server_home: Path) -> Path:
    CACHE.mkdir(mode=0o700, exist_ok=True)
    return server_home / "stack"


@pytest.fixture(scope="module")
def only_stack(home: Path) -> Iterator[Stack]:
    """One home for all tests, started in the first."""
    stack = Stack(home, shared=CACHE)
    yield stack
    stack.down()


@pytest.fixture
def stack(only_stack: Stack) -> Stack:
    """The stack, which runs."""
    only_stack.up()
    return only_stack


def facts(running: Running) -> object:
    return json.loads(json.dumps(asdict(running)))


def kill(server: Server) -> None:
    """At once, with all its children."""
    process = psutil.Process(server.pid)
    processes = [process, *process.children(recursive=True)]
    for one in processes:
        one.kill()
    psutil.wait_procs(processes, 10)
    eventually(lambda: not server.alive(), what="the end of the server")


def remember(home: Path, *servers: Server) -> None:
    (home / "servers.json").write_text(json.dumps([asdict(server) for server in servers]))


def test_two_commands_at_once_start_one_stack(home: Path, only_stack: Stack) -> None:
    assert only_stack.running() is None
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UP, str(home), str(CACHE)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    first, second = (json.loads(process.communicate(timeout=60)[0]) for process in processes)
    assert first == second
    assert facts(only_stack.up()) == first
    found = only_stack.running()
    assert found is not None
    assert facts(found) == first


def test_servers_that_were_killed_come_back_with_their_data(stack: Stack) -> None:
    before = stack.up()
    connection = KafkaConnection(before.bootstrap_servers)
    create_topic(connection, "kept", partitions=1)
    send(before.bootstrap_servers, "kept", [AnyMessage(b"k", b"v")] * 3)
    with psycopg.connect(before.database_url, autocommit=True) as database:
        database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    kill(before.kafka)
    kill(before.postgres)
    assert stack.running() is None
    after = stack.up()
    assert after.kafka.pid != before.kafka.pid
    assert after.postgres.pid != before.postgres.pid
    assert after.database_url == before.database_url
    assert after.bootstrap_servers == before.bootstrap_servers
    assert topic_state(connection, "kept").end == {0: 3}
    with psycopg.connect(after.database_url) as database:
        assert database.execute("SELECT answer FROM kept").fetchall() == [(42,)]


def test_a_process_that_has_the_number_now_is_not_the_server(home: Path, stack: Stack) -> None:
    running = stack.up()
    stranger = psutil.Process(os.getpid())
    remember(home, replace(running.kafka, pid=stranger.pid), running.postgres)
    assert stack.running() is None
    assert [server.name for server in stack.servers()] == ["PostgreSQL"]
    # Its stop would end this very process.
    assert stack.down() == ["PostgreSQL"]
    remember(home, running.kafka)
    assert stack.down() == ["Kafka"]
    assert stack.down() == []
    assert not running.kafka.alive()
    assert not running.postgres.alive()


def test_one_server_that_was_killed_comes_back_beside_the_other(stack: Stack) -> None:
    before = stack.up()
    os.kill(before.postgres.pid, signal.SIGKILL)
    eventually(lambda: not before.postgres.alive(), what="the end of the server")
    after = stack.up()
    assert after.kafka == before.kafka
    assert after.postgres.pid != before.postgres.pid
    with psycopg.connect(after.database_url) as database:
        assert database.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("state", ["", "[", "{}", "[1]", '[{"name":"Kafka"}]', "[null]", "5"])
def test_a_state_file_that_is_no_use_is_as_none(home: Path, state: str) -> None:
    other = Stack(home.parent / "other", shared=CACHE)
    (home.parent / "other").mkdir(exist_ok=True)
    (home.parent / "other" / "servers.json").write_text(state)
    assert other.running() is None
    assert other.servers() == []
    assert other.down() == []


def test_the_first_stop_keeps_the_classes_that_were_loaded(
    only_stack: Stack, server_home: Path, tmp_path: Path
) -> None:
    """In a place where none are kept; of a server that is killed instead, nothing is left."""
    only_stack.up()
    if find_java()[1] < MIN_JAVA_FOR_AOT:
        pytest.skip(f"Java {find_java()[1]} keeps its classes in another way")
    shared = tmp_path / "cache"
    shared.mkdir(mode=0o700)
    shutil.copy(CACHE / "classpath", shared)
    kafka = Kafka(server_home / "recorded", shared=shared)

    killed = kafka.start(None)
    kill(killed)
    kafka.stop(killed)
    assert [file.name for file in shared.iterdir()] == ["classpath"]

    kafka.stop(kafka.start(None))
    archive = next(file for file in shared.iterdir() if file.suffix == ".aot")
    assert {file.name for file in shared.iterdir()} == {"classpath", archive.name}
    written = archive.stat().st_mtime_ns

    server = kafka.start(None)
    assert f"-XX:AOTCache={archive}" in psutil.Process(server.pid).cmdline()
    kafka.stop(server)
    assert archive.stat().st_mtime_ns == written


def test_a_stack_that_never_was_is_down(tmp_path: Path) -> None:
    assert Stack(tmp_path / "none", shared=CACHE).down() == []
    assert not (tmp_path / "none").exists()


def test_a_start_that_fails_names_the_log_and_leaves_nothing_behind(
    home: Path, stack: Stack
) -> None:
    stack.down()
    version, properties = home / "postgres/data/PG_VERSION", home / "kafka/data/meta.properties"
    whole = version.read_bytes(), properties.read_bytes()
    version.write_text("7\n")
    properties.write_text("nonsense\n")
    began = time.monotonic()
    with pytest.raises(StackError) as raised:
        stack.up()
    assert time.monotonic() - began < 30
    said = str(raised.value)
    assert "\n" not in said
    assert str(home / "postgres/postgres.log") in said
    assert str(home / "kafka/kafka.log") in said
    assert stack.servers() == []
    version.write_bytes(whole[0])
    properties.write_bytes(whole[1])
    assert stack.up().database_url


@pytest.mark.parametrize("content", ["", "nonsense\n", "-5\n"])
def test_an_odd_pid_file_stops_neither_server(home: Path, stack: Stack, content: str) -> None:
    running = stack.up()
    kill(running.postgres)
    (home / "postgres/data/postmaster.pid").write_text(content)
    again = stack.up()
    assert again.kafka == running.kafka
    with psycopg.connect(again.database_url) as database:
        assert database.execute("SELECT 1").fetchall() == [(1,)]
