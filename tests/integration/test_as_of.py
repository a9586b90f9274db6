"""The table as it was at a time, beside the live one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from consumers.rebuild import RebuildRefused
from operations.cli.errors import UserError
from operations.cli.times import past_time
from operations.rebuilding import run_as_of
from operations.wiring import Ledger
from projections.schema_check import verify
from projections.shadow import exists
from tests.integration.test_rebuild import MIX, filled, ledger, project, records
from tests.support.checker import actual_rows, differences, expected_rows
from tests.support.load import mixed_load
from tests.support.sending import send

__all__ = ["ledger"]

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def test_the_table_as_it_was_stands_beside_the_live_one(
    ledger: Ledger, connection: Connection[Any], kafka_server: str, database_url: str
) -> None:
    filled(ledger, kafka_server, 1_000, seed=1)
    last_ms = max(record.timestamp_ms for record in records(ledger))
    then = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=last_ms)
    before = actual_rows(connection)
    # A deletion and a second success of what is there, and more.
    while time.time() <= then.timestamp() + 0.002:
        pass
    send(kafka_server, ledger.topic, mixed_load(1_500, MIX, seed=2))
    send(kafka_server, ledger.topic, mixed_load(1_000, MIX, seed=1)[:300])
    project(ledger, "table")
    now = actual_rows(connection)
    rows = run_as_of(ledger, then, "friday", 2)
    assert rows == len(before) < len(now)
    with connection.cursor(row_factory=dict_row) as cursor:
        found = {row["request_id"]: row for row in cursor.execute("SELECT * FROM friday")}
    assert found == before
    assert differences(expected_rows(records(ledger)), actual_rows(connection)) == []
    assert not exists(connection, "omega_as_of_table")
    assert verify(database_url) == []
    plan = "EXPLAIN SELECT * FROM friday WHERE request_id = 'x'"
    connection.execute("SET enable_seqscan = off")
    assert "friday_request_id" in str(connection.execute(plan).fetchall())


@pytest.mark.parametrize("name", ["generated_images", "Bad Name", "x" * 41, "a; drop table b"])
def test_a_name_that_cannot_be_had_is_refused(ledger: Ledger, name: str) -> None:
    with pytest.raises(RebuildRefused, match="name"):
        run_as_of(ledger, datetime.now(UTC), name, 1)


def test_times_are_past_and_iso() -> None:
    assert past_time("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)
    assert past_time("2026-11-20T12:00:00+02:00") == datetime(2026, 11, 20, 10, tzinfo=UTC)
    for wrong in ("yesterday", "2026-13-01", "2999-01-01"):
        with pytest.raises(UserError, match=r"ISO 8601|future"):
            past_time(wrong)
