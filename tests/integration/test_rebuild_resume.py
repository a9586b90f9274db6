"""Rebuilds that are killed at any phase: nothing live is touched, and the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import psutil
import psycopg
import pytest
from kafka import (  # type: ignore[import-untyped]  # kafka-python has no type hints
    KafkaAdminClient,
    TopicPartition,
)
from psycopg import Connection

from consumers.bulk_load import load
from consumers.filtered_log import FilteredLog
from consumers.rebuild import Rebuild, RebuildRefused
from operations.rebuilding import source_of
from operations.wiring import Ledger
from projections.faults import FenceLost
from projections.positions import read_positions
from projections.shadow import exists, leftovers
from schemas.record import Record
from tests.integration.test_rebuild import filled, judge, ledger, rebuild, records
from tests.support.checker import actual_rows, expected_rows
from tests.support.waiting import eventually

__all__ = ["ledger"]

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

SHADOW = "omega_rebuild_table"
EVENTS = 12_000
INDEXES = (
    "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '% omega_rebuild_table.generated_im%'"
)
POSITIONS = "SELECT sum(next_offset) FROM omega_rebuild_table.projection_positions"
EPOCHS = "SELECT min(epoch) FROM omega_rebuild_table.projection_positions"
LOADED = "SELECT loaded FROM omega_rebuild_table.rebuild_state"
Condition = Callable[[Connection[Any]], bool]


@contextmanager
def running(ledger: Ledger, *options: str) -> Iterator[subprocess.Popen[str]]:
    """``omega-images rebuild table --yes`` in a process group of its own, ended with the block."""
    environment = {
        "OMEGA_KAFKA_BOOTSTRAP_SERVERS": ledger.servers.kafka.bootstrap_servers,
        "OMEGA_DATABASE_URL": ledger.servers.database_url,
        "OMEGA_TOPIC": ledger.topic,
    }
    command = [sys.executable, "-m", "operations.main", "rebuild", "table", "--yes"]
    command += ["--processes", "2", *options]
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def one(connection: Connection[Any], query: str) -> Any:
    """The query's value; None while its table is not there."""
    with suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        row = connection.execute(query).fetchone()
        return None if row is None else row[0]
    return None


def made(connection: Connection[Any]) -> bool:
    return exists(connection, SHADOW)


def loading(connection: Connection[Any]) -> bool:
    return bool(one(connection, POSITIONS))


def loaded(connection: Connection[Any]) -> bool:
    return bool(one(connection, LOADED))


def building(connection: Connection[Any]) -> bool:
    return bool(one(connection, INDEXES))


@pytest.mark.parametrize("phase", [made, loading, building, loaded])
def test_a_rebuild_that_is_killed_goes_on_where_it_was(
    ledger: Ledger, connection: Connection[Any], kafka_server: str, phase: Condition
) -> None:
    filled(ledger, kafka_server, EVENTS)
    connection.execute("UPDATE generated_images SET prompt = 'spoilt' WHERE user_id < 'user3'")
    before = actual_rows(connection)
    with running(ledger) as process:
        eventually(lambda: phase(connection), timeout_s=60, what=phase.__name__)
        others = psutil.Process(process.pid).children()
        process.kill()
        process.wait(10)
        # Its loaders live on for a moment, and have to be fenced off.
        assert actual_rows(connection) == before
        eventually(lambda: not held(ledger), timeout_s=10, what="the end of its session")
        result = rebuild(ledger, "table")
        eventually(lambda: all(map(ended, others)), timeout_s=10, what="the end of its loaders")
    assert others or phase in (building, loaded)  # by then they had nothing left to load
    assert result.resumed
    assert result.swapped
    judge(connection, records(ledger))


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more, although nobody may have asked what became of it."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_who_still_loads_fails_once_it_is_stopped(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server)
    loads, fenced = threading.Event(), threading.Event()

    def keep(_: Record) -> bool:
        loads.set()
        return fenced.wait(30)

    source = source_of(ledger, "table")
    source = replace(source, open_reader=partial(FilteredLog, source.open_reader, keep))
    with Rebuild(source) as work, ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as waiter:
        state = work.prepare()
        loading = waiter.submit(work.load, state, [pool])
        assert loads.wait(30)
        before = one(connection, EPOCHS)
        work.stop_loading()
        try:
            eventually(lambda: one(connection, EPOCHS) > before, timeout_s=30, what="a fence")
        finally:
            fenced.set()
        with pytest.raises(FenceLost):
            loading.result(30)
    assert not one(connection, POSITIONS)
    assert rebuild(ledger, "table").resumed
    judge(connection, records(ledger))


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("name", ["table", "stats"])
def test_one_that_begins_to_load_when_its_rebuild_is_gone_takes_nothing_over(
    ledger: Ledger, connection: Connection[Any], kafka_server: str, name: str, fresh: bool
) -> None:
    filled(ledger, kafka_server)
    with Rebuild(source_of(ledger, name)) as work:
        state = work.prepare()
        late = work._job(state, work._claim(state.topic_id, state.end.keys()))
    with Rebuild(source_of(ledger, name)) as work, ThreadPoolExecutor(1) as pool:
        state = work.prepare(fresh=fresh)
        assert work.resumed != fresh
        job = work._job(state, work._claim(state.topic_id, state.end.keys()))
        with pytest.raises(FenceLost):
            load(late)
        assert not one(connection, POSITIONS.replace("table", name))
        pool.submit(load, job).result(30)
    assert rebuild(ledger, name).resumed
    judge(connection, records(ledger))


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_all_who_load(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, EVENTS)
    with running(ledger) as process, psycopg.connect(ledger.servers.database_url) as reader:
        eventually(lambda: made(connection), timeout_s=60, what="the shadow")
        # Nobody can load anything as long as somebody reads like this.
        reader.execute("LOCK TABLE omega_rebuild_table.generated_images IN SHARE MODE")
        waits = "SELECT count(*) FROM pg_locks WHERE mode = 'RowExclusiveLock' AND NOT granted"
        eventually(lambda: one(connection, waits) == 2, timeout_s=60, what="two who load")
        # As a terminal does.
        os.killpg(process.pid, signal.SIGINT)
        fences = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
        eventually(lambda: one(connection, fences) == 1, timeout_s=10, what="a claim")
        reader.rollback()
        said, _ = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "Traceback" not in said
    assert not loaded(connection)
    # Each had more than one batch to load, and came no further than the one it was at.
    assert one(connection, POSITIONS) < sum(ledger.topic_state().end.values())
    eventually(lambda: not held(ledger), timeout_s=10, what="the end of its session")
    assert rebuild(ledger, "table").resumed
    judge(connection, records(ledger))


