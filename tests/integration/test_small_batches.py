"""A batch of new requests is one statement in one round trip, and all others are not."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import Connection

from consumers.decoding import decode
from consumers.processor import STUCK_S, Batch, Processor
from projections.faults import EnvironmentFault, FenceLost
from projections.image_table import TableProjection
from projections.positions import claim, lock_projection, read_positions
from projections.projection import Applied
from schemas.record import Record, row_id
from tests.integration.test_processor import KEY, connector
from tests.integration.test_table_projection import BUSY, records_of
from tests.support.checker import actual_rows, differences, expected_rows
from tests.support.load import Mix, mixed_load
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import eventually

pytestmark = pytest.mark.postgres

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
NEW = Mix(failures=0.3, retried=0, moves=0, deletions=0, poison=0)
"""Each request has one event, a success or a failure."""


class Counting(TableProjection):
    """Counts the batches that take the longer way."""

    def __init__(self) -> None:
        super().__init__()
        self._applied = set[int]()

    @property
    def applied(self) -> int:
        return len(self._applied)

    def apply(self, connection: Any, events: Any, *rest: Any, **options: Any) -> Applied:
        self._applied.add(id(events))
        return super().apply(connection, events, *rest, **options)


@pytest.fixture
def projection() -> Counting:
    return Counting()


@pytest.fixture
def processor(database_url: str, projection: Counting) -> Iterator[Processor]:
    made = Processor(projection, KEY, connector(database_url, "w"), "w")
    made.claim({0, 1, 2})
    yield made
    made.close()


def batch_of(processor: Processor, records: Sequence[Record]) -> Batch:
    draft = decode(records)
    draft.prepared = processor.prepare(draft.decoded)
    return draft.batch()


def test_a_batch_of_new_requests_is_written_at_once(
    connection: Connection[Any], processor: Processor, projection: Counting
) -> None:
    records = records_of(mixed_load(50, NEW, 1), partitions=3)
    processed = processor.process(batch_of(processor, records))
    assert projection.applied == 0
    assert processed.applied == Applied(inserted=len(expected_rows(records)))
    assert differences(expected_rows(records), actual_rows(connection)) == []
    ends = {r.partition: r.offset + 1 for r in records}
    assert read_positions(connection, "table", "t") == ends


@pytest.mark.parametrize("seed", range(6))
def test_whatever_was_known_before_comes_to_the_fold_of_the_events(
    connection: Connection[Any], processor: Processor, projection: Counting, seed: int
) -> None:
    rng = random.Random(seed)
    records = records_of(mixed_load(400, BUSY, seed), partitions=3)
    rest, batches = list(records), list[Batch]()
    while rest:
        size = rng.randint(1, 8)
        batches.append(batch_of(processor, rest[:size]))
        processor.process(batches[-1])
        del rest[:size]
    assert 0 < projection.applied < len(batches), "one of the two ways was not taken"
    assert differences(expected_rows(records), actual_rows(connection)) == []


def test_a_zombie_writes_nothing(
    connection: Connection[Any], processor: Processor, database_url: str
) -> None:
    heir = Processor(TableProjection(), KEY, connector(database_url, "heir"), "heir")
    heir.claim({1})
    records = records_of(mixed_load(20, NEW, 2), partitions=3)
    with pytest.raises(FenceLost):
        processor.process(batch_of(processor, records))
    assert actual_rows(connection) == {}
    assert set(read_positions(connection, "table", "t").values()) == {0}
    heir.close()


def test_a_claim_that_is_under_way_is_waited_for_and_heeded(
    connection: Connection[Any], processor: Processor, database_url: str
) -> None:
    batch = batch_of(processor, records_of(mixed_load(20, NEW, 7), partitions=3))
    with psycopg.connect(database_url) as heir, ThreadPoolExecutor(1) as pool:
        claim(heir, KEY, "heir", {1})
        processing = pool.submit(processor.process, batch)
        eventually(lambda: connection.execute(WAITING).fetchone() == (1,), what="the wait")
        heir.commit()
        with pytest.raises(FenceLost):
            processing.result(20)
    assert actual_rows(connection) == {}
    assert set(read_positions(connection, "table", "t").values()) == {0}


def test_a_session_frozen_while_it_is_alone_is_ended(
    connection: Connection[Any], database_url: str
) -> None:
    frozen = connector(database_url, "frozen")()
    frozen.execute("BEGIN")
    lock_projection(frozen, KEY.projection, exclusive=True)
    connect = connector(database_url, "w", options=f"-c lock_timeout={STUCK_S + 0.5}s")
    processor = Processor(TableProjection(), KEY, connect, "w")
    processor.claim({0})
    batch = batch_of(processor, records_of(mixed_load(5, NEW, 8), partitions=1))
    with pytest.raises(EnvironmentFault, match="lock"):
        processor.process(batch)
    with pytest.raises(psycopg.OperationalError):
        frozen.execute("COMMIT")
    processor.process(batch)
    assert read_positions(connection, "table", "t") == batch.next_offsets
    processor.close()


def test_what_was_committed_after_it_was_looked_for_is_no_lost_fence(
    connection: Connection[Any], processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that was cut off may be waiting for a lock with the whole batch in its hands."""
    batch = batch_of(processor, records_of(mixed_load(9, NEW, 9), partitions=3))
    orphan = Processor(TableProjection(), KEY, lambda: connection, "orphan")
    orphan._claims = dict(processor._claims)
    processor._in_doubt = True
    looked = Processor._was_committed

    def commits_afterwards(self: Processor, *arguments: Any) -> bool:
        found = looked(self, *arguments)
        monkeypatch.undo()
        orphan.process(batch)
        return found

    monkeypatch.setattr(Processor, "_was_committed", commits_afterwards)
    assert processor.process(batch).applied == Applied()
    assert len(actual_rows(connection)) == len(expected_rows([d.record for d in batch.decoded]))


