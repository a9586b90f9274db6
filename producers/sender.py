"""Handing events to Kafka, so that no caller waits longer than it wants to."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, InvalidStateError
from functools import partial
from queue import SimpleQueue

import structlog

from producers.breaker import Breaker
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
        self._queue: SimpleQueue[Pending | None] = SimpleQueue()
        self._under_way: set[Pending] = set()
        self._thread = threading.Thread(target=self._run, name="spool-sender", daemon=True)
        self._thread.start()

    @property
    def under_way(self) -> int:
        """How many were handed to ``send`` and have no answer of Kafka's."""
        return len(self._under_way)

    def send(self, pending: Pending) -> None:
        """Send it, without making the caller wait.

        On the caller's thread, which saves two changes of threads, only when that cannot block.
        """
        self._under_way.add(pending)
        if self._breaker.answers() and len(self._under_way) < FEW:
            self._hand_over(pending)
        else:
            self._queue.put(pending)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether nothing is under way any more.

        Looks now and then: to be told would cost each event something.
        """
        deadline = time.monotonic() + timeout_s
        while self._under_way and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        return not self._under_way

    def stop(self, timeout_s: float) -> None:
        """Send nothing more; what is not sent stays in the spool."""
        self._breaker.failed("the publisher was closed")
        self._queue.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (pending := self._queue.get()) is not None:
            if self._breaker.reason is not None and not pending.probe:
                self._not_sent(pending, self._breaker.reason, None)
                continue
            self._hand_over(pending)

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
        reason = " ".join(str(error).split())[:500] or type(error).__name__
        if self._breaker.reason is None:
            log.warning("events cannot be sent; they are kept in the spool", reason=reason)
        self._breaker.failed(reason)
        self._not_sent(pending, reason, reason)

    def _not_sent(self, pending: Pending, reason: str, error: str | None) -> None:
        if pending.spooled:
            self._spool.released(pending.event.id, error)
        self._under_way.discard(pending)
        pending.keep(reason)
