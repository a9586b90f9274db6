"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    condition: Callable[[], T], *, timeout_s: float = 10.0, what: str = "the condition"
) -> T:
    """What ``condition`` returns, as soon as that is true. Raises AssertionError after the time."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{what} did not come true within {timeout_s:g} s; last: {found!r}"
            )
        time.sleep(0.005)
