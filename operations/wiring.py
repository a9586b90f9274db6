"""Who gets what: the objects of the other parts, built from the settings."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumers.kafka_log import KafkaLogReader
from consumers.kafka_topics import create_topic, topic_state
from consumers.log import TopicMissing, TopicState
from operations.settings import Settings
from operations.storing import ExtraMissing, open_storage
from producers.kafka_publisher import KafkaPublisher, PublisherSettings
from producers.metrics import ProducerMetrics
from producers.sealing import Sealer, SealingPublisher
from producers.spool import Spool
from producers.spool_rows import SpoolLimits
from producers.spooling_publisher import SpoolingPublisher
from producers.storage.metered import MeteredStorage
from producers.tracking import Tracker
from projections.connections import LOCK_S, Connection, connector
from projections.image_table import TableProjection
from projections.positions import ProjectionKey
from projections.projection import Projection
from projections.statistics import StatisticsProjection
from projections.user_keys import KeyTable
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


def open_spool(settings: Settings) -> Spool:
    """The spool that the settings name. Raises SpoolError."""
    limits = SpoolLimits(settings.spool_max_events, settings.spool_max_bytes)
    return Spool(spool_path(settings), limits)


def spool_path(settings: Settings) -> Path:
    """Where it lies, whether there is one or not; each topic has its own."""
    return settings.spool_path or settings.home / "spool" / f"{settings.topic}.db"


def open_publisher(ledger: Ledger, metrics: ProducerMetrics | None = None) -> SpoolingPublisher:
    """Publishes to the ledger's topic by way of the spool. Raises SpoolError."""
    spool = open_spool(ledger.settings)
    # What fails is sent again anyway; the earlier it fails, the sooner a close is done.
    kafka = KafkaPublisher(ledger.servers.kafka, ledger.topic, PublisherSettings(deadline_s=5))
    if not ledger.settings.seal:
        return SpoolingPublisher(spool, kafka, metrics=metrics)
    sealer = open_sealer(ledger.servers.database_url)
    sealing = SealingPublisher(kafka, sealer)
    return SpoolingPublisher(spool, sealing, sealer=sealer, metrics=metrics)


def open_direct_publisher(ledger: Ledger) -> KafkaPublisher | SealingPublisher:
    """Publishes without the spool: for commands that say what was not published."""
    kafka = KafkaPublisher(ledger.servers.kafka, ledger.topic)
    if not ledger.settings.seal:
        return kafka
    return SealingPublisher(kafka, open_sealer(ledger.servers.database_url))


def open_sealer(database_url: str) -> Sealer:
    """Seals with the users' keys in the database."""
    return Sealer(KeyTable(connector(database_url, "omega-images-keys")))


@contextmanager
def open_tracker(ledger: Ledger, metrics: ProducerMetrics | None = None) -> Iterator[Tracker]:
    """For tools. First tells what became of calls in which processes died. Raises SpoolError.

    ``metrics`` go into the registry that the process exposes.
    """
    with open_publisher(ledger, metrics) as publisher:
        storage = open_storage(ledger.settings)
        if metrics is not None:
            storage = MeteredStorage(storage, metrics)
        tracer = tracer_of(ledger.settings, "omega-images-tools")
        tracker = Tracker(publisher, storage, metrics=metrics, tracer=tracer)
        tracker.recover()
        try:
            yield tracker
        finally:
            tracker.close()


def tracer_of(settings: Settings, service: str) -> Tracer:
    """Records spans where that is configured. Raises ExtraMissing."""
    if settings.traces_endpoint is None:
        return NO_TRACER
    try:
        from operations.tracing import open_tracer  # its packages are an extra
    except ModuleNotFoundError as exc:
        extra = "omega-images[tracing]"
        raise ExtraMissing(f"{exc.name} is not installed: pip install '{extra}'") from None
    return open_tracer(service, settings.traces_endpoint, settings.traces_ratio)


def owner_name(projection: str) -> str:
    """Tells this process's worker from all others: projection, host, process, a random part."""
    host = socket.gethostname()[:20]
    return f"omega-{projection}-{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"[:63]
