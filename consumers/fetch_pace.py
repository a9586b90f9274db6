"""Whether brokers should answer a fetch at once, or let records gather: by how many there are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gathering:
    """When records gather at the broker, and for how long."""

    longest_s: float = 0.04
    """So long a broker waits for as many bytes as are fetched of a partition at once."""
    above: float = 6_000.0
    """Records a second from which on they gather."""
    below: float = 4_000.0
    """Records a second below which they no longer do. Far enough from ``above`` not to alternate:
    a change gives up what was fetched ahead."""


class FetchPace:
    """Looks once a second at how many records came. ``clock`` is in seconds.

    Each batch of a publisher's answers a fetch that waits for the first record, so that under load
    there are hundreds of fetches a second, each of which costs as much as some ten records. One
    that waits for many costs no more, and makes those wait who come one by one.
    """

    def __init__(
        self, gathering: Gathering = Gathering(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gathering = gathering
        self._clock = clock
        self._since = clock()
        self._count = 0
        self._wait_s = 0.0

    def arrived(self, records: int) -> float:
        """So many came, or none; returns how long a broker may wait from now on, in seconds."""
        self._count += records
        now = self._clock()
        if (passed_s := now - self._since) >= 1.0:
            rate = self._count / passed_s
            if rate >= self._gathering.above:
                self._wait_s = self._gathering.longest_s
            elif rate < self._gathering.below:
                self._wait_s = 0.0
            self._since, self._count = now, 0
        return self._wait_s
