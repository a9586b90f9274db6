"""What publishes, built from the settings: with the spool and without, and the tools' tracker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operations.settings import Settings
from operations.storing import open_storage
from operations.wiring import Ledger, tracer_of
from producers.kafka_publisher import KafkaPublisher, PublisherSettings
from producers.metrics import ProducerMetrics
from producers.sealing import Sealer, SealingPublisher
from producers.spool import Spool
from producers.spool_rows import SpoolLimits
from producers.spooling_publisher import SpoolingPublisher
from producers.storage.metered import MeteredStorage
from producers.tracking import Tracker
from projections.connections import connector
from projections.user_keys import KeyTable


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
