"""The statistics on a real Postgres: the same numbers as a plain fold, at every commit."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection

from projections.projection import Decoded, NeedExclusive
from projections.statistics import StatisticsProjection
from tests.support.checker import expected_rows, five_numbers
from tests.support.load import Message, message
from tests.support.statistics import (
    breakdowns_of_rows,
    breakdowns_of_statistics,
    stored_numbers,
)
from tests.support.statistics_workers import SomebodyIsAlone, Worker, clear, connections, placed

pytestmark = pytest.mark.postgres

WORKERS = 2
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
USERS = ("ada", "ada", 'o"br\\ien,{}=')
TOOLS = ("renderChart", "a=b")
TIMES = tuple(MIDNIGHT + timedelta(seconds=s) for s in (-90_000, -1, 0, 1, 90_000))
KINDS = ("ImageGenerated",) * 3 + ("ImageFailed",) * 3 + ("ImageMoved",) + ("ImageDeleted",) * 3
ERRORS = ("refused", "timeout after 30 s", "timeout after 45 s", "model 'x' is busy")


class Plan(NamedTuple):
    """A history, who applies which part of it when, and how eager the workers are to settle."""

    messages: list[Message]
    steps: list[tuple[str, int, int]]
    limits: tuple[int, int]
    """settle_at and max_unsettled."""


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """One event of a small world, in which users, tools, days and requests meet again and again."""
    request = f"r{draw(st.integers(0, 15)):02}"
    kind = draw(st.sampled_from(KINDS))
    data: dict[str, Any] = {"request_id": request}
    sizes = st.none() | st.sampled_from((0, 1, 7, 2**31 - 1))
    if kind in {"ImageGenerated", "ImageFailed"}:
        data |= {"user_id": draw(st.sampled_from(USERS)), "prompt": "p"}
        data |= {"tool_name": draw(st.sampled_from(TOOLS))}
        data |= {"model": draw(st.sampled_from((None, "", "gpt-image-1")))}
    if kind == "ImageFailed":
        data |= {"error": draw(st.sampled_from(ERRORS))}
        data |= {"error_code": draw(st.sampled_from((None, "refused")))}
        data |= {"metadata": draw(st.sampled_from((None, {"error_code": "busy"})))}
    if kind in {"ImageGenerated", "ImageMoved"}:
        data |= {"storage_url": "https://x.test/1.png", "bytes": draw(sizes)}
        data |= {"storage_provider": draw(st.sampled_from(("github", "local")))}
    if kind == "ImageDeleted":
        data |= {"reason": "user"}
    return message(kind, data, draw(st.sampled_from(TIMES)), f"e{draw(st.integers(0, 40))}")


STEPS = st.tuples(
    st.sampled_from(("apply", "apply", "apply", "commit", "commit", "rollback")),
    st.integers(0, WORKERS - 1),
    st.integers(1, 5),
)
PLANS = st.builds(
    Plan,
    st.lists(messages(), min_size=8, max_size=30),
    st.lists(STEPS, min_size=8, max_size=30),
    st.sampled_from(((1, 20_000), (1, 3), (4, 20_000), (200, 3), (200, 20_000))),
)


class Run:
    """Workers with their own partitions, what they have yet to apply, and what is committed."""

    def __init__(self, plan: Plan, workers: list[Worker]) -> None:
        self.workers = workers
        self.queues: list[deque[Decoded]] = [deque() for _ in workers]
        self.committed: list[Decoded] = []
        for offset, one in enumerate(unambiguous(plan.messages)):
            partition = int(one.key[1:]) % (2 * WORKERS)
            self.queues[partition % WORKERS].append(placed(one, partition, offset))

    def step(self, what: str, number: int, size: int) -> None:
        """Do what the plan says, as far as it can be done."""
        worker = self.workers[number]
        if what == "commit":
            self.committed += worker.commit()
        elif what == "rollback":
            self.queues[number].extend(worker.rollback())
        elif not worker.open and self.queues[number]:
            queue = self.queues[number]
            self.apply(worker, [queue.popleft() for _ in range(min(size, len(queue)))])

    def apply(self, worker: Worker, batch: list[Decoded]) -> None:
        """Apply the batch; when it has to run alone, the others are done first."""
        try:
            worker.apply(batch)
        except SomebodyIsAlone:
            self.commit_all()
            self.apply(worker, batch)
        except NeedExclusive:
            self.commit_all()
            worker.apply(batch, exclusive=True)
            self.committed += worker.commit()

    def commit_all(self) -> None:
        """End every open transaction."""
        for worker in self.workers:
            self.committed += worker.commit()

    def finish(self) -> None:
        """Apply and commit all that is left."""
        self.commit_all()
        for number, queue in enumerate(self.queues):
            if queue:
                self.apply(self.workers[number], list(queue))
                self.commit_all()
                queue.clear()

    def give_up(self) -> None:
        """Undo whatever is open."""
        for worker in self.workers:
            worker.rollback()


def unambiguous(history: list[Message]) -> list[Message]:
    """Without events that have another's request, time and id but not its content.

    A producer never makes such a pair, and nothing says which of the two would win.
    """
    seen: dict[tuple[Any, ...], bytes] = {}
    kept = []
    for one in history:
        event = placed(one, 0, 0).event
        if seen.setdefault((event.data.request_id, event.time, event.id), one.value) == one.value:
            kept.append(one)
    return kept


def assert_exact(connection: Connection[Any], committed: list[Decoded]) -> None:
    """The statistics are what the committed events come to."""
    rows = expected_rows(decoded.record for decoded in committed).values()
    assert stored_numbers(connection) == five_numbers(rows)
    assert breakdowns_of_statistics(connection) == breakdowns_of_rows(rows)


def test_numbers_are_exact_at_every_commit_whoever_is_in_the_middle_of_what(
    connection: Connection[Any], database_url: str
) -> None:
    with connections(database_url, WORKERS) as opened:

        @settings(max_examples=60, deadline=None)
        @given(plan=PLANS)
        def holds(plan: Plan) -> None:
            clear(connection)
            run = Run(plan, [Worker(each, StatisticsProjection(*plan.limits)) for each in opened])
            try:
                for what, number, size in plan.steps:
                    run.step(what, number, size)
                    assert_exact(connection, run.committed)
                run.finish()
                assert_exact(connection, run.committed)
            finally:
                run.give_up()

        holds()
