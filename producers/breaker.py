"""Whether Kafka answers, as far as its last answers tell; and when to ask again if it does not."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 15.0
JUST_S = 1.0


class Breaker:
    """All threads may use it. Times are of ``clock``, in seconds.

    While it is open nobody waits for Kafka in vain; now and then one event goes out to see.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._failures = 0
        self._next_try = 0.0
        self._reason: str | None = None
        self._answered_at = float("-inf")

    @property
    def reason(self) -> str | None:
        """Why it is open; None while Kafka answers."""
        return self._reason

    def answers(self) -> bool:
        """Whether it has just answered, so that to send takes no time now."""
        return self._reason is None and self._clock() - self._answered_at < JUST_S

    def succeeded(self) -> None:
        """Kafka answered."""
        self._answered_at = self._clock()
        if self._reason is not None:
            with self._lock:
                self._reason, self._failures = None, 0

    def failed(self, reason: str) -> None:
        """It did not; the next try comes after a wait that grows, by a different length each."""
        with self._lock:
            if self._clock() < self._next_try and self._reason is not None:
                # One of many that were under way together.
                return
            longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures, 16))
            self._failures += 1
            self._next_try = self._clock() + longest * (0.5 + self._jitter() / 2)
            self._reason = reason

    def may_try(self) -> bool:
        """Whether to send now."""
        return self._reason is None or self._clock() >= self._next_try

    def hurry(self) -> None:
        """Try now: somebody waits for it."""
        with self._lock:
            self._next_try = 0.0
