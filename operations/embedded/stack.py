"""The stack: started on first use, found again by the next command, stopped by ``down``."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from operations.embedded.errors import StackError
from operations.embedded.kafka import Kafka
from operations.embedded.postgres import Postgres
from operations.embedded.processes import Server

Kinds = Kafka | Postgres


@dataclass(frozen=True, slots=True)
class Running:
    """Where the servers are."""

    kafka: Server
    postgres: Server
    bootstrap_servers: str
    database_url: str


class Stack:
    """The embedded servers whose data lies under ``home``.

    A lock makes two commands at once start one stack; a state file tells the next command where
    the servers are, and a server counts as running when its very process lives and answers.
    """

    def __init__(self, home: Path, *, shared: Path | None = None, for_speed: bool = False) -> None:
        self._home = home.resolve()
        shared = (shared or self._home / "cache").resolve()
        self._kafka = Kafka(self._home / "kafka", shared=shared, for_speed=for_speed)
        self._postgres = Postgres(self._home / "postgres")
        self._state = self._home / "servers.json"

    def up(self, with_database: Callable[[str], None] = lambda _: None) -> Running:
        """Start what does not run yet; both at the same time. Raises StackError.

        ``with_database`` is called with the database's URL as soon as that answers, while Kafka
        may still be starting; what it raises is raised when both run.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        with self._locked():
            known = self._remembered()
            with ThreadPoolExecutor(3) as pool:
                jobs = [
                    pool.submit(self._ensure, kind, known) for kind in (self._kafka, self._postgres)
                ]
                url = self._postgres.url
                done = pool.submit(lambda: with_database(url(jobs[1].result().port)))
                started: dict[str, Server] = {}
                problems = []
                for job in jobs:
                    try:
                        server = job.result()
                        started[server.name] = server
                    except StackError as exc:
                        problems.append(str(exc))
                    except OSError as exc:
                        # The other server runs, and has to be remembered.
                        problems.append(str(exc))
            self._remember(started)
        if problems:
            raise StackError("; ".join(" ".join(problem.split()) for problem in problems))
        done.result()
        return self._running(started)

    def running(self) -> Running | None:
        """Where the servers are, when both run; starts nothing."""
        known = {name: server for name, server in self._remembered().items() if server.answers()}
        both = {self._kafka.name, self._postgres.name} <= known.keys()
        return self._running(known) if both else None

    def servers(self) -> list[Server]:
        """Those that run."""
        return [server for server in self._remembered().values() if server.alive()]

    def down(self) -> list[str]:
        """Stop what runs; the names of what was stopped."""
        if not self._home.exists():
            return []
        with self._locked():
            known = self._remembered()
            stopped = []
            for kind in (self._kafka, self._postgres):
                server = known.get(kind.name)
                if server is not None and server.alive():
                    kind.stop(server)
                    stopped.append(kind.name)
        return stopped

    def _ensure(self, kind: Kinds, known: dict[str, Server]) -> Server:
        server = known.get(kind.name)
        if server is not None and server.answers():
            return server
        if server is not None and server.alive():
            kind.stop(server)
        return kind.start(server.port if server else None)

    def _running(self, known: dict[str, Server]) -> Running:
        kafka, postgres = known[self._kafka.name], known[self._postgres.name]
        url = self._postgres.url(postgres.port)
        return Running(kafka, postgres, f"127.0.0.1:{kafka.port}", url)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _remembered(self) -> dict[str, Server]:
        try:
            found = json.loads(self._state.read_text())
            return {item["name"]: Server(**item) for item in found}
        except (OSError, ValueError, TypeError, KeyError):
            return {}

    def _remember(self, servers: dict[str, Server]) -> None:
        known = self._remembered() | servers
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(server) for server in known.values()], indent=1))
        fresh.replace(self._state)
