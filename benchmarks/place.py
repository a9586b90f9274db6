"""Where measurements run: embedded servers of their own, a fresh database and topic for each."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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

    @property
    def environment(self) -> dict[str, str]:
        """For the program's own processes."""
        return {
            **os.environ,
            "OMEGA_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "OMEGA_DATABASE_URL": self.database_url,
            "OMEGA_TOPIC": self.topic,
        }

    def connect(self, database_url: str | None = None) -> Connection[Any]:
        """A connection in autocommit mode."""
        return psycopg.connect(database_url or self.database_url, autocommit=True)

    def url_of(self, database: str) -> str:
        """Of another database on the same server."""
        return self.database_url.rpartition("/")[0] + f"/{database}"

    def create(self, name: str, template: str | None = None) -> str:
        """Create a database with the tables, or as a copy of another; its URL."""
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template or "template1")
        )
        with self.connect() as connection:
            connection.execute(made)
            connection.execute("CHECKPOINT")
        url = self.url_of(name)
        if template is None:
            migrate.upgrade(url)
        return url

    @contextmanager
    def copy(self, template: str, topic: str) -> Iterator[Place]:
        """The same servers with a database of its own, which is dropped at the end."""
        name = f"bench_{next(_numbers)}_{uuid.uuid4().hex[:6]}"
        yield replace(self, database_url=self.create(name, template), topic=topic)
        with self.connect() as connection:
            dropped = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(dropped)

    @contextmanager
    def worker(
        self, projection: str, log: str = "", options: Sequence[str] = ()
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A worker in a process of its own."""
        command = [sys.executable, "-m", "operations.main", "consume", projection, *options]
        with (HOME / f"{projection}{log}.log").open("wb") as output:
            process = subprocess.Popen(command, env=self.environment, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def fresh_place(partitions: int = 6) -> Iterator[Place]:
    """Servers with the optimising compiler and a gigabyte for Kafka; stopped at the end."""
    stack = Stack(HOME, shared=CACHE, for_speed=True)
    running = stack.up()
    try:
        name = f"bench_{uuid.uuid4().hex[:12]}"
        kafka = KafkaConnection(running.bootstrap_servers)
        servers = Place(kafka, running.database_url, name)
        url = servers.create(name)
        create_topic(kafka, name, partitions=partitions)
        yield replace(servers, database_url=url)
    finally:
        stack.down()
