"""Events that were handed in together, and what came of each: one wait for all of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from producers.publisher import Prepared, PublishError, PublishTimeout, Receipt, Spooled
from producers.spool_errors import SpoolError

Outcome = Receipt | PublishError | SpoolError


class Latch:
    """Set once, and waited for by one thread: a tenth of what threading.Event costs to make."""

    def __init__(self) -> None:
        self._unset = threading.Lock()
        self._unset.acquire()

    def set(self) -> None:
        """Let go of whoever waits."""
        self._unset.release()

    def wait(self, timeout_s: float = -1) -> bool:
        """Whether it was set within so many seconds; without a number, once it is."""
        if not self._unset.acquire(timeout=timeout_s):
            return False
        self._unset.release()
        return True


class PendingBatch:
    """Answers that are waited for. Of each event the first answer counts."""

    def __init__(self, events: Sequence[Prepared]) -> None:
        self.events = events
        self.written = Latch()
        """The spool has taken them, or has not."""
        self.under_way = 0
        """How many were handed to the sender and have no answer of Kafka's."""
        self._not_spooled: Mapping[int, SpoolError] = {}
        self._outcomes: list[Outcome | None] = [None] * len(events)
        self._left = len(events)
        self._lock = threading.Lock()
        self._done = Latch()

    def note_written(self, not_spooled: Mapping[int, SpoolError]) -> None:
        """The spool has them, but for these."""
        self._not_spooled = not_spooled

    def is_spooled(self, index: int) -> bool:
        """Whether the spool has this one; if not, an answer that does not come is an error."""
        return index not in self._not_spooled

    def answer(self, index: int, outcome: Outcome) -> None:
        """What came of one."""
        with self._lock:
            if self._outcomes[index] is not None:
                return
            self._outcomes[index] = outcome
            self._left -= 1
            if self._left:
                return
        self._done.set()

    def keep(self, index: int, reason: str) -> None:
        """It was not sent, or nobody knows."""
        if self.is_spooled(index):
            event = self.events[index]
            self.answer(index, Spooled(event.request_id, event.event_id, reason))
        else:
            self.answer(index, PublishTimeout(reason))

    def keep_all(self, reason: str) -> None:
        """The same for all that have no answer."""
        for index, outcome in enumerate(self._outcomes):
            if outcome is None:
                self.keep(index, reason)

    def wait(self, timeout_s: float) -> bool:
        """Whether there is an answer for each."""
        return self._done.wait(timeout_s)

    def outcomes(self) -> list[Outcome]:
        """What came of each, in their order, once there is an answer for each."""
        return [outcome for outcome in self._outcomes if outcome is not None]
