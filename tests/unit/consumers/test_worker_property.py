"""Whatever happens, every record is applied once, in the order of its partition."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Counter

from consumers.metrics import WorkerMetrics
from consumers.processor import Batch
from consumers.retry import Backoff
from consumers.vitals import Vitals
from consumers.worker import Limits, Worker
from projections.faults import EnvironmentFault
from schemas.record import Record
from tests.unit.consumers.fakes import FakeProcessor, Poll, ScriptedLog, Store, good_record

EVER = 1000
SMALL = Limits(batch_records=7, batch_bytes=4000, poll_s=0.002, claim_poll_s=0.002, ends_s=0.0)


@dataclass(frozen=True)
class Try:
    """What one call of the processor meets."""

    fault_before: bool = False
    answer_lost: bool = False
    stolen: int | None = None
    """Before it, another worker takes this partition and applies some records."""
    count: int = 0


@dataclass(frozen=True)
class History:
    contents: dict[int, list[Record]]
    ends: dict[int, int]
    lives: list[tuple[list[Poll], list[Try]]]
    """The scripts of one worker after another; each but the last is stopped at its script's end."""


@st.composite
def histories(draw: st.DrawFn) -> History:
    numbers = frozenset(range(draw(st.integers(1, 4))))
    contents, ends = {}, {}
    for number in numbers:
        count, gap_after = draw(st.integers(0, 60)), draw(st.integers(2, 20))
        offsets = [i + 2 * (i // gap_after) for i in range(count)]
        contents[number] = [_record(number, offset) for offset in offsets]
        ends[number] = (offsets[-1] + 1 if offsets else 0) + draw(st.sampled_from([0, 0, 3]))
    none: frozenset[int] = frozenset()
    rebalance = st.tuples(st.frozensets(st.sampled_from(sorted(numbers))), st.just(numbers))
    polls = st.builds(
        lambda change, **fields: Poll(**fields, revoke=change[0], assign=change[1]),
        change=st.one_of(st.just((none, none)), st.just((none, none)), rebalance),
        permits=st.integers(0, 6),
        records=st.integers(0, 12),
        unavailable=st.sampled_from([False] * 9 + [True]),
    )
    tries = st.builds(
        Try,
        fault_before=st.sampled_from([False, False, True]),
        answer_lost=st.sampled_from([False, False, False, True]),
        stolen=st.sampled_from([None] * 5 + draw(st.sampled_from([[], sorted(numbers)]))),
        count=st.integers(0, 3),
    )
    life = st.tuples(st.lists(polls, max_size=40), st.lists(tries, max_size=30))
    return History(contents, ends, draw(st.lists(life, min_size=1, max_size=3)))


def _record(partition: int, offset: int) -> Record:
    record = good_record(partition, offset)
    return record if offset % 5 else record._replace(value=b"poison")


def _live(history: History, store: Store, life: int) -> None:
    polls, tries = history.lives[life]
    last = life == len(history.lives) - 1
    log = ScriptedLog(history.contents, history.ends, polls)
    processor = FakeProcessor(store)
    metrics = WorkerMetrics("table", "events", "me")
    worker = Worker(
        log,
        processor,
        metrics=metrics,
        vitals=Vitals(),
        limits=SMALL,
        backoff=lambda: Backoff(0.0, 0.0),
    )
    steals = store.steals
    gate = threading.Semaphore(0)
    _follow(processor, store, history, tries, gate)

    def before_poll(step: Poll | None) -> None:
        permits = step.permits if step else EVER
        if permits:
            gate.release(permits)
            # Not needed for the law: it makes the interleavings varied.
            time.sleep(0.0003)
        done = all(store.positions.get(n, 0) == end for n, end in history.ends.items())
        if done if last else step is None:
            worker.stop()
            gate.release(EVER)

    log.before_poll = before_poll
    worker.run()
    assert processor.closed.is_set()
    assert log.closed == 1
    assert all(size <= SMALL.batch_records for size in processor.sizes)
    assert log.rejoined <= _count(metrics.fences_lost) <= store.steals - steals


def _count(counter: Counter) -> float:
    return next(s.value for m in counter.collect() for s in m.samples if s.name.endswith("_total"))


def _follow(
    processor: FakeProcessor,
    store: Store,
    history: History,
    tries: Sequence[Try],
    gate: threading.Semaphore,
) -> None:
    """Each call of the processor passes the gate twice, so that polls fall between and within."""
    script = iter(tries)
    step = Try()

    def before(_: Batch | None) -> None:
        nonlocal step
        gate.acquire()
        step = next(script, Try())
        if step.stolen is not None:
            store.steal(step.stolen, history.contents[step.stolen], step.count)
        if step.fault_before:
            raise EnvironmentFault("away")

    def after(_: Batch | None) -> None:
        gate.acquire()
        if step.answer_lost:
            raise EnvironmentFault("the answer got lost")

    processor.before, processor.after = before, after


@settings(max_examples=150, deadline=None)
@given(histories())
def test_every_record_is_applied_once_and_in_order(history: History) -> None:
    store = Store()
    for life in range(len(history.lives)):
        _live(history, store, life)
    for number, records in history.contents.items():
        written = [offset for partition, offset in store.written if partition == number]
        assert written == [record.offset for record in records]
    assert {n: store.positions.get(n, 0) for n in history.ends} == history.ends


def test_what_was_claimed_after_the_fence_was_lost_is_not_claimed_again() -> None:
    """Claimed twice, it would be read twice: the first claim's records, and those from there on."""
    log = ScriptedLog({0: [], 1: []}, {0: 0, 1: 3}, [])
    worker = Worker(
        log, FakeProcessor(Store()), metrics=WorkerMetrics("table", "t", "me"), vitals=Vitals()
    )
    handover = worker._handover
    log.assigned = worker._assigned = {0, 1}
    handover.want({0, 1})
    handover.grant(handover.tickets(), {0: 0, 1: 0})
    worker._heed_news()
    handover.skip_gaps({1: 3})
    assert handover.next_work() is not None
    # A rebalance takes partition 0 and gives it back, while the batch in flight meets the fence.
    handover.revoke({0})
    handover.want({0})
    handover.lose_fence()
    handover.grant(handover.tickets(), {0: 0})
    worker._heed_news()
    assert handover.wanted() == {1}
