"""Plans: what is read by key is looked up in an index, also while the planner knows nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from psycopg import Connection

from projections import statistics_sql as sql
from projections.statistics import StatisticsProjection
from projections.statistics_members import EVERYTHING
from tests.support.load import Mix, mixed_load
from tests.support.statistics_workers import placed

pytestmark = pytest.mark.postgres


@pytest.fixture
def filled(connection: Connection[Any]) -> Connection[Any]:
    """Some thousand requests, and no statistics about them."""
    connection.execute("ALTER TABLE statistics_requests SET (autovacuum_enabled = off)")
    connection.execute("ALTER TABLE statistics_members SET (autovacuum_enabled = off)")
    load = mixed_load(4_000, Mix(duplicates=0, poison=0), seed=5)
    events = [placed(one, 0, offset) for offset, one in enumerate(load)]
    with connection.transaction():
        StatisticsProjection().apply(connection, events)
    connection.execute(
        "INSERT INTO statistics_unsettled SELECT bucket, user_id, 0 FROM statistics_members"
    )
    return connection


def plan_of(
    connection: Connection[Any], statement: str, parameters: Sequence[Any] | Mapping[str, Any]
) -> str:
    """The plan as text."""
    rows = connection.execute(f"EXPLAIN {statement}", parameters).fetchall()
    return "\n".join(row[0] for row in rows)


def test_requests_are_looked_up_by_key(filled: Connection[Any]) -> None:
    keys = ",".join(f"req-5-{number:08d}" for number in range(2_000))
    with filled.transaction():
        filled.execute(sql.PLAN_BY_KEY)
        filled.execute("PREPARE load (text[]) AS " + sql.LOAD_REQUESTS.replace("%b", "$1"))
        plan = plan_of(filled, f"EXECUTE load ('{{{keys}}}')", ())
    assert re.search("Index Scan (using|on) statistics_requests_pkey", plan)
    assert "Seq Scan" not in plan


@pytest.mark.parametrize("statement", [sql.JUDGE, sql.READ_BUCKETS])
def test_unsettled_pairs_are_judged_by_look_ups(filled: Connection[Any], statement: str) -> None:
    parameters = {"shard": None, "by_total": True, "limit": None, **EVERYTHING}
    plan = plan_of(filled, statement, parameters)
    assert "Index Scan using idx_statistics_requests_user_id_time" in plan
    assert "idx_statistics_requests_failures" in plan
    assert "Seq Scan on statistics_requests" not in plan
    assert "Seq Scan on statistics_members" not in plan


def test_the_five_numbers_are_read_from_a_few_rows(filled: Connection[Any]) -> None:
    parameters = {"first": "total", "end": "total~", "shard": None, "by_total": False}
    filled.execute("DELETE FROM statistics_unsettled")
    rows = filled.execute(
        f"EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF) {sql.READ_BUCKETS}",
        {**parameters, "limit": None},
    )
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on statistics_requests" not in plan
    assert "Rows Removed" not in plan
