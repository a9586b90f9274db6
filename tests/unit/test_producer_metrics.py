"""What a producer's process tells Prometheus, and what a trace tells of a tool's call."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from consumers.decoding import decode_batch
from consumers.processor import Batch, Processed
from consumers.traced_processor import TracedProcessor
from operations.tracing import OpenTelemetryTracer, open_tracer
from producers.metrics import MAX_TOOLS, PREFIX, ProducerMetrics
from producers.spool import Spool
from producers.spooling_publisher import SpoolingPublisher, SpoolingSettings
from producers.storage import LocalStorage, Storage, StorageUnavailable
from producers.storage.fallback import FallbackStorage
from producers.storage.metered import MeteredStorage
from producers.tracking import Tracker
from projections.projection import Applied
from schemas.metric_labels import OTHER, BoundedLabels
from schemas.tracing import NO_TRACER, Tracer
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic
from tests.support.tracked_process import BASE, DATA
from tests.support.waiting import eventually

TOOL = "generateComic"


class Down(LocalStorage):
    """A store that takes nothing."""

    provider = "github"

    def put(self, *_: object) -> Any:
        raise StorageUnavailable("down")


class World:
    """A tool's process, with a topic in memory."""

    def __init__(self, folder: Path, tracer: Tracer = NO_TRACER, *, down: bool = False) -> None:
        self.topic = MemoryTopic()
        self.publisher = MemoryPublisher(self.topic)
        self.registry = CollectorRegistry()
        metrics = ProducerMetrics(self.registry)
        self.spooling = SpoolingPublisher(
            Spool(folder / "spool.db"),
            self.publisher,
            SpoolingSettings(deadline_s=0.2),
            metrics=metrics,
        )
        local: Storage = LocalStorage(folder / "images", BASE)
        if down:
            local = FallbackStorage(Down(folder / "other", BASE), local)
        storage = MeteredStorage(local, metrics)
        self.tracker = Tracker(self.spooling, storage, metrics=metrics, tracer=tracer)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"{PREFIX}_{name}", labels)

    def close(self) -> None:
        self.tracker.close()
        self.spooling.close()


@contextmanager
def open_world(folder: Path, **options: Any) -> Iterator[World]:
    world = World(folder, **options)
    try:
        yield world
    finally:
        world.close()


def fail(world: World) -> None:
    with world.tracker.track(TOOL, "123", "a cat"):
        raise ValueError("no cats")


def test_calls_events_and_images_are_counted(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        with world.tracker.track(TOOL, "123", "a cat") as call:
            call.save(DATA)
        with pytest.raises(ValueError, match="no cats"):
            fail(world)
        eventually(lambda: world.value("events_total", outcome="acknowledged") == 2)
        assert world.value("tool_calls_total", tool=TOOL, outcome="success") == 1
        assert world.value("tool_calls_total", tool=TOOL, outcome="failed") == 1
        assert world.value("stored_bytes_total", provider="local") == len(DATA)
        assert world.value("publish_seconds_count") == 2
        assert world.value("spool_events") == 0


def test_what_waits_in_the_spool_is_told(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        world.publisher.withhold()
        with world.tracker.track(TOOL, "123", "a cat") as call:
            call.save(DATA)
        assert world.value("events_total", outcome="spooled") == 1
        assert world.value("spool_events") == 1
        assert (world.value("spool_oldest_seconds") or 0) >= 0
        assert (world.value("spool_bytes") or 0) > 100


def test_what_the_fallback_takes_is_told(tmp_path: Path) -> None:
    with open_world(tmp_path, down=True) as world:
        with world.tracker.track(TOOL, "123", "a cat") as call:
            call.save(DATA)
        taken = world.value("storage_fallbacks_total", provider="github", fallback="local")
        assert taken == 1


def test_labels_do_not_grow_without_bound(tmp_path: Path) -> None:
    labels = BoundedLabels(2)
    assert [labels.of(name) for name in "abcab"] == [("a",), ("b",), (OTHER,), ("a",), ("b",)]
    metrics = ProducerMetrics(registry := CollectorRegistry())
    for number in range(3 * MAX_TOOLS):
        metrics.count_call(f"tool-{number}" + "x" * 200, succeeded=True)
    (family,) = (f for f in registry.collect() if f.name == f"{PREFIX}_tool_calls")
    tools = {sample.labels["tool"] for sample in family.samples}
    assert len(tools) == MAX_TOOLS + 1
    assert max(map(len, tools)) <= 100


class Accepting:
    """A processor that takes everything."""

    def claim(self, _: object) -> dict[int, int]:
        return {}

    def forget(self, _: object) -> None: ...

    def prepare(self, _: object) -> None: ...

    def process(self, _: Batch) -> Processed:
        return Processed(Applied(), ())

    def close(self) -> None: ...


def test_a_trace_goes_from_the_tool_to_the_row(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetryTracer("test", exporter, 1.0)
    with open_world(tmp_path, tracer=tracer) as world:
        with world.tracker.track(TOOL, "123", "a secret cat") as call:
            call.save(DATA)
        records = [record for one in world.topic.partitions for record in one.records]
    TracedProcessor(Accepting(), tracer, "table").process(decode_batch(records))
    tracer.flush()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {f"tool {TOOL}", "store image", "publish event", "project table"}
    root = spans[f"tool {TOOL}"]
    for name, span in spans.items():
        assert span.context is not None
        assert root.context is not None
        assert span.context.trace_id == root.context.trace_id
        if name != root.name:
            assert span.parent is not None
            assert span.parent.span_id == root.context.span_id
    assert spans["project table"].attributes is not None
    assert spans["project table"].attributes["omega.request_id"] == call.request_id
    assert "secret" not in str([span.to_json() for span in spans.values()])
    tracer.close()


def test_a_failure_is_marked_without_its_text(tmp_path: Path) -> None:
    exporter: SpanExporter = InMemorySpanExporter()
    tracer = OpenTelemetryTracer("test", exporter, 1.0)
    with open_world(tmp_path, tracer=tracer) as world, pytest.raises(ValueError, match="no cats"):
        fail(world)
    tracer.flush()
    (span,) = exporter.get_finished_spans()  # type: ignore[attr-defined]  # of the one in memory
    assert span.attributes["error.type"] == "ValueError"
    assert "no cats" not in span.to_json()
    tracer.close()


def test_without_a_sampled_trace_events_carry_none(tmp_path: Path) -> None:
    tracer = OpenTelemetryTracer("test", InMemorySpanExporter(), 0.0)
    with open_world(tmp_path, tracer=tracer) as world:
        with world.tracker.track(TOOL, "123", "a cat") as call:
            call.save(DATA)
        values = [record.value for one in world.topic.partitions for record in one.records]
    assert ["traceparent" in json.loads(value or b"") for value in values] == [False]
    tracer.close()


def test_spans_are_sent_to_a_collector() -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    tracer = open_tracer("test", f"http://127.0.0.1:{server.server_port}/v1/traces", 1.0)
    tracer.begin("tool x").end()
    tracer.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert [path for path, _ in received] == ["/v1/traces"]
    assert b"tool x" in b"".join(body for _, body in received)
