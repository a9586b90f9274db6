"""Comparison and swap in one transaction: nothing comes between what was compared and its place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from consumers.rebuild import Rebuild
from operations.rebuilding import source_of
from operations.wiring import Ledger
from projections.comparing import Comparison
from projections.shadow import exists
from tests.integration.test_rebuild import filled, judge, ledger, records

__all__ = ["ledger"]

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

BY_HAND = "INSERT INTO generated_images (user_id, prompt, storage_url) VALUES ('hand', 'p', '/x')"
UNMADE = "SELECT count(*) FROM generated_images WHERE event_id IS NULL"


@contextmanager
def finished(ledger: Ledger) -> Iterator[Rebuild]:
    """A rebuild that has only to be compared and swapped."""
    with Rebuild(source_of(ledger, "table")) as work, ThreadPoolExecutor(1) as pool:
        work.load(work.prepare(), [pool])
        work.finish()
        yield work


def test_nobody_writes_between_comparison_and_swap(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 500)
    refused = []

    def write(_: Comparison) -> None:
        with ledger.connect() as other:
            other.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(BY_HAND)
            refused.append("once")

    with finished(ledger) as work:
        assert work.compare_and_swap(write).identical
    assert refused == ["once"]
    assert exists(connection, "omega_previous_table")
    judge(connection, records(ledger))


def test_readers_in_the_way_are_not_waited_for_with_the_workers_held(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 500)
    compared: list[Comparison] = []

    def free_the_way(reader: Connection[Any]) -> None:
        with ledger.connect() as writer:
            writer.execute(BY_HAND)  # when the first try has let go of everything
        reader.execute("COMMIT")

    with ledger.connect() as reader, finished(ledger) as work:
        way = threading.Thread(target=free_the_way, args=(reader,))

        def stand_in_the_way(comparison: Comparison) -> None:
            compared.append(comparison)
            if len(compared) == 1:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM generated_images")
                way.start()
            else:
                way.join(30)

        found = work.compare_and_swap(stand_in_the_way)
    assert [one.unmade for one in compared] == [0, 1]
    assert found is compared[1]
    assert connection.execute(UNMADE).fetchone() == (1,)
    connection.execute("DELETE FROM generated_images WHERE event_id IS NULL")
    judge(connection, records(ledger))


def test_what_the_judge_refuses_has_not_happened(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 500)
    connection.execute(BY_HAND)

    def refuse(comparison: Comparison) -> None:
        raise RuntimeError(f"{comparison.unmade} by hand")

    with finished(ledger) as work, pytest.raises(RuntimeError, match="1 by hand"):
        work.compare_and_swap(refuse)
    assert exists(connection, "omega_rebuild_table")
    assert not exists(connection, "omega_previous_table")
    assert connection.execute(UNMADE).fetchone() == (1,)
