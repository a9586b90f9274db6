"""What providers' answers have in common."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from producers.tools.errors import (
    BadParameters,
    NotAllowed,
    RateLimited,
    TimedOut,
    ToolError,
    Unavailable,
)

MAX_SAID = 300


def one_line(text: str) -> str:
    """What a provider says, short enough for an event and free of what could steer a terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_SAID else f"{line[: MAX_SAID - 1]}…"


def header_seconds(value: str | None) -> float | None:
    """Retry-After (RFC 9110, 10.2.3) in seconds from now; None for none, or a wrong one."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def shape_of(size: tuple[int, int]) -> str:
    """``wide``, ``tall`` or ``square``."""
    ratio = size[0] / size[1]
    if ratio > 1.2:
        return "wide"
    return "tall" if ratio < 1 / 1.2 else "square"


def shape(size: tuple[int, int]) -> str:
    """The shape in words, for models that take no size."""
    divisor = math.gcd(*size)
    return f"{shape_of(size)}, with an aspect ratio of {size[0] // divisor}:{size[1] // divisor}"


def failure(
    provider: str, status: int, said: str, model: str, retry_after_s: float | None
) -> ToolError:
    """An HTTP status as one of our errors. What is said of a key is not repeated."""
    text = one_line(said)
    if status == 429:
        return RateLimited(f"{provider}'s rate limit is reached: {text}", retry_after_s)
    if status >= 500 and status != 504:
        return Unavailable(f"{provider} cannot do it now: {status} {text}")
    told = {
        401: NotAllowed(f"{provider} refuses the key, or the account may not use the model"),
        404: NotAllowed(f"{provider} has no model {model}"),
        408: TimedOut(f"{provider} took too long: {status}"),
    }
    alike = {403: 401, 504: 408}
    return told.get(alike.get(status, status)) or BadParameters(
        f"{provider} does not take the request: {status} {text}"
    )
