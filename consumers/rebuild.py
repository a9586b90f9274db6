"""Rebuilding a projection from the log beside the live one, and putting it in its place.

The phases: make the shadow, load it (partitions in parallel), build indexes, merge what was set
by, catch up, compare, swap. Nothing before the swap touches a live table, and the workers go on
throughout; at the swap they meet their fence, claim again and go on from the new positions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from threading import Event
from typing import Any, Self

from psycopg import Connection

from consumers.bulk_load import Load, load, replay
from consumers.deferred import merge_deferred
from consumers.loaders import await_loaders
from consumers.log import LogReader, TopicState
from consumers.processor import Processor
from projections import comparing, past_table
from projections import swap as swapping
from projections.comparing import Comparison
from projections.connections import connector
from projections.positions import (
    Claim,
    ProjectionKey,
    claim,
    read_positions,
)
from projections.projection import Projection
from projections.shadow import (
    RebuildRefused,
    Shadow,
    check_dependents,
    drop,
    hold_alone,
    let_go,
    shadow_of,
)
from projections.shadow_state import begin, finish_loading, resumable
from projections.shadow_tables import create

CLOSE_ENOUGH = 1_000
"""Records behind the log's end at which the comparison begins."""
ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Source:
    """The log to rebuild from, and the database to rebuild in."""

    open_reader: Callable[[], LogReader]
    make_projection: Callable[[], Projection]
    database_url: str
    projection: str
    topic: str


