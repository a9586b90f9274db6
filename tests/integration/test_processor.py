"""One batch, one transaction, exactly once: fences, faults on the wire, poison."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import Connection, conninfo

from consumers.processor import FEW, STUCK_S, Batch, Processed, Processor
from consumers.redrive import Redrive, Redriven
from projections.dead_letter_reads import Selection, discard, each, from_line, list_groups, to_line
from projections.dead_letters import DeadLetter
from projections.faults import EnvironmentFault, FenceLost, TopicRecreated
from projections.image_table import TableProjection
from projections.positions import ProjectionKey, lock_projection, read_positions
from projections.projection import Applied, Decoded
from projections.statistics import StatisticsProjection
from schemas.codec import decode_record
from schemas.errors import InvalidEvent
from schemas.record import Record, row_id
from tests.integration.test_table_projection import BUSY, records_of
from tests.support import load
from tests.support.checker import actual_poison, actual_rows, differences, expected_rows
from tests.support.load import Mix, mixed_load
from tests.support.statistics import breakdowns_of_rows, breakdowns_of_statistics
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.postgres

KEY = ProjectionKey("table", "t", "topic-id")
Connect = Callable[[], Connection[Any]]


def batch_of(records: Sequence[Record]) -> Batch:
    decoded, invalid = [], []
    for record in records:
        try:
            decoded.append(Decoded(record, decode_record(record)))
        except InvalidEvent as exc:
            invalid.append(DeadLetter(record, exc.error_class, exc.message))
    ends = {r.partition: r.offset + 1 for r in records}
    return Batch(decoded, invalid, ends)


def connector(url: str, owner: str, **parameters: Any) -> Connect:
    def connect() -> Connection[Any]:
        return psycopg.connect(
            conninfo.make_conninfo(url, application_name=owner, **parameters), autocommit=True
        )

    return connect


@pytest.fixture
def proxy(database_url: str) -> Iterator[TcpProxy]:
    parts = urlsplit(database_url)
    with TcpProxy(parts.hostname or "127.0.0.1", parts.port or 5432) as proxy:
        yield proxy


@pytest.fixture
def proxied(proxy: TcpProxy, database_url: str) -> tuple[TcpProxy, str]:
    return proxy, database_url


PREPARED = FEW + 1


@pytest.fixture(params=[0, FEW, PREPARED], ids=["by COPY", "in a pipeline", "prepared"])
def few(request: pytest.FixtureRequest) -> int:
    """The ways in which a batch is written."""
    return int(request.param)


class Preparing(Processor):
    """Prepares each batch itself, as a worker's reading thread does."""

    def process(self, batch: Batch) -> Processed:
        return super().process(replace(batch, prepared=self.prepare(batch.decoded)))


def made(connect: Connect, owner: str, few: int) -> Processor:
    kind = Preparing if few == PREPARED else Processor
    return kind(TableProjection(), KEY, connect, owner, few)


def through(proxy: TcpProxy, url: str, owner: str = "w", few: int = FEW) -> Processor:
    connect = connector(url, owner, host="127.0.0.1", port=proxy.port, sslmode="disable")
    return made(connect, owner, few)


def direct(url: str, owner: str = "w", few: int = FEW) -> Processor:
    return made(connector(url, owner), owner, few)


def test_rows_position_and_dead_letters_land_together(
    connection: Connection[Any], database_url: str, few: int
) -> None:
    records = records_of(mixed_load(300, Mix(poison=0.1, moves=0.2, deletions=0.1), 7))
    processor = direct(database_url, few=few)
    assert processor.claim({0, 1, 2}) == {0: 0, 1: 0, 2: 0}
    processed = processor.process(batch_of(records))
    poison = sorted((r.partition, r.offset) for r in records if r.headers)
    assert poison
    assert differences(expected_rows(records), actual_rows(connection)) == []
    assert actual_poison(connection, "table") == poison
    assert len(processed.dead_lettered) == len(poison)
    assert read_positions(connection, "table", "t") == batch_of(records).next_offsets
    processor.close()