def held(ledger: Ledger) -> bool:
    """Whether the killed rebuild's session still stands."""
    try:
        with Rebuild(source_of(ledger, "table")):
            return False
    except RebuildRefused:
        return True


def test_a_rebuild_that_is_killed_while_it_waits_for_the_swap_has_changed_nothing(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, EVENTS // 4)
    with ledger.connect() as reader, running(ledger) as process:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM generated_images")
        waits = (
            "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
        )
        eventually(lambda: one(connection, waits), timeout_s=60, what="the swap")
        process.kill()
        process.wait(10)
        reader.execute("COMMIT")
        eventually(lambda: not held(ledger), timeout_s=10, what="the end of its session")
    judge(connection, records(ledger))
    assert rebuild(ledger, "table").resumed
    judge(connection, records(ledger))


def prepared(ledger: Ledger, *, fresh: bool = False) -> bool:
    """Prepare a rebuild and leave it; whether it took up another."""
    with Rebuild(source_of(ledger, "table")) as work:
        work.prepare(fresh=fresh)
        return work.resumed


def test_what_no_longer_fits_is_begun_anew(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server)
    with Rebuild(source_of(ledger, "table")) as work:
        work.prepare()
    connection.execute("ALTER TABLE generated_images ADD COLUMN note TEXT")
    assert [prepared(ledger), prepared(ledger), prepared(ledger, fresh=True)] == [
        False,
        True,
        False,
    ]
    with ledger.connect() as other:
        (left,) = leftovers(other)
    assert left[:2] == ("table", "rebuild")
    with Rebuild(source_of(ledger, "table")) as work, ledger.connect() as other:
        assert leftovers(other) == []
        work.abandon()
    assert not exists(connection, SHADOW)
    assert rebuild(ledger, "table").comparison.identical


def test_a_log_that_lost_its_beginning_refuses_to_lose_the_rows_unless_told(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 600)
    admin = KafkaAdminClient(bootstrap_servers=kafka_server)
    admin.delete_records({TopicPartition(ledger.topic, number): 40 for number in range(6)})
    admin.close()
    with pytest.raises(RebuildRefused, match=r"--accept-loss \d+") as refused:
        rebuild(ledger, "table")
    lost = int(str(refused.value).rpartition(" ")[2])
    result = rebuild(ledger, "table", accept_loss=lost)
    assert result.resumed
    assert result.swapped
    assert result.comparison.lost == lost > 100
    state = ledger.topic_state()
    reader = ledger.reader()
    kept = [one for batch in reader.read(state.begin, state.end) for one in batch]
    reader.close()
    assert expected_rows(kept).keys() == actual_rows(connection).keys()
    assert read_positions(connection, "table", ledger.topic) == state.end
