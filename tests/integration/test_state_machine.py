"""Producer, log, workers, crashes, redrives, rebuilds and rollbacks in any order.

After every step the table is the fold of the log up to the table's own positions, the statistics
are the fold up to theirs, and every record that is in neither is an open dead letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from consumers.decoding import decode
from consumers.processor import Processor
from consumers.rebuild import Rebuild, Source
from consumers.redrive import Redrive
from operations.wiring import PROJECTIONS
from projections.dead_letter_reads import Selection, each
from projections.faults import EnvironmentFault, FenceLost
from projections.positions import ProjectionKey, read_positions
from projections.shadow import exists
from schemas.record import Record, row_id
from tests.support.checker import actual_rows, differences, expected_rows, five_numbers, is_poison
from tests.support.load import EPOCH, message
from tests.support.memory_log import MemoryLogReader
from tests.support.memory_topic import MemoryTopic
from tests.support.statistics import breakdowns_of_rows, breakdowns_of_statistics, stored_numbers

pytestmark = pytest.mark.postgres

PARTITIONS = 3
NAMES = st.sampled_from(["table", "stats"])
WORKERS = st.integers(0, 1)
FORBIDDEN = "forbidden"
LOOSEN = "ALTER TABLE generated_images DROP CONSTRAINT IF EXISTS picky"
CONSTRAIN = (
    "ALTER TABLE generated_images ADD CONSTRAINT picky CHECK (prompt <> 'forbidden') NOT VALID"
)
TABLES = (
    "generated_images, image_relocations, deleted_images, statistics_requests, statistics_sums, "
    "statistics_members, statistics_unsettled, statistics_generation, projection_positions, "
    "dead_letters"
)


class Ledger(RuleBasedStateMachine):
    """Two workers of each projection on one topic."""

    database_url: str

    def __init__(self) -> None:
        super().__init__()
        self.topic = MemoryTopic("events", PARTITIONS)
        self.connection: Connection[Any] = psycopg.connect(
            self.database_url, autocommit=True, options="-c timezone=UTC"
        )
        self._clear()
        self.lives = 0
        self.workers = {(name, n): self._worker(name) for name in PROJECTIONS for n in (0, 1)}
        self.at: dict[tuple[str, int], dict[int, int]] = {key: {} for key in self.workers}
        self.number = 0

    @rule(
        request=st.integers(0, 5),
        kind=st.sampled_from(["generated", "failed", "moved", "deleted", "forbidden", "poison"]),
        at_s=st.integers(0, 4),
        partition=st.integers(0, PARTITIONS - 1) | st.none(),
    )
    def produce(self, request: int, kind: str, at_s: int, partition: int | None) -> None:
        self.number += 1
        key, value = f"r{request}".encode(), self._event(f"r{request}", kind, at_s)
        headers = (("x-poison", b"1"),) if kind == "poison" else ()
        self.topic.append(key, value, partition=partition, headers=headers)

    @rule(name=NAMES, worker=WORKERS, partitions=st.sets(st.integers(0, PARTITIONS - 1)))
    def claim(self, name: str, worker: int, partitions: set[int]) -> None:
        if partitions:
            claimed = self.workers[name, worker].claim(partitions)
            self.at[name, worker] |= claimed

    @rule(name=NAMES, worker=WORKERS, most=st.integers(1, 6))
    def work(self, name: str, worker: int, most: int) -> None:
        held = self.at[name, worker]
        records, ends = self._next(held, most)
        draft = decode(records)
        draft.next_offsets = ends
        if not ends:
            return
        try:
            self.workers[name, worker].process(draft.batch())
        except FenceLost:
            self.workers[name, worker].forget(held.keys())
            held.clear()
        else:
            held |= ends

    @rule(name=NAMES, worker=WORKERS, most=st.integers(1, 6))
    def crash_before_the_commit(self, name: str, worker: int, most: int) -> None:
        """The session ends when everything is written, and the worker with it."""
        held = self.at[name, worker]
        records, ends = self._next(held, most)
        draft = decode(records)
        draft.next_offsets = ends
        if draft.decoded:
            with _dying(self.workers[name, worker]), pytest.raises((EnvironmentFault, FenceLost)):
                self.workers[name, worker].process(draft.batch())
        self._replace(name, worker)

    @rule(name=NAMES, worker=WORKERS)
    def restart(self, name: str, worker: int) -> None:
        self._replace(name, worker)

    @rule(canary=st.booleans(), dry_run=st.booleans())
    def redrive(self, canary: bool, dry_run: bool) -> None:
        kinds = {name: make() for name, make in PROJECTIONS.items()}
        Redrive(self.connection, kinds, dry_run=dry_run).run(Selection(), canary=canary)

    @rule(forbid=st.booleans())
    def constrain(self, forbid: bool) -> None:
        """Somebody gives the table a constraint, or takes it away again."""
        self.connection.execute(LOOSEN)
        if forbid:
            self.connection.execute(CONSTRAIN)

    @rule(name=NAMES, killed=st.sampled_from([None, "prepared", "loaded", "compared"]))
    def rebuild(self, name: str, killed: str | None) -> None:
        with self._rebuild(name) as work, ThreadPoolExecutor(1) as pool:
            state = work.prepare()
            if killed == "prepared":
                return
            work.load(state, [pool])
            if killed == "loaded":
                return
            work.finish()
            work.compare()
            if killed == "compared":
                return
            work.swap()

    @precondition(lambda self: exists(self.connection, "omega_previous_table"))
    @rule()
    def roll_the_table_back(self) -> None:
        with self._rebuild("table") as work:
            work.roll_back()

    @precondition(lambda self: exists(self.connection, "omega_previous_stats"))
    @rule()
    def roll_the_statistics_back(self) -> None:
        with self._rebuild("stats") as work:
            work.roll_back()

    @invariant()
    def the_table_is_the_fold_of_what_it_has_read(self) -> None:
        read = self._read("table")
        expected, actual = expected_rows(read), actual_rows(self.connection)
        places: dict[str, set[int]] = {}
        for one in self._log():
            places.setdefault((one.key or b"").decode(), set()).add(
                row_id(one.partition, one.offset)
            )
        for request_id, row in actual.items():
            # A rebuild keeps the id that a row has had, even when it has read further.
            assert row["id"] in places[request_id]
            if request_id in expected:
                expected[request_id]["id"] = row["id"]
        assert differences(expected, actual) == []

    @invariant()
    def the_statistics_are_the_fold_of_what_they_have_read(self) -> None:
        rows = expected_rows(self._read("stats")).values()
        assert stored_numbers(self.connection) == five_numbers(rows)
        assert breakdowns_of_statistics(self.connection) == breakdowns_of_rows(rows)

    @invariant()
    def only_what_cannot_be_projected_is_set_aside(self) -> None:
        for name in PROJECTIONS:
            positions = read_positions(self.connection, name, self.topic.name)
            dead = self._dead(name)
            for one in self._log():
                place = (one.partition, one.offset)
                if is_poison(one) and one.offset < positions.get(one.partition, 0):
                    assert place in dead
                if place in dead and not is_poison(one):
                    assert name == "table"
                    assert FORBIDDEN in (one.value or b"").decode()

    def teardown(self) -> None:
        for worker in self.workers.values():
            worker.close()
        self.connection.close()

    def _read(self, name: str) -> list[Record]:
        """What the projection is past, without what is set aside."""
        positions = read_positions(self.connection, name, self.topic.name)
        dead = self._dead(name)
        return [
            one
            for one in self._log()
            if one.offset < positions.get(one.partition, 0)
            and (one.partition, one.offset) not in dead
        ]

    def _dead(self, name: str) -> set[tuple[int, int]]:
        letters = each(self.connection, Selection(name))
        return {(letter.partition, letter.offset) for letter in letters}

    def _log(self) -> Iterator[Record]:
        for partition in self.topic.partitions:
            yield from partition.records

    def _next(self, held: Mapping[int, int], most: int) -> tuple[list[Record], dict[int, int]]:
        """Up to so many records of each partition held, and the positions after them."""
        records, ends = [], {}
        for partition, offset in held.items():
            found, end = self.topic.read(partition, offset, most)
            if found:
                records += found
                ends[partition] = end
        return records, ends

    def _event(self, request_id: str, kind: str, at_s: int) -> bytes:
        if kind == "poison":
            return b"{"
        data: dict[str, Any] = {"request_id": request_id}
        stored = {"storage_url": f"https://x.test/{self.number}", "storage_provider": "github"}
        asked = {"user_id": f"u{request_id[-1]}", "tool_name": f"t{at_s}", "prompt": "p"}
        kinds: dict[str, tuple[str, dict[str, Any]]] = {
            "generated": ("ImageGenerated", {**asked, **stored, "bytes": self.number}),
            "forbidden": ("ImageGenerated", {**asked, **stored, "prompt": FORBIDDEN}),
            "failed": ("ImageFailed", {**asked, "error": f"no {self.number}"}),
            "moved": ("ImageMoved", stored),
            "deleted": ("ImageDeleted", {"reason": "user"}),
        }
        of_type, more = kinds[kind]
        when = EPOCH + timedelta(seconds=at_s)
        return message(of_type, data | more, when, f"e{self.number}").value

    def _worker(self, name: str) -> Processor:
        self.lives += 1
        owner = f"{name}-{self.lives}"
        return Processor(PROJECTIONS[name](), self._key(name), self._connect(owner), owner)

    def _replace(self, name: str, worker: int) -> None:
        self.workers[name, worker].close()
        self.workers[name, worker] = self._worker(name)
        self.at[name, worker] = {}

    def _connect(self, owner: str) -> Callable[[], Connection[Any]]:
        def connect() -> Connection[Any]:
            return psycopg.connect(self.database_url, autocommit=True, application_name=owner)

        return connect

    def _key(self, name: str) -> ProjectionKey:
        return ProjectionKey(name, self.topic.name, self.topic.topic_id)

    @contextmanager
    def _rebuild(self, name: str) -> Iterator[Rebuild]:
        def reader() -> MemoryLogReader:
            return MemoryLogReader(self.topic)

        source = Source(reader, PROJECTIONS[name], self.database_url, name, self.topic.name)
        with Rebuild(source) as work:
            yield work

    def _clear(self) -> None:
        self.connection.execute(LOOSEN)
        self.connection.execute(f"TRUNCATE {TABLES}")
        for name in PROJECTIONS:
            for schema in (f"omega_rebuild_{name}", f"omega_previous_{name}"):
                drop = SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema))
                self.connection.execute(drop)


@contextmanager
def _dying(worker: Processor) -> Iterator[None]:
    """The worker's session is ended after everything of a batch is written."""
    projection = worker._projection
    apply = projection.apply

    def apply_and_die(connection: Connection[Any], *arguments: Any, **options: Any) -> Any:
        apply(connection, *arguments, **options)
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    projection.apply = apply_and_die  # type: ignore[method-assign]  # a fault that is made
    try:
        yield
    finally:
        projection.apply = apply  # type: ignore[method-assign]  # and ended


@pytest.mark.timeout(400)
def test_any_history_ends_as_the_fold_of_the_log(database_url: str) -> None:
    Ledger.database_url = database_url
    run(
        Ledger,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
