"""Bounded retries: how often and how long a provider is asked for one image."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, TypeVar

from producers.tools.errors import RateLimited, TimedOut, ToolError

T = TypeVar("T")
GRACE_S = 1.0
"""For an SDK to give up by itself."""


class Patience(NamedTuple):
    """``deadline_s`` bounds everything, waits included."""

    attempts: int = 3
    timeout_s: float = 90.0
    """Of one attempt."""
    deadline_s: float = 180.0
    first_wait_s: float = 0.5


def patiently(
    patience: Patience,
    attempt: Callable[[float], T],
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> T:
    """What ``attempt`` returns; it is called with its time limit in seconds.

    Errors that pass are followed by another attempt, after the wait that the provider asks for, or
    one that doubles, as long as attempts and time are left. Raises the last attempt's ToolError.
    """
    deadline = now() + patience.deadline_s
    for number in range(1, patience.attempts + 1):
        limit_s = max(0.001, min(patience.timeout_s, deadline - now()))
        try:
            return _within(limit_s + GRACE_S, attempt, limit_s)
        except ToolError as exc:
            wait = _wait(exc, patience, number)
            if not exc.passing or number == patience.attempts or now() + wait >= deadline:
                raise
        sleep(wait)
    raise AssertionError("not reached")


def _within(longest_s: float, attempt: Callable[[float], T], limit_s: float) -> T:
    """The attempt on a thread of its own, which is left alone when it takes too long.

    The SDKs bound every single read: a server that sends a byte now and then holds them for ever.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(attempt(limit_s))
        except BaseException as exc:  # noqa: BLE001  # it is raised by whoever waits
            answer.set_exception(exc)

    threading.Thread(target=work, name="generator", daemon=True).start()
    try:
        return answer.result(longest_s)
    except TimeoutError:
        raise TimedOut(f"no whole answer came within {longest_s:.0f} s") from None


def _wait(error: ToolError, patience: Patience, number: int) -> float:
    asked = error.retry_after_s if isinstance(error, RateLimited) else None
    if asked is not None:
        return max(0.0, asked)
    doubled: float = patience.first_wait_s * 2 ** (number - 1)
    return doubled * random.uniform(0.75, 1.25)  # noqa: S311  # so that callers do not meet again
