"""The names of the web server's metrics, all in one place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from projections.connections import Connection
from web.ledger_metrics import LedgerCollector

PREFIX = "omega_images_web"
SECOND_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class WebMetrics:
    """One server's metrics, in a registry of its own. Labels come from our own code only."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        # Answers, by the route's own path ("none" when there is no such route).
        self.requests = Counter(
            f"{PREFIX}_requests", "Requests.", ("route", "method", "status"), registry=registry
        )
        # Until the answer's head; a stream of events goes on.
        self.request_seconds = Histogram(
            f"{PREFIX}_request_seconds",
            "Seconds to the answer.",
            ("route",),
            buckets=SECOND_BUCKETS,
            registry=registry,
        )
        # Refused before any route was asked; reason: host, token, rate, size.
        self.refusals = Counter(f"{PREFIX}_refusals", "Refusals.", ("reason",), registry=registry)
        # Events handed in; outcome: acknowledged, spooled, invalid, forbidden, unavailable.
        self.events = Counter(
            f"{PREFIX}_ingest_events", "Events handed in.", ("outcome",), registry=registry
        )

    def watch_ledger(self, connect: Callable[[], AbstractContextManager[Connection[Any]]]) -> None:
        """Report what the database knows at the time of the scrape."""
        self.registry.register(LedgerCollector(connect))
