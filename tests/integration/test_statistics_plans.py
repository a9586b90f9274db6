"""Plans: what is read by key is looked up in an index, also while the planner knows nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from psycopg import Connection

from projections import statistics_sql as sql
from projections.planning import plan_by_key
from projections.statistics import StatisticsProjection
from projections.statistics_members import EVERYTHING
from tests.support.load import Mix, mixed_load
from tests.support.statistics_workers import placed

pytestmark = pytest.mark.postgres


@pytest.fixture
def filled(connection: Connection[Any]) -> Connection[Any]:
    """Some thousand requests of ten users, of which the planner knows."""
    load = mixed_load(4_000, Mix(duplicates=0, poison=0), seed=5)
    events = [placed(one, 0, offset) for offset, one in enumerate(load)]
    with connection.transaction():
        StatisticsProjection().apply(connection, events)
    connection.execute(
        "UPDATE statistics_requests SET user_id = 'user' || abs(hashtext(request_id) % 10)"
    )
    connection.execute("INSERT INTO statistics_unsettled SELECT *, 0 FROM statistics_members")
    connection.execute("ANALYZE statistics_requests, statistics_members, statistics_unsettled")
    return connection


def plan_of(
    connection: Connection[Any], statement: str, parameters: Sequence[Any] | Mapping[str, Any]
) -> str:
    """The plan as text."""
    rows = connection.execute(f"EXPLAIN {statement}", parameters).fetchall()
    return "\n".join(row[0] for row in rows)


def test_requests_are_looked_up_by_key_from_the_first_on(connection: Connection[Any]) -> None:
    with connection.transaction():
        plan_by_key(connection)
        connection.execute("PREPARE load (text[]) AS " + sql.LOAD_REQUESTS.replace("%b", "$1"))
        plan = plan_of(connection, "EXECUTE load ('{a,b,c}')", ())
    assert re.search("Index Scan (using|on) statistics_requests_pkey", plan)
    assert "Seq Scan" not in plan


@pytest.mark.parametrize("statement", [sql.JUDGE, sql.READ_BUCKETS])
def test_unsettled_pairs_are_judged_by_look_ups_that_stop_at_the_first_find(
    filled: Connection[Any], statement: str
) -> None:
    parameters = {"shard": None, "by_total": True, "limit": None, **EVERYTHING}
    plan = plan_of(filled, statement, parameters)
    assert len(re.findall("Index (?:Only )?Scan using idx_statistics_requests_user_", plan)) == 3
    assert len(re.findall("Index (?:Only )?Scan using idx_statistics_requests_failures", plan)) == 2
    assert "on statistics_requests" not in re.sub("Index.* Scan using .* on statistics_", "", plan)
    assert "Seq Scan on statistics_members" not in plan
    assert "Sort Key: r" not in plan


def test_the_five_numbers_are_read_from_the_rows_of_the_total_alone(
    filled: Connection[Any],
) -> None:
    filled.execute("DELETE FROM statistics_unsettled")
    parameters = {"first": "total", "end": "total~", "shard": None, "by_total": False}
    plan = plan_of(filled, "(ANALYZE) " + sql.READ_BUCKETS, {**parameters, "limit": None})
    (scan,) = re.findall(r"on statistics_sums .*actual .* rows=([0-9.]+)", plan)
    assert float(scan) == 1
    assert "Rows Removed" not in plan
