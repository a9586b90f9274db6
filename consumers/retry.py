"""Waits between tries: they grow, they are jittered, and they never end."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """The waits of one series of tries, in seconds.

    Each is drawn from the upper half of a bound that doubles up to ``cap_s`` ("equal jitter",
    Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015), so that workers which
    lost the same server at the same moment do not come back at the same moment.
    """

    def __init__(
        self,
        first_s: float = 0.1,
        cap_s: float = 10.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._draw = draw
        self._bound_s = first_s

    def next_s(self) -> float:
        """How long to wait before the next try."""
        bound, self._bound_s = self._bound_s, min(self._cap_s, 2 * self._bound_s)
        return bound * (1 + self._draw()) / 2

    def reset(self) -> None:
        """A try went well: the next series starts with a short wait again."""
        self._bound_s = self._first_s
