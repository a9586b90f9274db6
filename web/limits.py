"""How much anybody may ask for: sizes, times, and requests in a minute."""

from __future__ import annotations

import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter


@dataclass(frozen=True, slots=True)
class WebLimits:
    """What is refused beyond."""

    requests_per_minute: int = 6_000
    """Of one token."""
    anonymous_requests_per_minute: int = 1_200
    """Of one address without a token."""
    failures_per_minute: int = 20
    """Wrong tokens from one address."""
    body_bytes: int = 64 * 2**10
    ingest_bytes: int = 8 * 2**20
    """Of one request with events."""
    ingest_events: int = 5_000
    """In one request."""
    ingest_threads: int = 8
    """Requests with events that are worked on at the same time."""
    body_s: float = 30.0
    """A request's body has to be here after so long."""


class RateLimits:
    """Counts requests, by token or address, in windows that slide. All threads may use it."""

    def __init__(self, limits: WebLimits) -> None:
        self._of_token = RateLimitItemPerMinute(limits.requests_per_minute)
        self._of_address = RateLimitItemPerMinute(limits.anonymous_requests_per_minute)
        self._of_failures = RateLimitItemPerMinute(limits.failures_per_minute)
        self._windows = SlidingWindowCounterRateLimiter(MemoryStorage())

    def of_token(self, name: str) -> int | None:
        """Count a request of the token's holder: None, or the seconds to wait."""
        return self._hit(self._of_token, "token", name)

    def of_address(self, address: str) -> int | None:
        """As of_token, for somebody without one."""
        return self._hit(self._of_address, "address", address)

    def failed(self, address: str) -> None:
        """Somebody at this address has shown a wrong token."""
        self._windows.hit(self._of_failures, "failures", address)

    def locked_out(self, address: str) -> int | None:
        """Whether no more tokens are tried for this address: the seconds to wait."""
        if self._windows.test(self._of_failures, "failures", address):
            return None
        return self._wait(self._of_failures, "failures", address)

    def _hit(self, item: RateLimitItemPerMinute, kind: str, who: str) -> int | None:
        if self._windows.hit(item, kind, who):
            return None
        return self._wait(item, kind, who)

    def _wait(self, item: RateLimitItemPerMinute, kind: str, who: str) -> int:
        reset = self._windows.get_window_stats(item, kind, who).reset_time
        return max(1, ceil(reset - time.time()))


def address_group(address: str) -> str:
    """Whose requests are counted together: of IPv6 all of one network, which one host owns."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
