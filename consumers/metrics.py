"""The names of a worker's metrics, all in one place."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from consumers.decoding import Draft, Outcome
from consumers.processor import Processed
from projections.projection import Decoded
from schemas.compact import Failed, Generated
from schemas.metric_labels import BoundedLabels

PREFIX = "omega_images_consumer"
RECORD_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
MAX_TOOLS_AND_MODELS = 200
OUTCOMES: Mapping[type, str] = {Generated: "success", Failed: "failed"}
SECOND_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one partition's position is behind the log's end."""

    records: int
    seconds: float
    """Age of the oldest record that was read and is not yet committed; 0 when there is none."""


class WorkerMetrics:
    """One worker's metrics, in a registry of its own."""

    def __init__(self, projection: str, topic: str, owner: str) -> None:
        self.registry = registry = CollectorRegistry()
        # Who this is; joins with the others on the scrape's own labels.
        info = Info(PREFIX, "The worker.", registry=registry)
        info.info({"projection": projection, "topic": topic, "owner": owner})
        # Records read and decoded, good or not, whether or not they were committed then.
        self.consumed = self._counter("records_consumed", "Records read from the log.")
        # What committed batches did to rows; kind: inserted, updated, deleted, unchanged.
        self.applied = self._counter("requests_applied", "Requests in committed batches.", "kind")
        # What tools' events said; only the statistics' workers count it, so that it counts once.
        self.outcomes = self._counter("outcomes", "Events of tools.", "tool", "model", "outcome")
        self._outcome_labels = BoundedLabels(MAX_TOOLS_AND_MODELS)
        self._counts_outcomes = projection == "stats"
        # Records set aside in committed batches, by the stable short name of the reason.
        self.dead_letters = self._counter("dead_letters", "Records set aside.", "error_class")
        # Requests with two different successes: the later one is overruled.
        self.conflicts = self._counter("conflicts", "Requests with a second success.")
        # Keys that are not the request's id: accepted, but such a producer orders by another key.
        self.key_mismatches = self._counter("key_mismatches", "Records under another key.")
        # Tries that failed and are repeated, by the fault's class.
        self.retries = self._counter("retries", "Tries to be repeated.", "error_class")
        # Times the log did not answer a poll.
        self.log_faults = self._counter("log_faults", "Polls that failed and are repeated.")
        # Batches that were somebody else's by the time they reached the database.
        self.fences_lost = self._counter("fences_lost", "Batches dropped at the fence.")
        # Partitions taken over, each time anew.
        self.claims = self._counter("claims", "Partitions claimed.")
        # Batches committed, by size and by time in the database.
        self.batch_records = Histogram(
            f"{PREFIX}_batch_records", "Records.", buckets=RECORD_BUCKETS, registry=registry
        )
        self.batch_seconds = Histogram(
            f"{PREFIX}_batch_seconds", "Seconds.", buckets=SECOND_BUCKETS, registry=registry
        )
        # When the last batch was committed, seconds since 1970.
        self.last_progress = Gauge(
            f"{PREFIX}_last_progress_timestamp_seconds", "Last commit.", registry=registry
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def watch_lag(self, lag: Callable[[], Mapping[int, Lag]]) -> None:
        """Report the lag of the partitions held at the time of the scrape, and of no others."""
        self.registry.register(_LagCollector(lag))

    def count_batch(self, draft: Draft, processed: Processed, seconds: float) -> None:
        """A batch was committed after so many seconds."""
        applied = processed.applied
        for kind in ("inserted", "updated", "deleted", "unchanged"):
            if count := getattr(applied, kind):
                self.applied.labels(kind).inc(count)
        self.conflicts.inc(len(applied.conflicts))
        for (_, tool, model, outcome), count in draft.outcomes.items():
            labels = self._outcome_labels.of(tool, model)
            self.outcomes.labels(*labels, outcome).inc(count)
        for letter in processed.dead_lettered:
            self.dead_letters.labels(letter.error_class).inc()
        self.batch_records.observe(draft.records)
        self.batch_seconds.observe(seconds)
        self.last_progress.set_to_current_time()

    def outcomes_of(self, events: Iterable[Decoded]) -> Tally[Outcome]:
        """What these events of tools say; nothing, if another projection's workers count it."""
        if not self._counts_outcomes:
            return Tally()
        said = [
            (one.record.partition, data.tool_name, data.model or "", OUTCOMES[type(data)])
            for one in events
            if type(data := one.held.data) in OUTCOMES
        ]
        return Tally(said)  # which counts a list in C


class _LagCollector(Collector):
    def __init__(self, lag: Callable[[], Mapping[int, Lag]]) -> None:
        self._lag = lag

    def collect(self) -> Iterable[GaugeMetricFamily]:
        records = GaugeMetricFamily(
            f"{PREFIX}_lag_records", "Records not yet committed.", labels=["partition"]
        )
        seconds = GaugeMetricFamily(
            f"{PREFIX}_lag_seconds", "Age of the oldest of them.", labels=["partition"]
        )
        for partition, lag in sorted(self._lag().items()):
            records.add_metric([str(partition)], lag.records)
            seconds.add_metric([str(partition)], lag.seconds)
        return [records, seconds]
