"""A PostgreSQL of a test's own, which it may freeze, kill and fill."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from operations.embedded.postgres import Postgres


def _may_have_ended() -> suppress:
    """The server's sessions come and go, also between two looks at them."""
    return suppress(psutil.NoSuchProcess)


class OwnPostgres:
    """A server that can hang, die and come back on the same port with its data."""

    def __init__(self, home: Path) -> None:
        self._postgres = Postgres(home)
        self._server = self._postgres.start(None)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def url(self, database: str = "postgres") -> str:
        """Where a database is, with the password."""
        return self._postgres.url(self._server.port, database)

    def freeze(self) -> None:
        """It answers nothing more, and its connections stay."""
        for process in self._processes():
            with _may_have_ended():
                process.suspend()

    def thaw(self) -> None:
        """It goes on where it stopped."""
        for process in self._processes():
            with _may_have_ended():
                process.resume()

    def kill(self) -> None:
        """It is gone at once, with everything that was in memory."""
        processes = self._processes()
        for process in processes:
            with _may_have_ended():
                process.kill()
        psutil.wait_procs(processes, 10)

    def shut_down(self) -> None:
        """It ends in an orderly way, and its sessions with it."""
        self._server.stop(signal.SIGINT, 20)

    def start(self) -> None:
        """It comes back, if it is not there."""
        if not self._server.alive():
            self._server = self._postgres.start(self._server.port)

    def _processes(self) -> list[psutil.Process]:
        if not self._server.alive():
            return []
        server = psutil.Process(self._server.pid)
        return [server, *server.children(recursive=True)]


@pytest.fixture(scope="session")
def postgres_of_the_session(server_home: Path) -> Iterator[OwnPostgres]:
    """One for all tests that take it in turns."""
    postgres = OwnPostgres(server_home / "own-postgres")
    yield postgres
    postgres.thaw()
    postgres.shut_down()


@pytest.fixture
def own_postgres(postgres_of_the_session: OwnPostgres) -> Iterator[OwnPostgres]:
    """A server that runs, and will again when the test has ended."""
    postgres = postgres_of_the_session
    yield postgres
    postgres.thaw()
    postgres.start()