def test_what_comes_again_changes_nothing(
    connection: Connection[Any], processor: Processor
) -> None:
    records = records_of(mixed_load(20, NEW, 3), partitions=3)
    processor.process(batch_of(processor, records))
    assert processor.process(batch_of(processor, records)).applied.inserted == 0
    assert differences(expected_rows(records), actual_rows(connection)) == []


@pytest.mark.parametrize("moment", ["cut_before", "cut_after"])
def test_a_cut_connection_neither_loses_nor_doubles(
    connection: Connection[Any], database_url: str, moment: str
) -> None:
    parts, projection = urlsplit(database_url), Counting()
    with TcpProxy(parts.hostname or "127.0.0.1", parts.port or 5432) as proxy:
        connect = connector(database_url, "w", host="127.0.0.1", port=proxy.port, sslmode="disable")
        processor = Processor(projection, KEY, connect, "w")
        processor.claim({0, 1})
        # All of it is one packet.
        getattr(proxy, moment)(lambda sent: b"BEGIN" in sent and b"COMMIT" in sent)
        batch = batch_of(processor, records_of(mixed_load(5, NEW, 4), partitions=2))
        with pytest.raises(EnvironmentFault):
            processor.process(batch)
        assert proxy.cuts == 1
        committed = bool(actual_rows(connection))
        assert committed == (moment == "cut_after")
        assert (processor.process(batch).applied.inserted == 0) == committed
        assert projection.applied == 0
        processor.close()
    records = [one.record for one in batch.decoded]
    assert differences(expected_rows(records), actual_rows(connection)) == []


def test_a_fault_of_a_record_is_left_to_the_longer_way(
    connection: Connection[Any], processor: Processor, projection: Counting
) -> None:
    squatter = (
        "INSERT INTO generated_images (id, request_id, user_id, prompt, storage_url)"
        " VALUES (%s, 'squatter', 'u', 'p', '/x')"
    )
    connection.execute(squatter, (row_id(0, 3),))
    records = records_of(mixed_load(9, NEW, 5), partitions=1)
    processed = processor.process(batch_of(processor, records))
    assert projection.applied > 0
    assert [letter.record for letter in processed.dead_lettered] == [records[3]]
    assert len(actual_rows(connection)) == len(records), "but one, and the squatter"


def test_a_tombstone_or_a_move_that_waits_for_its_request_is_heeded(
    connection: Connection[Any], processor: Processor, projection: Counting
) -> None:
    mix = Mix(failures=0, retried=0, moves=0.5, deletions=0.5, poison=0)
    records = records_of(mixed_load(60, mix, 6), partitions=1)
    creates = [b"ImageGenerated" in (record.value or b"") for record in records]
    first = [one for one, is_first in zip(records, creates, strict=True) if not is_first]
    then = [one for one, is_first in zip(records, creates, strict=True) if is_first]
    ordered = [one._replace(offset=at) for at, one in enumerate([*first, *then])]
    processor.process(batch_of(processor, ordered[: len(first)]))
    before = projection.applied
    for record in ordered[len(first) :]:
        processor.process(batch_of(processor, [record]))
    assert 0 < projection.applied - before < len(then)
    assert differences(expected_rows(ordered), actual_rows(connection)) == []


def test_it_is_looked_up_by_key(connection: Connection[Any]) -> None:
    from projections import image_sql as sql
    from projections.planning import plan_by_key

    with connection.transaction():
        plan_by_key(connection)
        values = {
            **{name: [0] for name in ("partitions", "before", "epochs", "after")},
            "projection": "table",
            "topic": "t",
            "keys": ["a"],
            "rows": "[]",
        }
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute("EXPLAIN " + sql.INSERT_WHOLE.replace("%(keys)b", "%(keys)s"), values)
            plan = "\n".join(row[0] for row in cursor.fetchall())
    for index in (
        "idx_generated_images_request_id",
        "image_relocations_pkey",
        "deleted_images_pkey",
    ):
        assert index in plan
    assert "Seq Scan" not in plan
