"""The ledger's own metrics: what the database knows, looked up at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from projections import auditing, dead_letter_reads, reconciliations, removals
from projections.connections import Connection, DatabaseError
from projections.rebuild_progress import buildings
from projections.statistics_reads import read_numbers

PREFIX = "omega_images_ledger"
MAX_ERROR_CLASSES = 50


class LedgerCollector(Collector):
    """``connect`` gives a connection for the time of a scrape."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Connection[Any]]]) -> None:
        self._connect = connect

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """None ahead: registering must not need the database."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """All of them, or only that the database is away."""
        try:
            with self._connect() as connection:
                found = [*_images(connection), *_letters(connection), *_upkeep(connection)]
        except (DatabaseError, TimeoutError):
            found = []
        yield _gauge("up", "Whether the database answered.", float(bool(found)))
        yield from found


def _gauge(name: str, text: str, value: float | None = None, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value, labels=labels or None)


def _images(connection: Connection[Any]) -> Iterable[GaugeMetricFamily]:
    numbers = read_numbers(connection)
    images = _gauge("images", "Requests in the statistics.", None, "status")
    images.add_metric(["success"], numbers.successful)
    images.add_metric(["failed"], numbers.failed)
    yield images
    yield _gauge("users", "Users in the statistics.", numbers.unique_users)


def _letters(connection: Connection[Any]) -> Iterable[GaugeMetricFamily]:
    letters = _gauge("dead_letters_open", "Open ones.", None, "projection", "error_class")
    counts: dict[tuple[str, str], int] = {}
    for group in dead_letter_reads.list_groups(connection):
        kind = group.error_class if len(counts) < MAX_ERROR_CLASSES else "other"
        key = (group.projection, kind)
        counts[key] = counts.get(key, 0) + group.count
    for key, count in counts.items():
        letters.add_metric(list(key), count)
    yield letters


def _upkeep(connection: Connection[Any]) -> Iterable[GaugeMetricFamily]:
    building = _gauge("rebuild_records", "Of what is being built.", None, "projection", "kind")
    abandoned = _gauge("rebuild_abandoned", "Left unfinished.", None, "projection", "kind")
    for one in buildings(connection):
        family = building if one.in_work else abandoned
        family.add_metric([one.projection, one.kind], sum(one.next_offsets.values()))
    ran = _gauge("reconcile_timestamp_seconds", "Of the last one.", None, "projection")
    differences = _gauge("reconcile_differences", "Left by the last one.", None, "projection")
    for last in reconciliations.last(connection):
        ran.add_metric([last.projection], last.ran_at.timestamp())
        differences.add_metric([last.projection], last.differences)
    yield from _audit(connection)
    open_removals = removals.count_open(connection)
    yield from (building, abandoned, ran, differences)
    yield _gauge("removals_open", "Images planned to be removed.", open_removals)


def _audit(connection: Connection[Any]) -> Iterable[GaugeMetricFamily]:
    run = auditing.last_run(connection)
    findings = _gauge("audit_findings", "Of the last audit.", None, "kind")
    for kind, count in (run.counts if run is not None else {}).items():
        findings.add_metric([kind], count)
    yield findings
    if run is not None:
        yield _gauge("audit_timestamp_seconds", "Of the last audit.", run.ran_at.timestamp())
