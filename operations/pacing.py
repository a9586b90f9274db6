"""No more than so many a second."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Waits so that no more than so many a second pass; None: without a bound."""

    def __init__(self, rate: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._start = clock()
        self._passed = 0

    def wait(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Wait until one more may pass."""
        if self._rate is None:
            return
        early = self._start + self._passed / self._rate - self._clock()
        if early > 0.005:
            sleep(early)
        elif early < -1:
            # What was lost while Kafka was slow is not made up for in a burst.
            self._start -= early
        self._passed += 1
