"""`omega-images serve` as its users have it: its own process, on real servers, on a real port."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from consumers.kafka_topics import create_topic
from schemas.codec import encode
from schemas.kafka_connection import KafkaConnection
from tests.support.builders import generated
from tests.support.ledger_world import LedgerWorld, ledger_world, local_variables
from tests.support.waiting import eventually
from tests.support.web import TABLE, bearer
from web.batches import BATCH, ONE
from web.guard import INGEST

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

TOPIC = "serve-events"
SERVE = [sys.executable, "-m", "operations.main", "serve", "--port", "0"]


class Server:
    """The process, and a client that asks it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(SERVE, stdin=subprocess.DEVNULL, stderr=output)
        eventually(self._listens, timeout_s=30, what="the web server")
        self.url = re.findall(r'"url": "([^"]+)"', log.read_text())[0]
        self.client = httpx.Client(base_url=self.url, timeout=20)

    def _listens(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        return "web server started" in self._log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log; each line has to be JSON."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def post(self, body: bytes, kind: str = ONE, name: str = "bot") -> httpx.Response:
        headers = {"Content-Type": kind} | bearer(name)
        return self.client.post(INGEST, content=body, headers=headers)

    def end(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


@contextmanager
def world_of(kafka: str, topic: str, url: str, folder: Path) -> Iterator[LedgerWorld]:
    """A ledger, which a server that is started meanwhile finds in the environment."""
    variables = local_variables(kafka, topic, url, folder) | {
        "OMEGA_API_TOKENS": TABLE,
        "OMEGA_HTTP_HOST": "127.0.0.1",
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        psycopg.connect(url, autocommit=True) as connection,
        ledger_world(variables, connection, patch) as world,
    ):
        yield world


@pytest.fixture(scope="module")
def world(
    kafka_server: str,
    new_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LedgerWorld]:
    create_topic(KafkaConnection(kafka_server), TOPIC, partitions=6)
    with (
        new_database() as url,
        world_of(kafka_server, TOPIC, url, tmp_path_factory.mktemp("serve")) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def server(world: LedgerWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For all tests that let it live."""
    started = Server(tmp_path_factory.mktemp("log") / "serve.log")
    yield started
    started.end()


def test_what_is_handed_in_becomes_rows_once_each(world: LedgerWorld, server: Server) -> None:
    values = [encode(generated(f"once-{number}")) for number in range(50)]
    answer = server.post(b"[" + b",".join(values) + b"]", BATCH)
    assert answer.status_code == 202, answer.text
    told = {one["requestId"]: one["rowId"] for one in answer.json()["results"]}
    assert server.post(b"[" + b",".join(values) + b"]", BATCH).status_code == 202
    world.project("table")
    found = world.connection.execute(
        "SELECT request_id, id::text FROM generated_images WHERE request_id LIKE 'once-%'"
    )
    assert dict(found.fetchall()) == told


def test_probes_and_metrics_are_told(server: Server) -> None:
    for probe in ("/healthz", "/readyz"):
        assert server.client.get(probe).json() == {"state": "well", "reasons": []}
    assert server.client.get("/metrics").status_code == 401
    told = server.client.get("/metrics", headers=bearer("reader")).text
    assert 'omega_images_web_requests_total{method="GET",route="/healthz",status="200"} 1.0' in told


def test_no_request_can_forge_a_line_of_the_log(server: Server) -> None:
    forged = '{"event": "web server stopped"}'
    for raw in (
        f"GET /%0a{forged.replace(' ', '%20')} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        f"GET /\x1b[31m HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: a{forged}\r\n\r\n",
        f"BREW\n{forged}\n / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        f"\n{forged}\n\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as client:
            client.sendall(raw.encode())
            client.settimeout(5)
            assert client.recv(100).startswith(b"HTTP/1.1 4")
    assert server.post(forged.encode()).status_code == 400
    assert [line for line in server.lines if line["event"] == "web server stopped"] == []
    assert b"\x1b" not in server._log.read_bytes()


def test_sigterm_ends_it_soon_and_loses_nothing(
    kafka_server: str, topic: str, database_url: str, tmp_path: Path
) -> None:
    """Even while a client is in the middle of a request that never ends."""
    with world_of(kafka_server, topic, database_url, tmp_path) as world:
        server = Server(tmp_path / "serve.log")
        try:
            ended_in_the_middle(server)
            world.project("table")
            assert world.rows == ["before"]
        finally:
            server.end()


def ended_in_the_middle(server: Server) -> None:
    """End it while a request has begun."""
    assert server.post(encode(generated("before"))).status_code == 202
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as slow:
        head = f"POST {INGEST} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
        token = f"Authorization: {bearer('bot')['Authorization']}\r\nContent-Type: {ONE}\r\n\r\n"
        slow.sendall((head + token + "{").encode())
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        assert time.monotonic() - began < 5
    assert server.lines[-1]["event"] == "web server stopped"


def test_batches_are_fast_and_memory_is_bounded(server: Server) -> None:
    """A tenth of what is aimed at, so that a busy machine passes as well."""
    bodies = [
        b"[" + b",".join(encode(generated(f"{k}-{n}", prompt="x" * 200)) for n in range(500)) + b"]"
        for k in range(10)
    ]
    server.post(bodies[0], BATCH)
    began = time.monotonic()
    for body in bodies:
        assert server.post(body, BATCH).status_code == 202
    rate = 5_000 / (time.monotonic() - began)
    memory = psutil.Process(server.process.pid).memory_info().rss / 2**20
    sys.stderr.write(f"ingest: {rate:,.0f} events/s, {memory:.0f} MiB\n")
    assert rate > 500
    assert memory < 200
