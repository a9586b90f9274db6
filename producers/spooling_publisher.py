"""Publishing that survives a dead Kafka and a killed process: to the spool first, then to Kafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType

import structlog

from producers.breaker import Breaker
from producers.group_commit import Work
from producers.metrics import ProducerMetrics
from producers.pending_batch import Outcome, PendingBatch
from producers.publisher import (
    Prepared,
    Publisher,
    PublisherClosed,
    PublishError,
    PublishRefused,
    PublishTimeout,
    Receipt,
)
from producers.sealing import Sealer
from producers.sender import Pending, Sender
from producers.spool import Spool
from producers.spool_errors import SpoolError
from producers.spool_keeper import SpoolKeeper
from producers.spool_rows import SpoolEntry
from schemas.codec import encode
from schemas.compact import CompactEvent, compact, encode_compact
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.sealing import KeysUnavailable, is_sealable

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SpoolingSettings:
    """How long callers wait."""

    deadline_s: float = 2.0
    """After this time ``publish`` returns what it knows; the event is safe in any case."""


SPOOL_IS_OUT = "the spool takes nothing; the event goes to Kafka alone"

_Ready = tuple[Event, SpoolEntry]

DEFAULT_SETTINGS = SpoolingSettings()


class SpoolingPublisher:
    """Publisher whose events are on disk before they are sent, and until they are acknowledged.

    It takes ``spool`` and ``publisher`` over, and closes them. Delivers in the background what
    the spool holds: what could not be sent, and what processes that died have left. With a
    ``sealer``, events are sealed before they go to the spool; while there are no keys to be had
    they wait there as they are, and ``publisher`` has to seal them.
    """

    def __init__(
        self,
        spool: Spool,
        publisher: Publisher,
        settings: SpoolingSettings = DEFAULT_SETTINGS,
        *,
        sealer: Sealer | None = None,
        metrics: ProducerMetrics | None = None,
    ) -> None:
        self.spool = spool
        self._metrics = metrics
        if metrics is not None:
            metrics.watch_spool(spool)
        self._sealer = sealer
        self._publisher = publisher
        self._settings = settings
        self._breaker = Breaker()
        self._sender = Sender(spool, publisher, self._breaker)
        self._keeper = SpoolKeeper(spool, self._sender, self._breaker)
        self._closing = threading.Lock()
        self._closed = False

    def publish(self, event: Event, *, along: Work[None] | None = None) -> Receipt:
        """Write the event to the spool, send it, and wait for Kafka until the deadline.

        While Kafka is known not to answer, nobody waits. Raises PublishRefused; SpoolError (among
        it SpoolFull) when neither the spool nor Kafka takes the event. ``along``: see Spool.append.
        """
        ready = self._ready(compact(event))
        outcome = self._answers([ready], along)[0] if isinstance(ready, Prepared) else ready
        if isinstance(outcome, PublishError):
            raise outcome
        return outcome

    def publish_async(self, event: Event, *, along: Work[None] | None = None) -> Pending:
        """Write the event to the spool and send it; durable when this returns.

        The future is done when Kafka has answered, or has failed to within its own deadline.
        Raises what ``publish`` raises.
        """
        pending = self._begin(self._prepare(event), along)
        pending.written.wait()
        if pending.spool_error is not None:
            raise pending.spool_error
        return pending

    def publish_all(
        self, events: Sequence[Event | CompactEvent]
    ) -> list[Receipt | PublishError | SpoolError]:
        """As ``publish`` for each, in their order: they are written and waited for together.

        Compact events are sealed in place.
        """
        flat = [event if isinstance(event, CompactEvent) else compact(event) for event in events]
        if self._sealer is not None:
            with suppress(KeysUnavailable):
                self._sealer.prepare({e.data.user_id for e in flat if is_sealable(e)})
        found: list[Prepared | Outcome] = [self._ready(event) for event in flat]
        ready = [one for one in found if isinstance(one, Prepared)]
        answers = iter(self._answers(ready) if ready else ())
        return [next(answers) if isinstance(one, Prepared) else one for one in found]

    def _ready(self, event: CompactEvent) -> Prepared | PublishError:
        if self._closed:
            return PublisherClosed("the publisher is closed")
        if self._sealer is not None:
            with suppress(KeysUnavailable):
                self._sealer.seal_in_place(event)
        try:
            value = encode_compact(event)
        except InvalidEvent as exc:
            refused = PublishRefused(f"event {event.id}: {exc.message}")
            refused.__cause__ = exc
            return refused
        return Prepared(event.id, event.data.request_id, value, is_sealable(event))

    def _answers(
        self, events: Sequence[Prepared], along: Work[None] | None = None
    ) -> list[Outcome]:
        """What came of each, once it is known or the deadline is over."""
        began, down = time.perf_counter(), self._breaker.reason
        batch = PendingBatch(events)
        written = partial(self._all_written, batch, down)
        entries = [SpoolEntry(*event[:3]) for event in events]
        try:
            self.spool.append_all_soon(entries, written, claim=down is None, along=along)
        except SpoolError as exc:
            written(dict.fromkeys(range(len(entries)), exc))
        if not batch.wait(self._settings.deadline_s):
            # Only the disk can be waited for any longer.
            batch.written.wait()
            if not batch.wait(0):
                reason = self._overdue()
                self._breaker.failed(reason)
                batch.keep_all(reason)
        if self._metrics is not None:
            self._metrics.answered_all(began, batch.outcomes())
        return batch.outcomes()

    def _all_written(
        self, batch: PendingBatch, down: str | None, errors: Mapping[int, SpoolError]
    ) -> None:
        """On the spool's thread; as _written for all of them."""
        batch.note_written(errors)
        if down is None:
            if errors:
                reason = str(next(iter(errors.values())))
                log.warning(SPOOL_IS_OUT, reason=reason, events=len(errors))
            self._sender.send_all(batch)
        else:
            for index, error in errors.items():
                batch.answer(index, error)
            self._keeper.look()
            batch.keep_all(down)
        batch.written.set()

    def _prepare(self, event: Event) -> _Ready:
        """The event as it goes out, and as the spool keeps it."""
        if self._sealer is not None:
            with suppress(KeysUnavailable):
                event = self._sealer.seal(event)
        try:
            return event, SpoolEntry(event.id, event.data.request_id, encode(event))
        except InvalidEvent as exc:
            raise PublishRefused(f"event {event.id}: {exc.message}") from exc

    def _begin(self, ready: _Ready, along: Work[None] | None) -> Pending:
        if self._closed:
            raise PublisherClosed("the publisher is closed")
        event, entry = ready
        down = self._breaker.reason
        pending = Pending(event)
        if self._metrics is not None:
            pending.add_done_callback(partial(self._metrics.answered, time.perf_counter()))
        written = partial(self._written, pending, down)
        try:
            self.spool.append_soon(entry, written, claim=down is None, along=along)
        except SpoolError as exc:
            written(exc)
        return pending

    def _written(self, pending: Pending, down: str | None, error: Exception | None) -> None:
        """On the spool's thread, which sends it on, so that no caller wakes up only for that."""
        if error is None:
            pending.spooled = True
            if down is None:
                self._sender.send(pending)
            else:
                self._keeper.look()
                pending.keep(down)
        elif down is None:
            log.warning(SPOOL_IS_OUT, reason=str(error))
            self._sender.send(pending)
        else:
            pending.spool_error = error
            pending.set_exception(error)
        pending.written.set()

    def _overdue(self) -> str:
        return f"Kafka did not acknowledge within {self._settings.deadline_s:g} s"

    def flush(self, timeout_s: float) -> None:
        """Wait until the spool is empty, other processes' events included.

        Raises PublishTimeout, SpoolError.
        """
        deadline = time.monotonic() + timeout_s
        self._breaker.hurry()
        while True:
            self._keeper.look()
            left = self.spool.status().waiting
            if not left:
                return
            if time.monotonic() >= deadline:
                why = f": {self._breaker.reason}" if self._breaker.reason else ""
                raise PublishTimeout(f"{left:,} events still wait in the spool{why}")
            self._keeper.wait_for_progress(min(0.2, max(0.0, deadline - time.monotonic())))

    def close(self, timeout_s: float = 5.0) -> None:
        """Wait so long for what is under way; the rest stays in the spool. May be called twice."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._keeper.stop()
            deadline = time.monotonic() + timeout_s
            if self._breaker.reason is None:
                self._sender.wait_until_idle(timeout_s)
            self._sender.stop(0.0)
            self._publisher.close(max(0.0, deadline - time.monotonic()))
            self._sender.wait_until_idle(1.0)
            self.spool.close()

    def __enter__(self) -> SpoolingPublisher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
