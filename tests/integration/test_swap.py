"""What a swap keeps readers waiting for, and what is left when it ends half-way through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import Connection

from consumers.rebuild import Rebuild
from operations.rebuilding import source_of
from operations.wiring import Ledger
from projections import swap as swapping
from projections.positions import announce
from projections.removals import _kept_names
from projections.shadow import exists, leftovers
from tests.integration.test_rebuild import NAMES, filled, judge, ledger, rebuild, records
from tests.integration.test_rebuild_resume import held, made, running
from tests.support.waiting import eventually

__all__ = ["ledger"]

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

TABLES_OF = """
SELECT DISTINCT nspname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname LIKE 'omega%' AND relkind = 'r' ORDER BY 1
"""


def setting(connection: Connection[Any]) -> str:
    return str(connection.execute("SHOW synchronous_commit").fetchall()[0][0])


@pytest.mark.parametrize("name", NAMES)
def test_readers_do_not_wait_for_the_disk(
    ledger: Ledger,
    connection: Connection[Any],
    kafka_server: str,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """PostgreSQL waits at a commit for the disk when it is asked to, or has dropped a table."""
    filled(ledger, kafka_server, 500)
    rebuild(ledger, name)
    told = []

    def at_the_end(own: Connection[Any], *rest: Any) -> None:
        announce(own, *rest)
        there = [row[0] for row in own.execute(TABLES_OF).fetchall()]
        told.append((setting(own), there))

    monkeypatch.setattr(swapping, "announce", at_the_end)
    schemas = [f"omega_{kind}_{name}" for kind in ("previous", "rebuild", "replaced")]
    rebuild(ledger, name)
    with Rebuild(source_of(ledger, name)) as work:
        work.roll_back()
        assert setting(work._connection) == "on"
    assert told == [("off", schemas), ("off", [schemas[0], schemas[2]])]
    assert [row[0] for row in connection.execute(TABLES_OF).fetchall()] == schemas[:1]
    judge(connection, records(ledger))


def test_one_that_is_killed_after_its_commit_leaves_only_what_the_next_one_drops(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 500)
    rebuild(ledger, "table")
    connection.execute("DELETE FROM generated_images WHERE tool_name = 'renderChart'")
    with ledger.connect() as holder, running(ledger) as process:
        # In the way of its first commit after the swap: that which drops the shadow.
        holder.execute("SET idle_in_transaction_session_timeout = 0")
        eventually(lambda: made(connection), timeout_s=60, what="the shadow")
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE omega_rebuild_table.rebuild_state IN ACCESS SHARE MODE")
        eventually(
            lambda: exists(connection, "omega_replaced_table"), timeout_s=60, what="the swap"
        )
        process.kill()
        process.wait(10)
        holder.execute("ROLLBACK")
    eventually(lambda: not held(ledger), timeout_s=10, what="the end of its session")
    judge(connection, records(ledger))
    # A user who is erased now is erased there, too.
    kept = {schema for schema, _ in _kept_names(connection, "generated_images")}
    assert kept == {"omega_previous_table", "omega_replaced_table"}
    (left,) = leftovers(connection)
    assert left[:2] == ("table", "rebuild")
    assert left.bytes > 0
    result = rebuild(ledger, "table")
    assert not result.resumed
    assert result.comparison.identical
    assert not exists(connection, "omega_replaced_table")
    assert leftovers(connection) == []
    with Rebuild(source_of(ledger, "table")) as work:
        work.roll_back()
    judge(connection, records(ledger))


def test_who_reads_what_was_kept_until_then_does_not_make_a_swap_fail(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 500)
    rebuild(ledger, "table")
    with Rebuild(source_of(ledger, "table")) as work, ThreadPoolExecutor(1) as pool:
        work.load(work.prepare(), [pool])
        work.finish()
        work._connection.execute("SET lock_timeout = '200ms'")
        with ledger.connect() as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM omega_previous_table.generated_images")
            assert work.swap() == 1
            assert leftovers(reader) == []  # its builder is there still
    judge(connection, records(ledger))
    assert exists(connection, "omega_replaced_table")
    assert not exists(connection, "omega_rebuild_table")
    rebuild(ledger, "table")
    assert not exists(connection, "omega_replaced_table")


def test_what_was_left_can_be_removed_without_another(
    ledger: Ledger, connection: Connection[Any]
) -> None:
    connection.execute("CREATE SCHEMA omega_replaced_table")
    connection.execute("CREATE TABLE omega_replaced_table.generated_images (id BIGINT)")
    assert leftovers(connection)
    with Rebuild(source_of(ledger, "table")) as work:
        work.abandon()
    assert leftovers(connection) == []
    assert not exists(connection, "omega_replaced_table")