@pytest.mark.parametrize("where", [b"COMMIT", b"INTO", b"UPDATE", b"SELECT id, request_id"])
@pytest.mark.parametrize("moment", ["cut_before", "cut_after"])
def test_a_connection_cut_anywhere_neither_loses_nor_doubles(
    connection: Connection[Any], proxied: tuple[TcpProxy, str], where: bytes, moment: str, few: int
) -> None:
    proxy, database_url = proxied
    if where == b"INTO" and not few:
        where = b"COPY"
    records = records_of(mixed_load(60, Mix(poison=0.1), 8), partitions=2)
    processor = through(proxy, database_url, few=few)
    processor.claim({0, 1})
    getattr(proxy, moment)(lambda sent: where in sent)
    batch = batch_of(records)
    with pytest.raises(EnvironmentFault):
        processor.process(batch)
    assert proxy.cuts == 1
    committed = bool(actual_rows(connection))
    # In a pipeline the commit may be sent together with what comes before it.
    if (where, moment) != (b"INTO", "cut_after"):
        assert committed == ((where, moment) == (b"COMMIT", "cut_after"))
    processed = processor.process(batch)
    assert (processed.applied.inserted == 0) == committed
    assert differences(expected_rows(records), actual_rows(connection)) == []
    attempts = connection.execute("SELECT max(attempts) FROM dead_letters").fetchone()
    assert attempts == (1,)
    processor.close()


def test_an_in_doubt_batch_is_not_taken_for_done_when_another_took_over(
    connection: Connection[Any], database_url: str, proxy: TcpProxy
) -> None:
    processor, other = through(proxy, database_url), direct(database_url, "other")
    processor.claim({0})
    batch = batch_of(records_of(mixed_load(5, Mix(poison=0), 9), partitions=1))
    proxy.cut_after(lambda sent: b"COMMIT" in sent)
    with pytest.raises(EnvironmentFault):
        processor.process(batch)
    other.claim({0})
    with pytest.raises(FenceLost):
        processor.process(batch)
    processor.close()
    other.close()


def test_zombie_writer_after_a_rebalance_is_fenced_off(
    connection: Connection[Any], database_url: str
) -> None:
    records = records_of(mixed_load(40, Mix(poison=0), 10), partitions=1)
    zombie, heir = direct(database_url, "zombie"), direct(database_url, "heir")
    zombie.claim({0})
    zombie.process(batch_of(records[:10]))
    assert heir.claim({0}) == {0: 10}
    with pytest.raises(FenceLost):
        zombie.process(batch_of(records[10:20]))
    heir.process(batch_of(records[10:]))
    assert differences(expected_rows(records), actual_rows(connection)) == []
    for processor in (zombie, heir):
        processor.close()


def test_a_worker_frozen_in_its_transaction_does_not_block_its_heir(
    connection: Connection[Any], database_url: str
) -> None:
    frozen = connector(database_url, "frozen")()
    owner, heir = direct(database_url, "frozen"), direct(database_url, "heir")
    owner.claim({0})
    frozen.execute("BEGIN")
    frozen.execute("UPDATE projection_positions SET next_offset = 5 WHERE partition = 0")
    assert heir.claim({0}) == {0: 0}
    with pytest.raises(psycopg.OperationalError):
        frozen.execute("COMMIT")
    owner.close()
    heir.close()


def test_a_session_frozen_with_the_projection_s_lock_does_not_block_who_must_be_alone(
    connection: Connection[Any], database_url: str
) -> None:
    frozen = connector(database_url, "frozen")()
    frozen.execute("BEGIN")
    lock_projection(frozen, KEY.projection, exclusive=False)
    connect = connector(database_url, "alone", options=f"-c lock_timeout={STUCK_S + 0.5}s")
    processor = Processor(TableProjection(), KEY, connect, "alone")
    processor.claim({0})
    gone = {"request_id": "r", "reason": "user"}
    message = load.message("ImageDeleted", gone, load.EPOCH, "gone")
    batch = batch_of([Record("t", 0, 0, 0, message.key, message.value)])
    with pytest.raises(EnvironmentFault, match="lock"):
        processor.process(batch)
    processor.process(batch)
    assert read_positions(connection, "table", "t") == {0: 1}
    with pytest.raises(psycopg.OperationalError):
        frozen.execute("COMMIT")
    processor.close()


def test_commit_for_a_partition_no_longer_owned_is_refused(
    connection: Connection[Any], database_url: str
) -> None:
    processor = direct(database_url)
    processor.claim({0, 1})
    processor.forget({1})
    with pytest.raises(FenceLost):
        processor.process(batch_of(records_of(mixed_load(10, Mix(poison=0), 11), partitions=2)))
    assert actual_rows(connection) == {}
    processor.close()


def test_topic_deleted_and_recreated_stops_the_claim(database_url: str) -> None:
    processor = direct(database_url)
    processor.claim({0})
    other = ProjectionKey("table", "t", "another-id")
    heir = Processor(TableProjection(), other, connector(database_url, "heir"), "heir")
    with pytest.raises(TopicRecreated, match="rebuild"):
        heir.claim({0})
    processor.close()
    heir.close()


