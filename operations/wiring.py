"""Who gets what: the objects of the other parts, built from the settings."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consumers.kafka_log import KafkaLogReader
from consumers.kafka_topics import create_topic, topic_state
from consumers.log import TopicMissing, TopicState
from operations.extras import ExtraMissing
from operations.settings import Settings
from projections.connections import LOCK_S, Connection, connector
from projections.image_table import TableProjection
from projections.positions import ProjectionKey
from projections.projection import Projection
from projections.statistics import StatisticsProjection
from schemas.kafka_connection import KafkaConnection
from schemas.tracing import NO_TRACER, Tracer

PROJECTIONS: dict[str, Callable[[], Projection]] = {
    "table": TableProjection,
    "stats": StatisticsProjection,
}


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers in use."""

    kafka: KafkaConnection
    database_url: str
    embedded: tuple[str, ...] = ()
    """Which of them are the embedded stack's: ``kafka``, ``postgres``."""


def servers(settings: Settings) -> Servers:
    """The servers that are configured; for one that is not, the embedded one, started if need be.

    Raises operations.embedded.errors.StackError.
    """
    bootstrap = settings.kafka_bootstrap_servers
    url = settings.database_url.get_secret_value() if settings.database_url else None
    embedded: list[str] = []
    if bootstrap is None or url is None:
        from operations.embedded.stack import Stack  # its packages are an extra

        running = Stack(settings.home).up()
        if bootstrap is None:
            bootstrap = running.bootstrap_servers
            embedded.append("kafka")
        if url is None:
            url = running.database_url
            embedded.append("postgres")
    return Servers(kafka_connection(settings, bootstrap), url, tuple(embedded))


def kafka_connection(settings: Settings, bootstrap: str) -> KafkaConnection:
    """The cluster at ``bootstrap`` with the credentials of the settings."""
    password, key = settings.kafka_sasl_password, settings.kafka_tls_key_password
    return KafkaConnection(
        bootstrap_servers=bootstrap,
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        sasl_username=settings.kafka_sasl_username,
        sasl_password=password.get_secret_value() if password else None,
        tls_ca_file=_text(settings.kafka_tls_ca_file),
        tls_certificate_file=_text(settings.kafka_tls_certificate_file),
        tls_key_file=_text(settings.kafka_tls_key_file),
        tls_key_password=key.get_secret_value() if key else None,
    )


def _text(path: object) -> str | None:
    return None if path is None else str(path)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The servers, with topic and tables in place."""

    settings: Settings
    servers: Servers

    @property
    def topic(self) -> str:
        """The topic of the events."""
        return self.settings.topic

    def topic_state(self) -> TopicState:
        """The topic now. Raises TopicMissing, LogUnavailable."""
        return topic_state(self.servers.kafka, self.topic)

    def reader(self) -> KafkaLogReader:
        """Reads ranges of the topic, outside any group."""
        return KafkaLogReader(self.servers.kafka, self.topic)

    def connect(self, name: str = "omega-images") -> Connection[Any]:
        """A connection to the database in autocommit mode."""
        return connector(self.servers.database_url, name)()

    def connector(self, name: str, *, lock_s: float = LOCK_S) -> Callable[[], Connection[Any]]:
        """Opens such connections; their statements wait for a lock for so many seconds."""
        return connector(self.servers.database_url, name, lock_s=lock_s)

    def key(self, projection: str) -> ProjectionKey:
        """Whose positions: this projection's over the topic as it is now."""
        return ProjectionKey(projection, self.topic, self.topic_state().topic_id)


def open_ledger(settings: Settings, *, prepare: bool = False) -> Ledger:
    """The ledger that the settings name.

    With ``prepare``, or where a server is embedded, the topic is created and the tables are
    migrated when they are not yet there: somebody's own servers are only changed when asked to.
    """
    found = servers(settings)
    ledger = Ledger(settings, found)
    if prepare or "kafka" in found.embedded:
        ensure_topic(ledger)
    if prepare or "postgres" in found.embedded:
        from projections import migrate  # 20 MB, which a worker on other servers does not need

        migrate.upgrade(found.database_url)
    return ledger


def ensure_topic(ledger: Ledger) -> bool:
    """Create the topic where it is missing; whether it was."""
    try:
        ledger.topic_state()
    except TopicMissing:
        settings = ledger.settings
        create_topic(
            ledger.servers.kafka,
            ledger.topic,
            partitions=settings.topic_partitions,
            replication=settings.topic_replication,
            min_insync=settings.topic_min_insync_replicas,
        )
        return True
    return False


def tracer_of(settings: Settings, service: str) -> Tracer:
    """Records spans where that is configured. Raises ExtraMissing."""
    if settings.traces_endpoint is None:
        return NO_TRACER
    try:
        from operations.tracing import open_tracer  # its packages are an extra
    except ModuleNotFoundError as exc:
        raise ExtraMissing(exc, "tracing") from None
    return open_tracer(service, settings.traces_endpoint, settings.traces_ratio)


def owner_name(projection: str) -> str:
    """Tells this process's worker from all others: projection, host, process, a random part."""
    host = socket.gethostname()[:20]
    return f"omega-{projection}-{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"[:63]
