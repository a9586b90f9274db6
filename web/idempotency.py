"""Answers remembered by Idempotency-Key, so that a request that is sent again is answered alike."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

KEPT_S = 3_600.0
MOST_BYTES = 16 * 2**20
MAX_KEY = 255


class Remembered(NamedTuple):
    """An answer that was given."""

    request: bytes
    """The digest of what was asked."""
    body: bytes
    until: float


class OtherRequest(Exception):
    """The key was used before, for something else."""


class Answers:
    """The latest answers, for an hour and as far as there is room. All threads may use it.

    It only spares work and keeps the answers alike: the same events again change nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Remembered] = OrderedDict()
        self._bytes = 0

    def find(self, holder: str, key: str, request: bytes) -> bytes | None:
        """The answer that this request was given before. Raises OtherRequest."""
        with self._lock:
            found = self._known.get((holder, key))
        if found is None or found.until < self._clock():
            return None
        if found.request != _digest(request):
            raise OtherRequest
        return found.body

    def keep(self, holder: str, key: str, request: bytes, body: bytes) -> None:
        """Remember an answer."""
        kept = Remembered(_digest(request), body, self._clock() + KEPT_S)
        with self._lock:
            self._drop(self._known.pop((holder, key), None))
            self._known[holder, key] = kept
            self._bytes += len(body)
            while self._bytes > MOST_BYTES:
                self._drop(self._known.popitem(last=False)[1])

    def _drop(self, old: Remembered | None) -> None:
        self._bytes -= len(old.body) if old else 0


def _digest(request: bytes) -> bytes:
    return hashlib.sha256(request).digest()
