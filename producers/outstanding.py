"""What was sent and is not yet acknowledged: bounded in number and size, each with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from itertools import takewhile

from producers.publisher import (
    Acknowledgement,
    Answered,
    Prepared,
    PublishError,
    PublishTimeout,
    TooManyOutstanding,
)

_TICK_S = 0.2


class Delivery(Future[Acknowledgement]):
    """One event under way."""

    count = 1

    def __init__(self, request_id: str, event_id: str, size: int) -> None:
        super().__init__()
        self.request_id = request_id
        self.event_id = event_id
        self.size = size
        # From here on nobody can cancel it, which would not call the event back.
        self.set_running_or_notify_cancel()

    def acknowledge(self, partition: int, offset: int) -> bool:
        """It stands at this place; False when it was given up before."""
        try:
            self.set_result(Acknowledgement(partition, offset, self.request_id, self.event_id))
        except InvalidStateError:
            return False
        return True

    def fail(self, error: PublishError) -> bool:
        """It failed; False when it had ended before."""
        try:
            self.set_exception(error)
        except InvalidStateError:
            return False
        return True


class GroupDelivery:
    """Events under way that were let in together, and leave together. Two threads may use it."""

    def __init__(self, events: Sequence[Prepared], answered: Answered) -> None:
        self.count = len(events)
        self.size = sum(len(one.value) for one in events)
        self._events = events
        self._answered = answered
        # Taking a number out is atomic: whoever gets it tells.
        self._untold = set(range(self.count))
        self._left = self.count
        self._lock = threading.Lock()

    def event_id(self, index: int) -> str:
        """The id of one of them."""
        return self._events[index].event_id

    def leave(self) -> bool:
        """The client has let go of one of them; whether that was the last."""
        with self._lock:
            self._left -= 1
            return not self._left

    def acknowledge(self, index: int, partition: int, offset: int) -> None:
        """It stands at this place."""
        event = self._events[index]
        self._tell(index, Acknowledgement(partition, offset, event.request_id, event.event_id))

    def fail_one(self, index: int, error: PublishError) -> None:
        """It failed."""
        self._tell(index, error)

    def fail(self, error: PublishError) -> None:
        """All failed that have not ended before."""
        for index in sorted(self._untold):
            self._tell(index, error)

    def _tell(self, index: int, answer: Acknowledgement | PublishError) -> None:
        try:
            self._untold.remove(index)
        except KeyError:
            # It was given up before.
            return
        self._answered(index, answer)


class Outstanding:
    """The deliveries under way. All threads may use it.

    A delivery that is overdue fails, but keeps its place until ``settle``: the client below still
    has it in memory. Times are of ``clock``, in seconds.
    """

    def __init__(
        self, max_events: int, max_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._clock = clock
        self._changed = threading.Condition(threading.Lock())
        self._events = 0
        self._bytes = 0
        self._waiting = 0
        self._due: dict[Delivery | GroupDelivery, float] = {}
        self._stopped = threading.Event()
        self._watch: threading.Thread | None = None

    def admit(self, delivery: Delivery | GroupDelivery, due: float) -> None:
        """Let it in as soon as there is room; ``due`` ends that wait, and later the delivery.

        Raises TooManyOutstanding.
        """
        with self._changed:
            if not self._has_room(delivery):
                self._await_room(delivery, due - self._clock())
            self._events += delivery.count
            self._bytes += delivery.size
            self._due[delivery] = due
            if self._watch is None:
                self._watch = threading.Thread(target=self._run, name="deliveries", daemon=True)
                self._watch.start()

    def settle(self, delivery: Delivery | GroupDelivery) -> None:
        """It is no longer under way, for better or worse."""
        with self._changed:
            self._events -= delivery.count
            self._bytes -= delivery.size
            self._due.pop(delivery, None)
            if self._waiting and self._has_much_room():
                self._changed.notify_all()

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Whether nothing is under way any more."""
        with self._changed:
            return self._await(lambda: not self._events, timeout_s)

    def fail_overdue(self) -> None:
        """Fail what is due and has not ended."""
        now = self._clock()
        with self._changed:
            # In the order of their being admitted, which is nearly that of their being due.
            overdue = [d for d, _ in takewhile(lambda item: item[1] <= now, self._due.items())]
            for delivery in overdue:
                del self._due[delivery]
        for delivery in overdue:
            delivery.fail(PublishTimeout("the event was not acknowledged in time"))

    def fail_all(self, reason: str) -> None:
        """Fail everything that is under way, and stop watching."""
        self._stopped.set()
        with self._changed:
            left = list(self._due)
            self._due.clear()
        for delivery in left:
            delivery.fail(PublishTimeout(reason))

    def _run(self) -> None:
        while not self._stopped.wait(_TICK_S):
            self.fail_overdue()

    def _has_room(self, delivery: Delivery | GroupDelivery) -> bool:
        # What is larger than the bound gets in when it is alone.
        return not self._events or (
            self._events + delivery.count <= self._max_events
            and self._bytes + delivery.size <= self._max_bytes
        )

    def _has_much_room(self) -> bool:
        """Who had to wait is let in by hundreds: to wake a thread costs more than to send."""
        return self._events * 4 <= self._max_events * 3 and self._bytes * 4 <= self._max_bytes * 3

    def _await_room(self, delivery: Delivery | GroupDelivery, timeout_s: float) -> None:
        def much() -> bool:
            return self._has_much_room() and self._has_room(delivery)

        if not self._await(much, timeout_s) and not self._has_room(delivery):
            raise TooManyOutstanding(
                f"{self._events} events ({self._bytes} bytes) wait to be acknowledged, and too few"
                f" were in {timeout_s:.1f} s; is the broker up?"
            )

    def _await(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        self._waiting += 1
        try:
            return self._changed.wait_for(condition, timeout_s)
        finally:
            self._waiting -= 1