def test_a_poison_row_is_isolated_by_halving_and_can_be_redriven(
    connection: Connection[Any], database_url: str, few: int
) -> None:
    records = records_of(mixed_load(50, Mix(0, 0, 0, 0), 12), partitions=1)
    squatter = (
        "INSERT INTO generated_images (id, request_id, user_id, prompt, storage_url)"
        " VALUES (%s, 'squatter', 'u', 'p', '/x')"
    )
    connection.execute(squatter, (row_id(0, 17),))
    processor = direct(database_url, few=few)
    processor.claim({0})
    processed = processor.process(batch_of(records))
    assert [letter.record for letter in processed.dead_lettered] == [records[17]]
    assert processed.dead_lettered[0].error_class == "UniqueViolation"
    expected = expected_rows(records)
    missing = expected_rows([records[17]]).keys()
    actual = actual_rows(connection)
    assert expected.keys() - actual.keys() == missing
    redrive = Redrive(connection, {"table": TableProjection()})
    assert redrive.run(Selection()) == Redriven(failed=1)
    letter = next(each(connection, Selection()))
    assert (letter.attempts, len(letter.history)) == (2, 1)
    connection.execute("DELETE FROM generated_images WHERE request_id = 'squatter'")
    dry = Redrive(connection, {"table": TableProjection()}, dry_run=True)
    assert dry.run(Selection()) == Redriven(done=1)
    assert next(each(connection, Selection())).state == "open"
    assert redrive.run(Selection(), canary=True) == Redriven(done=1) or not list(
        each(connection, Selection())
    )
    assert differences(expected, actual_rows(connection)) == []
    processor.close()


class FailsLast(StatisticsProjection):
    """Its first batch fails with the last of its statements."""

    def apply(self, connection: Connection[Any], *batch: Any, **options: Any) -> Applied:
        applied = super().apply(connection, *batch, **options)
        self.failed, failed = True, getattr(self, "failed", False)
        if not failed:
            connection.execute("SELECT 1 / 0")
        return applied


def test_what_a_failed_batch_remembered_is_forgotten(
    connection: Connection[Any], database_url: str, few: int
) -> None:
    records = records_of(mixed_load(40, BUSY, 4), partitions=1)
    key = ProjectionKey("stats", "t", "topic-id")
    processor = Processor(FailsLast(), key, connector(database_url, "w"), "w", few)
    processor.claim({0})
    processor.process(batch_of(records))
    rows = expected_rows(records).values()
    assert breakdowns_of_statistics(connection) == breakdowns_of_rows(rows)
    processor.close()


def test_a_taken_id_is_poison_but_a_racing_insert_is_retried(
    connection: Connection[Any], database_url: str, few: int
) -> None:
    """23505 on request_id: two workers inserting the same new request; not a poison."""
    records = records_of(mixed_load(6, Mix(0, 0, 0, 0), 13), partitions=1)
    processor = direct(database_url, few=few)
    processor.claim({0})
    rival = psycopg.connect(database_url)
    elsewhere = records[0]._replace(partition=1)
    TableProjection().apply(rival, [Decoded(elsewhere, decode_record(elsewhere))])
    outcome: list[object] = []

    def process() -> None:
        try:
            outcome.append(processor.process(batch_of(records)))
        except Exception as exc:  # noqa: BLE001  handed to the main thread
            outcome.append(exc)

    thread = threading.Thread(target=process)
    thread.start()
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while connection.execute(waiting).fetchone() == (0,) and thread.is_alive():
        pass
    rival.commit()
    thread.join(20)
    assert isinstance(outcome[0], EnvironmentFault)
    processor.process(batch_of(records))
    assert differences(expected_rows(records), actual_rows(connection)) == []
    assert actual_poison(connection, "table") == []
    rival.close()
    processor.close()


def test_dead_letters_are_grouped_discarded_and_carried_as_files(
    connection: Connection[Any], database_url: str
) -> None:
    records = records_of(mixed_load(400, Mix(poison=0.2), 14), partitions=1)
    processor = direct(database_url)
    processor.claim({0})
    processor.process(batch_of(records))
    groups = list_groups(connection)
    letters = list(each(connection, Selection()))
    assert sum(group.count for group in groups) == len(letters) > 50
    for letter in letters:
        assert from_line(to_line(letter))[1].record == letter.record == records[letter.offset]
    first = groups[0]
    given_up = discard(connection, Selection(fingerprint=first.fingerprint), "known noise")
    assert given_up == first.count
    left = list(each(connection, Selection()))
    assert len(left) == len(letters) - first.count
    gone = next(each(connection, Selection(state="discarded")))
    assert gone.history[-1]["note"] == "known noise"
    processor.close()
