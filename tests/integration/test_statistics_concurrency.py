"""Workers on different partitions: nobody waits for anybody, whatever they have in common."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import Connection

from projections.projection import Decoded, NeedExclusive
from projections.statistics import StatisticsProjection
from tests.support.checker import expected_rows, five_numbers
from tests.support.load import Mix, mixed_load
from tests.support.statistics import (
    breakdowns_of_rows,
    breakdowns_of_statistics,
    stored_numbers,
)
from tests.support.statistics_workers import Worker, connections, placed

pytestmark = pytest.mark.postgres

BUSY = Mix(duplicates=0.2, failures=0.3, moves=0.2, deletions=0.1, poison=0)


def by_worker(events: int, workers: int, seed: int) -> list[list[Decoded]]:
    """A busy load, each worker's part; the parts share users, tools and days, but no request."""
    parts: list[list[Decoded]] = [[] for _ in range(workers)]
    for offset, one in enumerate(mixed_load(events, BUSY, seed)):
        partition = int(one.key[-8:]) % workers
        parts[partition].append(placed(one, partition, offset))
    return parts


def assert_exact(connection: Connection[Any], applied: Sequence[Decoded]) -> None:
    rows = expected_rows(decoded.record for decoded in applied).values()
    assert stored_numbers(connection) == five_numbers(rows)
    assert breakdowns_of_statistics(connection) == breakdowns_of_rows(rows)


def test_open_transactions_on_the_same_days_tools_and_users_do_not_wait_for_each_other(
    connection: Connection[Any], database_url: str
) -> None:
    parts = by_worker(900, 3, seed=1)
    with connections(database_url, 3) as opened:
        workers = [Worker(each, StatisticsProjection()) for each in opened]
        for worker, part in zip(workers, parts, strict=True):
            worker.apply(part)
        applied: list[Decoded] = []
        for worker in reversed(workers):
            applied += worker.commit()
            assert_exact(connection, applied)


def run(worker: Worker, part: Sequence[Decoded], seed: int) -> None:
    """Apply the part in batches of any size, one transaction each."""
    rng = random.Random(seed)
    at = 0
    while at < len(part):
        batch = part[at : at + rng.randrange(1, 60)]
        at += len(batch)
        try:
            worker.apply(batch)
        except NeedExclusive:
            worker.apply(batch, exclusive=True)
        worker.commit()


@pytest.mark.parametrize("settle_at", [1, 50])
def test_workers_at_full_speed_neither_wait_nor_deadlock_and_end_exact(
    connection: Connection[Any], database_url: str, settle_at: int
) -> None:
    parts = by_worker(4_000, 3, seed=settle_at)
    with connections(database_url, 3) as opened, ThreadPoolExecutor(3) as threads:
        workers = [Worker(each, StatisticsProjection(settle_at)) for each in opened]
        futures = [
            threads.submit(run, worker, part, seed)
            for seed, (worker, part) in enumerate(zip(workers, parts, strict=True))
        ]
        for future in futures:
            future.result()
    assert_exact(connection, [decoded for part in parts for decoded in part])