class Rebuild:
    """One rebuild of one projection; holds the lock against others until it is closed.

    Raises RebuildRefused from whichever step finds a reason.
    """

    def __init__(self, source: Source, kind: str = "rebuild") -> None:
        self._source = source
        self.resumed = False
        """Whether ``prepare`` has taken up what an interrupted rebuild left."""
        self._stopped = Event()
        self._reader = source.open_reader()
        self._connection = connector(source.database_url, "omega-rebuild")()
        try:
            # It sits idle while others load; the lock of the session is what it is for.
            self._connection.execute("SET idle_in_transaction_session_timeout = 0")
            hold_alone(self._connection, source.projection, kind)
            self._shadow = shadow_of(self._connection, source.projection, kind)
        except BaseException:
            self.close()
            raise

    def prepare(self, *, fresh: bool = False) -> TopicState:
        """Look whether it can be done, and make the empty shadow; the log as it is.

        A shadow that an interrupted rebuild left is taken up (``resumed`` says so), unless it does
        not fit any more, or ``fresh`` says otherwise.
        """
        state = self._reader.describe()
        key = self._key(state.topic_id)
        check_dependents(self._connection, self._shadow)
        self.resumed = not fresh and resumable(self._connection, self._shadow, key)
        if self.resumed:
            return state
        with self._connection.transaction():
            create(self._connection, self._shadow)
            begin(self._connection, self._shadow, key, state.begin)
        return state

    def prepare_at_live(self) -> TopicState:
        """As prepare, always anew; the log ends where the live projection has come to."""
        state = self.prepare(fresh=True)
        source = self._source
        at = read_positions(self._connection, source.projection, source.topic)
        end = {n: min(at.get(n, 0), end) for n, end in state.end.items()}
        return replace(state, end={n: max(to, state.begin[n]) for n, to in end.items()})

    def load(self, state: TopicState, pools: Sequence[Executor]) -> None:
        """Load the log as it was when ``state`` was taken, a share of the partitions in each pool.

        ``progress`` can be asked meanwhile. The first that fails, or ``stop_loading``, makes the
        others fail at their next batch; what is loaded stays. Returns when all have ended, raising
        what the first has failed with.
        """
        numbers = [number for number, end in state.end.items() if end > 0]
        shares = [numbers[part :: len(pools)] for part in range(len(pools))]
        # For the loaders, so that one which outlived its rebuild cannot take anything over.
        claims = self._claim(state.topic_id, numbers)
        jobs = {
            pool.submit(load, self._job(state, {number: claims[number] for number in share}))
            for pool, share in zip(pools, shares, strict=True)
            if share
        }
        await_loaders(jobs, self._stopped, lambda: self._claim(state.topic_id, numbers))

    def stop_loading(self) -> None:
        """Make ``load``, which is at work in another thread, come to an end soon."""
        self._stopped.set()

    def progress(self) -> int:
        """Records loaded so far. Any thread may ask."""
        with self._connect_shadow()() as connection:
            source = self._source
            return sum(read_positions(connection, source.projection, source.topic).values())

    def finish(self) -> int:
        """Build the indexes and merge what was set by; how many records that were."""
        connect = connector(self._source.database_url, "omega-rebuild")
        finish_loading(self._connection, self._shadow, connect)
        with self._connect_shadow()() as connection:
            return merge_deferred(connection, self._source.make_projection(), self._key())

    def catch_up(self, end: Mapping[int, int]) -> int:
        """Bring the shadow to these offsets in the ordinary way; how many records that took."""
        projection, key = self._source.make_projection(), self._key()
        processor = Processor(projection, key, self._connect_shadow(), "omega-rebuild")
        return replay(self._reader, processor, end)

    def catch_up_to_the_end(self) -> None:
        """Follow the log until the shadow is close behind it."""
        for _ in range(ROUNDS):
            if self.catch_up(self._reader.describe().end) < CLOSE_ENOUGH:
                return

    def compare(self, *, unmade: bool = True) -> Comparison:
        """Compare shadow and live tables at the same positions; the workers wait meanwhile."""
        with self._connection.transaction():
            self._catch_up_with_live(swapping.lock_live(self._connection, self._key()))
            return comparing.compare(self._connection, self._shadow, unmade=unmade)

    def swap(self, *, unmade: bool = True) -> int:
        """Put the shadow in the live tables' place; how many tries the locks took."""
        self.catch_up_to_the_end()
        return self._swap(
            partial(comparing.carry_over, self._connection, self._shadow, unmade=unmade)
        )

    def compare_and_swap(
        self, judge: Callable[[Comparison], None], *, unmade: bool = True
    ) -> Comparison:
        """Both in one transaction: what was compared is what comes into place.

        ``judge`` may refuse by an exception. Where readers keep the tables from being locked, the
        workers do not wait for them: then ``compare``, ``judge`` and ``swap``, one after the other.
        """
        self.catch_up_to_the_end()
        comparison = Comparison(0, 0, 0, 0)

        def look() -> None:
            nonlocal comparison
            comparison = comparing.compare(self._connection, self._shadow, unmade=unmade)
            judge(comparison)

        if not self._swap(look, patient=False):
            comparison = self.compare(unmade=unmade)
            judge(comparison)
            self.swap(unmade=unmade)
        return comparison

    def _swap(self, look: Callable[[], object], *, patient: bool = True) -> int:
        key, catch_up = self._key(), self._catch_up_with_live
        return swapping.swap(self._connection, self._shadow, key, catch_up, look, patient=patient)

    def check_name(self, name: str) -> None:
        """Raises RebuildRefused when no table can be made under this name."""
        past_table.check_name(self._connection, self._shadow.live, name)

    def publish_as(self, name: str, at: datetime) -> int:
        """Instead of a swap: put the image table beside the live one; how many rows it has."""
        return past_table.publish(self._connection, self._shadow, name, at)

    def abandon(self) -> None:
        """Remove the shadow."""
        drop(self._connection, self._shadow)

    def roll_back(self) -> int:
        """Take the last swap back; how many tries the locks took."""
        return swapping.roll_back(self._connection, self._shadow, self._key())

    def close(self) -> None:
        """Let go of the lock, and of the log."""
        let_go(self._connection)
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _catch_up_with_live(self, live: Mapping[int, Claim]) -> None:
        if live:
            self.catch_up({number: held.next_offset for number, held in live.items()})

    def _job(self, state: TopicState, claims: Mapping[int, Claim]) -> Load:
        source = self._source
        return Load(
            source.open_reader,
            source.make_projection,
            source.database_url,
            self._shadow.search_path,
            ProjectionKey(source.projection, source.topic, state.topic_id),
            claims,
            {number: state.end[number] for number in claims},
            len(state.end),
        )

    def _claim(self, topic_id: str, numbers: Collection[int]) -> dict[int, Claim]:
        with self._connect_shadow()() as connection, connection.transaction():
            return claim(connection, self._key(topic_id), "omega-rebuild", numbers)

    def _key(self, topic_id: str | None = None) -> ProjectionKey:
        source = self._source
        topic_id = topic_id or self._reader.describe().topic_id
        return ProjectionKey(source.projection, source.topic, topic_id)

    def _connect_shadow(self) -> Callable[[], Connection[Any]]:
        path = self._shadow.search_path
        return connector(self._source.database_url, "omega-rebuild", search_path=path)


__all__ = ["Rebuild", "RebuildRefused", "Shadow", "Source"]
