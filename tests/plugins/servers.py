"""The servers of a test run: in containers where an engine answers, else the embedded stack."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

from operations.embedded.kafka import Kafka
from operations.embedded.postgres import Postgres

CACHE = Path(tempfile.gettempdir()) / f"omega-images-tests-{os.getuid()}"
"""Kafka's class path and class archive, which make every start but the first a quick one."""


@cache
def engine_answers() -> bool:
    """Whether a Docker engine answers."""
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        return False
    import docker

    try:
        client = docker.from_env(timeout=3)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except docker.errors.DockerException:
        return False


def pytest_report_header() -> str:
    """Where the servers are, so that nobody takes the one for the other."""
    if engine_answers():
        return "servers: in containers, and embedded where a test kills them"
    return "servers: the embedded stack, as no Docker engine answers; containers are left out"


@pytest.fixture(scope="session")
def docker_engine() -> bool:
    """Whether a Docker engine answers."""
    return engine_answers()


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A folder for the servers' data, gone when the run is."""
    with tempfile.TemporaryDirectory(prefix="omega-servers-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def postgres_server(docker_engine: bool, server_home: Path) -> Iterator[str]:
    """URL of the maintenance database of a PostgreSQL that this run has to itself."""
    if docker_engine:
        with _postgres_in_a_container() as url:
            yield _without_syncs(url)
        return
    postgres = Postgres(server_home / "postgres")
    server = postgres.start(None)
    yield _without_syncs(postgres.url(server.port, "postgres"))
    postgres.stop(server)


def _without_syncs(url: str) -> str:
    """What is not waited for here is the disk, which only a fall of the machine needs.

    A new database takes half the time. Servers that tests kill are others (own_postgres.py).
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return url


@pytest.fixture(scope="session")
def kafka_server(docker_engine: bool, server_home: Path) -> Iterator[str]:
    """host:port of a Kafka that this run has to itself."""
    if docker_engine:
        yield from _kafka_in_a_container()
        return
    CACHE.mkdir(mode=0o700, exist_ok=True)
    kafka = Kafka(server_home / "kafka", shared=CACHE)
    server = kafka.start(None)
    yield f"127.0.0.1:{server.port}"
    kafka.stop(server)


@contextmanager
def _postgres_in_a_container() -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer("postgres:18-alpine", driver=None) as container:
        yield container.get_connection_url()


def _kafka_in_a_container() -> Iterator[str]:
    """A generic container: the module's own class works with another vendor's image only."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    from operations.embedded.processes import free_port

    port = free_port()
    listeners = "PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093"
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": listeners,
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "2000",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
    with ExitStack() as stack:
        container = DockerContainer("apache/kafka:4.1.0").with_bind_ports(9092, port)
        for name, value in settings.items():
            container = container.with_env(name, value)
        container = container.waiting_for(LogMessageWaitStrategy("Kafka Server started"))
        stack.enter_context(container)
        yield f"127.0.0.1:{port}"
