"""The names of a producer's metrics, all in one place."""

from __future__ import annotations

import time
from collections import Counter as Counts
from collections.abc import Iterable, Sequence
from concurrent.futures import Future

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from producers.pending_batch import Outcome
from producers.publisher import Acknowledgement, PublishRefused, Receipt, Spooled
from producers.spool import Spool
from producers.spool_errors import SpoolError
from schemas.metric_labels import BoundedLabels

PREFIX = "omega_images_producer"
PUBLISH_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
STORE_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
MAX_TOOLS = 100


class ProducerMetrics:
    """A process's metrics as a producer. Give it the registry that the process exposes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        # Events published; outcome: acknowledged, spooled (Kafka did not answer in time), refused
        # (never to be sent), failed (neither Kafka nor the spool took it).
        self.published = Counter(
            f"{PREFIX}_events", "Events by what came of them.", ["outcome"], registry=registry
        )
        # From the call to Kafka's acknowledgement.
        self.publish_seconds = Histogram(
            f"{PREFIX}_publish_seconds", "Seconds.", buckets=PUBLISH_BUCKETS, registry=registry
        )
        # Calls of tools; outcome: success, or failed when an image that was asked for is missing.
        self._calls = Counter(
            f"{PREFIX}_tool_calls", "Calls of tools.", ["tool", "outcome"], registry=registry
        )
        self._tools = BoundedLabels(MAX_TOOLS)
        # Storing an image, by the store that took it.
        self.store_seconds = Histogram(
            f"{PREFIX}_store_seconds",
            "Seconds to store an image.",
            ["provider"],
            buckets=STORE_BUCKETS,
            registry=registry,
        )
        self.stored_bytes = Counter(
            f"{PREFIX}_stored_bytes", "Bytes of images.", ["provider"], registry=registry
        )
        # Images that no store took.
        self.store_failures = Counter(
            f"{PREFIX}_store_failures",
            "Images not stored.",
            ["provider", "error_class"],
            registry=registry,
        )
        # Images that another store took in its place.
        self.fallbacks = Counter(
            f"{PREFIX}_storage_fallbacks",
            "Images that the fallback took.",
            ["provider", "fallback"],
            registry=registry,
        )

    def answered(self, began: float, answer: Future[Receipt]) -> None:
        """An event that was published at ``began`` (of time.perf_counter) has its answer."""
        outcome = _outcome_name(answer.exception() or answer.result())
        if outcome == "acknowledged":
            self.publish_seconds.observe(time.perf_counter() - began)
        self.published.labels(outcome).inc()

    def answered_all(self, began: float, answers: Sequence[Outcome]) -> None:
        """As ``answered``, for events that were published together and have their answers."""
        seconds = time.perf_counter() - began
        for outcome, count in Counts(map(_outcome_name, answers)).items():
            self.published.labels(outcome).inc(count)
            if outcome == "acknowledged":
                for _ in range(count):
                    self.publish_seconds.observe(seconds)

    def count_call(self, tool: str, *, succeeded: bool) -> None:
        """A call of a tool ended."""
        (label,) = self._tools.of(tool)
        self._calls.labels(label, "success" if succeeded else "failed").inc()

    def watch_spool(self, spool: Spool) -> None:
        """Report what is in the spool at the time of the scrape."""
        self.registry.register(_SpoolCollector(spool))


def _outcome_name(answer: Receipt | BaseException) -> str:
    if isinstance(answer, Acknowledgement):
        return "acknowledged"
    if isinstance(answer, Spooled):
        return "spooled"
    return "refused" if isinstance(answer, PublishRefused) else "failed"


class _SpoolCollector(Collector):
    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """None ahead: registering must not look into the spool."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        try:
            found = self._spool.status()
        except SpoolError:
            yield GaugeMetricFamily(f"{PREFIX}_spool_up", "Whether the spool can be read.", 0)
            return
        age = 0.0 if found.oldest_at is None else max(0.0, time.time() - found.oldest_at)
        yield GaugeMetricFamily(f"{PREFIX}_spool_up", "Whether the spool can be read.", 1)
        yield GaugeMetricFamily(f"{PREFIX}_spool_events", "Events that wait.", found.waiting)
        yield GaugeMetricFamily(f"{PREFIX}_spool_bytes", "Their bytes.", found.bytes)
        yield GaugeMetricFamily(f"{PREFIX}_spool_oldest_seconds", "The oldest's age.", age)
        yield GaugeMetricFamily(f"{PREFIX}_spool_refused", "Refused events.", found.refused)
        yield GaugeMetricFamily(f"{PREFIX}_tool_calls_open", "Calls under way.", found.intents)
