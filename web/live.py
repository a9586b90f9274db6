"""What changes while a page is open, told to all of its watchers by one thread.

The thread runs while anybody watches. It has one connection, on which Postgres wakes it whenever a
projection has come further; else it looks once a second.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import structlog

from projections.listening import listen, woken
from projections.statistics_reads import read_numbers
from web.pipeline_facts import PipelineFacts, pipeline_facts
from web.site import Site

log = structlog.stdlib.get_logger(__name__)

TICK_S = 1.0
LEAST_S = 0.25
"""However often it is woken, it does not look more often than this."""

RATE_OVER_S = 10.0
MOST_WATCHERS = 200


class TooManyWatchers(Exception):
    """No more streams are opened."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a projection moves."""

    per_s: float | None
    """Records a second over the last seconds; None: not known yet."""


@dataclass(frozen=True, slots=True)
class State:
    """What watchers are told."""

    images: int | None
    """None: the database does not answer."""
    pipeline: PipelineFacts | None
    rates: dict[str, Rate]

    def key(self) -> str:
        """The same text for the same state, but for what always moves."""
        pipeline = None if self.pipeline is None else self.pipeline.model_dump_json()
        rates = {name: rate.per_s for name, rate in self.rates.items()}
        return json.dumps([self.images, pipeline, rates])


Watcher = tuple[asyncio.AbstractEventLoop, "asyncio.Queue[State | None]"]


class Live:
    """One site's watchers."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._watchers: set[Watcher] = set()
        self._thread: threading.Thread | None = None
        self._passed: dict[str, deque[tuple[float, int]]] = {}
        self._last: State | None = None

    async def states(self) -> AsyncGenerator[State, None]:
        """Each new state, until the end. Raises TooManyWatchers."""
        queue: asyncio.Queue[State | None] = asyncio.Queue(maxsize=1)
        watcher = (asyncio.get_running_loop(), queue)
        self._add(watcher)
        try:
            while (state := await queue.get()) is not None:
                yield state
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    def end(self) -> None:
        """Let all streams end, so that a server that stops need not wait for them."""
        with self._lock:
            watchers = set(self._watchers)
        _tell(watchers, None)

    def _add(self, watcher: Watcher) -> None:
        with self._lock:
            if len(self._watchers) >= MOST_WATCHERS:
                raise TooManyWatchers
            self._watchers.add(watcher)
            if self._last is not None:
                # Of a second ago, and there at once.
                watcher[1].put_nowait(self._last)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="live", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        watched = True
        while watched:
            try:
                self._follow()
                watched = False
            except Exception as exc:  # whatever it is, it is tried again
                log.warning("pages cannot be kept up to date", exc_info=exc)
                watchers = self._those()
                watched = watchers is not None
                _tell(watchers or set(), State(None, None, {}))
                time.sleep(TICK_S)

    def _follow(self) -> None:
        """Tell the watchers what is new, until there are none."""
        told, known = "", set[Watcher]()
        with closing(self._site.connect()) as connection:
            listen(connection)
            while (watchers := self._those()) is not None:
                state = self._look(connection)
                self._last = state
                # Whoever came since is told the same state.
                fresh = watchers if state.key() != told else watchers - known
                told, known = state.key(), watchers
                _tell(fresh, state)
                time.sleep(LEAST_S)
                woken(connection, TICK_S - LEAST_S)

    def _those(self) -> set[Watcher] | None:
        """Who watches; None: nobody, and the thread is no more."""
        with self._lock:
            if self._watchers:
                return set(self._watchers)
            self._thread = self._last = None
            self._passed.clear()
            return None

    def _look(self, connection: Any) -> State:
        images = read_numbers(connection).total_images
        facts = pipeline_facts(self._site)
        rates = {one.projection: self._rate(one) for one in facts.projections}
        return State(images, facts, rates)

    def _rate(self, one: Any) -> Rate:
        now, at = time.monotonic(), sum(line.next_offset for line in one.partitions)
        passed = self._passed.setdefault(one.projection, deque(maxlen=400))
        passed.append((now, at))
        begin = next((p for p in passed if p[0] >= now - RATE_OVER_S), passed[0])
        per_s = None if now - begin[0] < 1 else max(0, at - begin[1]) / (now - begin[0])
        return Rate(None if per_s is None else round(per_s, 1))


def _tell(watchers: set[Watcher], state: State | None) -> None:
    for loop, queue in watchers:
        # The loop may have been closed with its server.
        try:
            loop.call_soon_threadsafe(_put, queue, state)
        except RuntimeError:
            continue


def _put(queue: asyncio.Queue[State | None], state: State | None) -> None:
    """A slow watcher gets the newest, and not all that it has missed."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(state)
