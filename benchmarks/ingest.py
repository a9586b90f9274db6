"""Events handed in over HTTP, in batches, by two clients at the same time."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.dataset import read_all
from benchmarks.events import event
from benchmarks.memory import peak_mb
from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.poster import SIZE
from benchmarks.report import Measurement, Series, Target
from consumers.kafka_topics import create_topic

CLIENTS = 2
DEADLINE_S = 60.0
MEMORY = "most memory of the web server"
SEALED, PLAIN = f"batches of {SIZE}", f"batches of {SIZE}, not sealed"


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """As the program is set up by default, which seals events; and without sealing."""
    place.create("ingest_empty")
    series = Series("ingest")
    for _ in range(options.repetitions):
        for name, seal in ((SEALED, "true"), (PLAIN, "false")):
            rate, peak = _ingest(place, options.small // CLIENTS, seal)
            series.add(name, rate)
            if name == SEALED:
                series.add(MEMORY, peak)
    for name in (SEALED, PLAIN):
        yield series.told(name, "events/s", "", Target(5_000, least=True))
    yield series.told(MEMORY, "MB", "", Target(200, always=True))


def _ingest(place: Place, count: int, seal: str) -> tuple[float, float]:
    """Events per second when each client posts so many, and the server's memory in MB."""
    topic, token = f"ingest-{uuid.uuid4().hex[:8]}", secrets.token_hex(24)
    create_topic(place.kafka, topic, partitions=6)
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(dir=place.home))
        here = stack.enter_context(place.copy("ingest_empty", topic))
        here = replace(here, home=Path(folder))
        settings = {"OMEGA_API_TOKENS": f"bench:ingest:{token}", "OMEGA_SEAL": seal}
        serving = here.program("serve", "--port", "0", log="serve", environment=settings)
        server = stack.enter_context(serving)
        variables = {**here.environment, "BENCH_TOKEN": token, "BENCH_URL": _url(here, server)}
        clients = [
            stack.enter_context(_client(variables, number * count, count))
            for number in range(CLIENTS)
        ]
        rate = CLIENTS * count / _let_go(clients)
        peak = peak_mb(server.pid)
    _check(place, topic, CLIENTS * count)
    return rate, peak


def _url(here: Place, server: subprocess.Popen[bytes]) -> str:
    """Where the web server listens, once it does."""
    give_up = time.monotonic() + DEADLINE_S
    while time.monotonic() < give_up:
        said = here.log("serve").read_text(encoding="utf-8")
        assert server.poll() is None, said[-500:]
        if found := re.search(r'"url": "([^"]+)"', said):
            return found[1]
        time.sleep(0.05)
    raise AssertionError("the web server did not start in time")


@contextmanager
def _client(variables: dict[str, str], first: int, count: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.poster", str(first), str(count)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, text=True) as client:
        try:
            yield client
        finally:
            client.kill()


def _let_go(clients: list[subprocess.Popen[str]]) -> float:
    """Let all begin at once, when each is ready; the seconds until the last had posted all."""
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n", "a client did not start"
    began = time.perf_counter()
    for client in clients:
        assert client.stdin is not None
        client.stdin.write("\n")
        client.stdin.flush()
    ended = [client.stdout.readline() for client in clients if client.stdout]
    assert all(ended), "a client was refused"
    return max(map(float, ended)) - began


def _check(place: Place, topic: str, count: int) -> None:
    """Every event is in the log, once."""
    keys = [record.key for record in read_all(place.kafka, topic)]
    wanted = {event(number).data.request_id.encode() for number in range(count)}
    assert len(keys) == count, f"{len(keys)} records of {count}"
    assert set(keys) == wanted, "other requests in the log than were posted"
