"""Handing events to Kafka, so that no caller waits longer than it wants to."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, InvalidStateError
from functools import partial
from queue import SimpleQueue

import structlog

from producers.breaker import Breaker
from producers.pending_batch import PendingBatch
from producers.publisher import (
    Acknowledgement,
    Publisher,
    PublishError,
    PublishRefused,
    PublishTimeout,
    Receipt,
    Spooled,
)
from producers.spool import Spool
from schemas.events import Event

log = structlog.stdlib.get_logger(__name__)

LOOK_S = 0.01

FEW = 1_000
"""So many under way are far from what a publisher lets be outstanding."""

QUICK = 10
"""So many of a batch are sent in no time."""

AT_ONCE = 500
"""Of a batch so many are let in together: a whole one might wait for room for ever."""


class Pending(Future[Receipt]):
    """An event whose answer is waited for."""

    def __init__(self, event: Event, *, probe: bool = False) -> None:
        super().__init__()
        self.event = event
        self.probe = probe
        """Whether it is sent although Kafka did not answer of late."""
        self.spooled = False
        """Whether the spool has it; if not, an answer that does not come is an error."""
        self.written = threading.Event()
        """The spool has taken it, or has not."""
        self.spool_error: Exception | None = None
        """Why neither the spool nor Kafka took it."""
        self.set_running_or_notify_cancel()

    def answer(self, receipt: Receipt | PublishError) -> None:
        """The first answer counts."""
        try:
            if isinstance(receipt, PublishError):
                self.set_exception(receipt)
            else:
                self.set_result(receipt)
        except InvalidStateError:
            return

    def keep(self, reason: str) -> None:
        """It was not sent, or nobody knows."""
        if self.spooled:
            self.answer(Spooled(self.event.data.request_id, self.event.id, reason))
        else:
            self.answer(PublishTimeout(reason))


class Sender:
    """Sends what it is given, and tells the spool what came of each."""

    def __init__(self, spool: Spool, publisher: Publisher, breaker: Breaker) -> None:
        self._spool = spool
        self._publisher = publisher
        self._breaker = breaker
        self._queue: SimpleQueue[Pending | PendingBatch | None] = SimpleQueue()
        self._under_way: set[Pending] = set()
        self._batches: set[PendingBatch] = set()
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="spool-sender", daemon=True)
        self._thread.start()

    @property
    def under_way(self) -> int:
        """How many were handed to ``send`` and have no answer of Kafka's."""
        # Of a set without Python code in its members a copy is made at once.
        return len(self._under_way) + sum(batch.under_way for batch in tuple(self._batches))

    def send(self, pending: Pending) -> None:
        """Send it, without making the caller wait.

        On the caller's thread, which saves two changes of threads, only when that cannot block.
        """
        self._under_way.add(pending)
        if self._breaker.answers() and self.under_way < FEW:
            self._hand_over(pending)
        else:
            self._queue.put(pending)

    def send_all(self, batch: PendingBatch) -> None:
        """Send them in their order, without making the caller wait; as ``send``."""
        under_way, batch.under_way = self.under_way, len(batch.events)
        self._batches.add(batch)
        if batch.under_way <= QUICK and under_way < FEW and self._breaker.answers():
            self._run_batch(batch)
        else:
            self._queue.put(batch)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether nothing is under way any more.

        Looks now and then: to be told would cost each event something.
        """
        deadline = time.monotonic() + timeout_s
        while self.under_way and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        return not self.under_way

    def stop(self, timeout_s: float) -> None:
        """Send nothing more; what is not sent stays in the spool."""
        self._breaker.failed("the publisher was closed")
        self._queue.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (pending := self._queue.get()) is not None:
            if isinstance(pending, PendingBatch):
                self._run_batch(pending)
                continue
            if self._breaker.reason is not None and not pending.probe:
                self._not_sent(pending, self._breaker.reason, None)
                continue
            self._hand_over(pending)

    def _run_batch(self, batch: PendingBatch) -> None:
        for first in range(0, len(batch.events), AT_ONCE):
            some = batch.events[first : first + AT_ONCE]
            if (reason := self._breaker.reason) is not None:
                for index in range(first, first + len(some)):
                    self._one_not_sent(batch, index, reason, None)
                continue
            try:
                self._publisher.publish_many(some, partial(self._one_answered, batch, first))
            except Exception as exc:  # noqa: BLE001  # whatever it is, the next may go
                for index in range(first, first + len(some)):
                    self._one_failed(batch, index, exc)

    def _one_answered(
        self, batch: PendingBatch, first: int, place: int, answer: Acknowledgement | PublishError
    ) -> None:
        """On the publisher's thread."""
        index = first + place
        if isinstance(answer, Acknowledgement):
            self._breaker.succeeded()
            if batch.is_spooled(index):
                self._spool.acknowledged(answer.event_id)
            self._one_ended(batch)
            batch.answer(index, answer)
        elif isinstance(answer, PublishRefused):
            event_id = batch.events[index].event_id
            log.warning("Kafka refuses an event", event_id=event_id, reason=str(answer))
            if batch.is_spooled(index):
                self._spool.refused(event_id, str(answer))
            self._one_ended(batch)
            batch.answer(index, answer)
        else:
            self._one_failed(batch, index, answer)

    def _one_failed(self, batch: PendingBatch, index: int, error: BaseException) -> None:
        reason = self._not_answered(error)
        self._one_not_sent(batch, index, reason, reason)

    def _one_not_sent(
        self, batch: PendingBatch, index: int, reason: str, error: str | None
    ) -> None:
        if batch.is_spooled(index):
            self._spool.released(batch.events[index].event_id, error)
        self._one_ended(batch)
        batch.keep(index, reason)

    def _one_ended(self, batch: PendingBatch) -> None:
        with self._counting:
            batch.under_way -= 1
            if not batch.under_way:
                self._batches.discard(batch)

    def _hand_over(self, pending: Pending) -> None:
        try:
            answer = self._publisher.publish_async(pending.event)
        except PublishRefused as exc:
            self._refused(pending, exc)
        except Exception as exc:  # noqa: BLE001  # whatever it is, the next may go
            self._failed(pending, exc)
        else:
            answer.add_done_callback(partial(self._answered, pending))

    def _answered(self, pending: Pending, answer: Future[Acknowledgement]) -> None:
        """On the publisher's thread."""
        error = answer.exception()
        if error is None:
            self._breaker.succeeded()
            if pending.spooled:
                self._spool.acknowledged(pending.event.id)
            self._under_way.discard(pending)
            pending.answer(answer.result())
        elif isinstance(error, PublishRefused):
            self._refused(pending, error)
        else:
            self._failed(pending, error)

    def _refused(self, pending: Pending, error: PublishRefused) -> None:
        log.warning("Kafka refuses an event", event_id=pending.event.id, reason=str(error))
        if pending.spooled:
            self._spool.refused(pending.event.id, str(error))
        self._under_way.discard(pending)
        pending.answer(error)

    def _failed(self, pending: Pending, error: BaseException) -> None:
        reason = self._not_answered(error)
        self._not_sent(pending, reason, reason)

    def _not_answered(self, error: BaseException) -> str:
        """Note that Kafka did not take an event; why, in one line."""
        reason = " ".join(str(error).split())[:500] or type(error).__name__
        if self._breaker.reason is None:
            log.warning("events cannot be sent; they are kept in the spool", reason=reason)
        self._breaker.failed(reason)
        return reason

    def _not_sent(self, pending: Pending, reason: str, error: str | None) -> None:
        if pending.spooled:
            self._spool.released(pending.event.id, error)
        self._under_way.discard(pending)
        pending.keep(reason)
