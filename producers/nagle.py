"""Nagle's algorithm (RFC 896) for records: those that come while others are under way gather.

A request costs the broker and those who read more than the records in it, so under load there have
to be few large ones; and a lone record has nobody to wait for. A fixed time, as librdkafka's
``linger.ms`` is, does either too little or too much.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

LONGEST_S = 0.02
"""After this time records leave whether or not the ones before them are answered."""
PER_RECORD_S = 0.0001
"""For each record that leaves, the next ones wait so long, up to ``LONGEST_S``.

So up to ten thousand records a second leave as soon as the ones before them are answered, and with
more each wait has the next ones wait longer.
"""
FEW = 10
"""Less than so many, whose time would be less than a millisecond, have nobody wait."""


class Outgoing(NamedTuple):
    """A record to be sent, and who is told of its answer."""

    topic: str
    key: bytes
    value: bytes
    answered: Callable[[Any, Any], None]


class Nagle:
    """Hands records over in the order of ``send``, each at once or together with others.

    ``produce`` hands one over. ``failed`` is told of one that it refused with an error when nobody
    was there any more to raise it to. All threads may ``send``; one calls the rest. ``clock`` is
    in seconds.
    """

    def __init__(
        self,
        produce: Callable[[Outgoing], None],
        failed: Callable[[Outgoing, Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._produce = produce
        self._failed = failed
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[Outgoing] = []
        self._since = 0.0
        self._earliest = 0.0
        self._left = 0
        self._landed = 0
        self._closed = False

    def send(self, record: Outgoing) -> None:
        """At once when no other is under way, or was a moment ago; else ``look`` does it.

        Raises RuntimeError after ``close``, and what ``produce`` raises.
        """
        if self._may_leave((record,)):
            try:
                self._produce(record)
            except BaseException:
                self._refused()
                raise

    def send_all(self, records: Sequence[Outgoing]) -> None:
        """As ``send``, together. Raises RuntimeError after ``close``."""
        if self._may_leave(records):
            self._hand_over(records)

    def landed(self) -> None:
        """One that was handed over has its answer."""
        self._landed += 1

    def look(self) -> None:
        """Hand over what has waited for long enough."""
        # With the lock: who is about to wait for what has just landed would wait for nothing.
        with self._lock:
            now = self._clock()
            if not self._waiting or now < self._due():
                return
            records, self._waiting = self._waiting, []
            self._leave(now, len(records))
        self._hand_over(records)

    def wait_s(self, longest_s: float) -> float:
        """How long until ``look`` has something to do, unless an answer comes; in seconds."""
        if self._waiting:
            return max(0.0, self._due() - self._clock())
        if self._left != self._landed:
            return LONGEST_S
        # Who comes before that will wait until then.
        pause_s = self._earliest - self._clock()
        return pause_s if pause_s > 0 else longest_s

    def close(self) -> list[Outgoing]:
        """Take nothing any more; returns what is still waiting, of which nobody was told."""
        with self._lock:
            self._closed = True
            records, self._waiting = self._waiting, []
            return records

    def _may_leave(self, records: Sequence[Outgoing]) -> bool:
        """Whether they may leave now; else they wait."""
        with self._lock:
            if self._closed:
                raise RuntimeError("closed")
            now = self._clock()
            if self._waiting or self._left != self._landed or now < self._earliest:
                if not self._waiting:
                    self._since = now
                self._waiting += records
                return False
            self._leave(now, len(records))
            return True

    def _leave(self, now: float, count: int) -> None:
        self._left += count
        if count >= FEW:
            self._earliest = now + min(LONGEST_S, PER_RECORD_S * count)

    def _hand_over(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            try:
                self._produce(record)
            except Exception as exc:  # noqa: BLE001  # of this one; the next may go
                self._refused()
                self._failed(record, exc)

    def _refused(self) -> None:
        with self._lock:
            self._left -= 1

    def _due(self) -> float:
        late = self._since + LONGEST_S
        return late if self._left != self._landed else min(late, self._earliest)
