"""Where measurements run: embedded servers of their own, a fresh database and topic for each."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql

from consumers.kafka_topics import create_topic
from operations.embedded.stack import Stack
from projections import migrate
from schemas.kafka_connection import KafkaConnection

HOME = Path(".omega/bench")
CACHE = Path(".omega/cache")

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """The servers, and what is fresh in them."""

    kafka: KafkaConnection
    database_url: str
    topic: str
    home: Path = HOME
    """Where processes write their logs, and keep what they spool."""
    kafka_pid: int = 0
    postgres_pid: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """For the program's own processes."""
        return {
            **os.environ,
            "OMEGA_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "OMEGA_DATABASE_URL": self.database_url,
            "OMEGA_TOPIC": self.topic,
            "OMEGA_HOME": str(self.home / "files"),
        }

    @property
    def database(self) -> str:
        """The database's name."""
        return self.database_url.rpartition("/")[2]

    def connect(self, database_url: str | None = None) -> Connection[Any]:
        """A connection in autocommit mode."""
        return psycopg.connect(database_url or self.database_url, autocommit=True)

    def url_of(self, database: str) -> str:
        """Of another database on the same server."""
        return self.database_url.rpartition("/")[0] + f"/{database}"

    def create(self, name: str, template: str | None = None) -> str:
        """Create a database as a copy of another, or of one with the tables; its URL."""
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template or _with_tables(self))
        )
        with self.connect() as connection:
            connection.execute(made)
            connection.execute("CHECKPOINT")
        return self.url_of(name)

    @contextmanager
    def copy(self, template: str, topic: str) -> Iterator[Place]:
        """The same servers with a database of its own, which is dropped at the end."""
        name = f"bench_{next(_numbers)}_{uuid.uuid4().hex[:6]}"
        url = self.create(name, template)
        try:
            yield replace(self, database_url=url, topic=topic)
        finally:
            dropped = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            with self.connect() as connection:
                connection.execute(dropped)

    @contextmanager
    def worker(
        self, projection: str, log: str = "", options: Sequence[str] = ()
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A worker in a process of its own."""
        command = ("consume", projection, *options)
        with self.program(*command, log=f"{projection}{log}") as process:
            yield process

    @contextmanager
    def program(
        self, *arguments: str, log: str, environment: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A command of the program; ended at the end, if it has not by itself."""
        command = [sys.executable, "-m", "operations.main", *arguments]
        variables = {**self.environment, **(environment or {})}
        with self.log(log).open("wb") as output:
            process = subprocess.Popen(command, env=variables, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def log(self, name: str) -> Path:
        """The file of what a process said."""
        return self.home / f"{name}.log"


@cache
def _with_tables(place: Place) -> str:
    """A database in which the tables are, and nothing else; its name."""
    name = f"tables_{uuid.uuid4().hex[:6]}"
    migrate.upgrade(place.create(name, "template1"))
    return name


@contextmanager
def fresh_place(partitions: int = 6, home: Path = HOME) -> Iterator[Place]:
    """Servers with the optimising compiler and a gigabyte for Kafka; gone at the end."""
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder), shared=CACHE, for_speed=True)
        running = stack.up()
        try:
            name = f"bench_{uuid.uuid4().hex[:12]}"
            kafka = KafkaConnection(running.bootstrap_servers)
            pids = (running.kafka.pid, running.postgres.pid)
            servers = Place(kafka, running.database_url, name, home, *pids)
            url = servers.create(name)
            create_topic(kafka, name, partitions=partitions)
            yield replace(servers, database_url=url)
        finally:
            stack.down()
