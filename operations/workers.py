"""A worker process: built from the settings, run until a signal says stop."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from types import FrameType

import structlog

from consumers.health import Health, HealthServer
from consumers.kafka_group import GroupSettings, KafkaGroupLog
from consumers.metrics import WorkerMetrics
from consumers.processor import BATCH_LOCK_TIMEOUT_S, Processor
from consumers.traced_processor import TracedProcessor
from consumers.vitals import Vitals
from consumers.worker import Limits, Worker
from consumers.writer import BatchProcessor
from operations.wiring import PROJECTIONS, Ledger, owner_name, tracer_of
from schemas.tracing import NO_TRACER

log = structlog.stdlib.get_logger(__name__)

SECOND_SIGNAL_EXIT = 130


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a worker can be told on the command line."""

    health_host: str
    health_port: int
    batch_records: int
    instance_id: str | None = None


def run_worker(ledger: Ledger, projection: str, options: WorkerOptions) -> None:
    """Run a worker of the projection until SIGTERM or SIGINT; a second one ends it at once.

    Raises what Worker.run raises, and OSError when the health port is taken.
    """
    owner = owner_name(projection)
    key = ledger.key(projection)
    group = KafkaGroupLog(
        ledger.servers.kafka,
        ledger.topic,
        f"{ledger.topic}-{projection}",
        topic_id=key.topic_id,
        settings=GroupSettings(instance_id=options.instance_id),
    )
    connect = ledger.connector(owner, lock_s=BATCH_LOCK_TIMEOUT_S)
    processor: BatchProcessor = Processor(PROJECTIONS[projection](), key, connect, owner)
    tracer = tracer_of(ledger.settings, f"omega-images-consume-{projection}")
    if tracer is not NO_TRACER:
        processor = TracedProcessor(processor, tracer, projection)
    metrics = WorkerMetrics(projection, ledger.topic, owner)
    vitals = Vitals()
    limits = Limits(batch_records=options.batch_records)
    worker = Worker(group, processor, metrics=metrics, vitals=vitals, limits=limits)
    health = Health(vitals.snapshot, metrics.registry)
    with HealthServer(health, options.health_host, options.health_port) as server:
        _stop_on_signals(worker)
        log.info(
            "worker started",
            projection=projection,
            topic=ledger.topic,
            owner=owner,
            health=f"http://{options.health_host}:{server.port}/healthz",
        )
        worker.run()
        log.info("worker stopped", projection=projection, owner=owner)


def _stop_on_signals(worker: Worker) -> None:
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(SECOND_SIGNAL_EXIT)
        asked = True
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
