"""Where measurements run: embedded servers of their own, a fresh database and topic for each."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

    def connect(self) -> Connection[Any]:
        """A connection in autocommit mode."""
        return psycopg.connect(self.database_url, autocommit=True)

    @contextmanager
    def worker(self, projection: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker in a process of its own."""
        command = [sys.executable, "-m", "operations.main", "consume", projection]
        with (HOME / f"{projection}.log").open("wb") as log:
            process = subprocess.Popen(command, env=self.environment, stderr=log)
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
        with psycopg.connect(running.database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = running.database_url.rpartition("/")[0] + f"/{name}"
        migrate.upgrade(url)
        kafka = KafkaConnection(running.bootstrap_servers)
        create_topic(kafka, name, partitions=partitions)
        yield Place(kafka, url, name)
    finally:
        stack.down()
