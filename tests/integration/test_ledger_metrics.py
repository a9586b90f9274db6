"""What the web server tells Prometheus of the ledger, from a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from psycopg import Connection

from projections import reconciliations, removals
from projections.connections import connector
from web.ledger_metrics import PREFIX, LedgerCollector

pytestmark = pytest.mark.postgres


def test_the_ledgers_numbers_are_told(connection: Connection[Any]) -> None:
    connection.execute(
        'INSERT INTO dead_letters (projection, topic, partition, "offset", timestamp_ms, headers,'
        " error_class, message, fingerprint)"
        " SELECT 'table', 't', 0, n, 0, '[]', 'NotJson', 'm', 'f' FROM generate_series(1, 3) AS n"
    )
    reconciliations.note(connection, "stats", 4)
    reconciliations.note(connection, "stats", 2)
    removals.plan(connection, {"a": None, "b": "http://x.test/1"}, "retention")
    registry = CollectorRegistry()
    registry.register(LedgerCollector(lambda: nullcontext(connection)))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"{PREFIX}_{name}", labels)

    assert value("up") == 1
    assert value("images", status="success") == 0
    assert value("dead_letters_open", projection="table", error_class="NotJson") == 3
    assert value("reconcile_differences", projection="stats") == 2
    assert (value("reconcile_timestamp_seconds", projection="stats") or 0) > 1e9
    assert value("removals_open") == 2


def test_a_database_that_is_away_is_told_and_nothing_else() -> None:
    @contextmanager
    def connect() -> Iterator[Connection[Any]]:
        with connector("postgresql://nobody@127.0.0.1:9/none", "test")() as connection:
            yield connection

    registry = CollectorRegistry()
    registry.register(LedgerCollector(connect))
    assert [family.name for family in registry.collect()] == [f"{PREFIX}_up"]
    assert registry.get_sample_value(f"{PREFIX}_up") == 0
