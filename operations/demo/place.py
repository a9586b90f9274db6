"""The demonstration's corner: its own database, topic and folders, on the embedded servers only."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from operations.demo.leftovers import end_leftovers
from operations.embedded.stack import Running, Stack
from producers.storage import LocalStorage, Stored
from producers.storage.wrapped import WrappedStorage
from projections.connections import connector
from projections.demonstration import DATABASE, recreate_database

TOPIC_PREFIX = "omega-image-events-demo-"
WORKERS = "workers.json"
CONFIGURED = ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "OMEGA_DATABASE_URL", "DATABASE_URL")


class AlreadyRunning(Exception):
    """Another demonstration uses the same corner."""


class Archive(WrappedStorage):
    """Names with a prefix in the same store, so that the demonstration's server can show them."""

    PREFIX = "archived-"

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        """Store it under its name in the archive."""
        return super().put(data, self.PREFIX + filename, mime_type)

    def filename_of(self, url: str) -> str | None:
        """See Storage; None for what is not in the archive."""
        name = super().filename_of(url)
        return name if name is not None and name.startswith(self.PREFIX) else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one demonstration happens."""

    home: Path
    stack_home: Path
    bootstrap_servers: str
    database_url: str
    topic: str
    port: int
    """Of its pages, which the images' addresses name."""

    @property
    def images(self) -> LocalStorage:
        """Where images are stored first."""
        return LocalStorage(self.home / "uploads", f"{self._pages}/uploads")

    @property
    def archive(self) -> Archive:
        """Where some of them are moved."""
        return Archive(self.images)

    @property
    def _pages(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        """The workers' logs."""
        return self.home / "logs"

    @property
    def workers(self) -> Path:
        """Which workers were started, for the next demonstration, should this one be killed."""
        return self.home / WORKERS

    @property
    def env_file(self) -> Path:
        """What a shell has to read so that commands find this place."""
        return self.home / "env"

    def variables(self) -> dict[str, str]:
        """The settings that make any command work in this place, and in no other."""
        return {
            "OMEGA_HOME": str(self.stack_home),
            "OMEGA_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "OMEGA_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
            "OMEGA_DATABASE_URL": self.database_url,
            "OMEGA_TOPIC": self.topic,
            "OMEGA_STORAGE_FOLDER": str(self.home / "uploads"),
            "OMEGA_STORAGE_BASE_URL": f"{self._pages}/uploads",
            "OMEGA_HTTP_PORT": "0",
        }

    def write_env_file(self) -> None:
        """Readable by its owner alone: the database's password is in it."""
        lines = (f"export {name}={shlex.quote(text)}\n" for name, text in self.variables().items())
        self.env_file.touch(mode=0o600)
        self.env_file.write_text("".join(lines))


def servers_left_alone() -> list[str]:
    """The variables that name servers of the user's own, which a demonstration never touches."""
    return [name for name in CONFIGURED if os.environ.get(name)]


@contextmanager
def place_under(stack_home: Path, now: datetime, port: int) -> Iterator[Place]:
    """Start the embedded servers if need be, and clear the corner of the last demonstration.

    ``port`` is where its pages will be.

    Raises StackError, AlreadyRunning, psycopg.Error.
    """
    home = stack_home.resolve() / "demo"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(str(home)) from None
        end_leftovers(home / WORKERS)
        running = Stack(stack_home).up()
        for name in ("uploads", "logs"):
            shutil.rmtree(home / name, ignore_errors=True)
        (home / "logs").mkdir()
        yield _place(home, stack_home.resolve(), running, now, port)


def _place(home: Path, stack_home: Path, running: Running, now: datetime, port: int) -> Place:
    with connector(running.database_url, "omega-demo")() as connection:
        recreate_database(connection)
    place = Place(
        home=home,
        stack_home=stack_home,
        bootstrap_servers=running.bootstrap_servers,
        database_url=_with_database(running.database_url, DATABASE),
        topic=TOPIC_PREFIX + now.strftime("%Y%m%d-%H%M%S"),
        port=port,
    )
    place.write_env_file()
    return place


def _with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
