"""Sessions of browsers: a random id in a cookie, everything else here, gone with the process."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from web.tokens import Holder

LIFETIME_S = 12 * 3600
MOST = 10_000
"""Beyond so many the oldest end."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has shown a token."""

    holder: Holder
    csrf: str = field(repr=False)
    """What forms of our own pages carry, and no other site can know."""
    ends_at: float


class Sessions:
    """All sessions of this process. All threads may use it. Ids are kept as digests only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._sessions: dict[bytes, Session] = {}

    def begin(self, holder: Holder) -> str:
        """A new session's id: 256 random bits, for the cookie."""
        session_id = secrets.token_urlsafe(32)
        session = Session(holder, secrets.token_urlsafe(32), self._clock() + LIFETIME_S)
        with self._lock:
            while len(self._sessions) >= self._most:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(session_id)] = session
        return session_id

    def find(self, session_id: str) -> Session | None:
        """The session, while it lasts."""
        session = self._sessions.get(_digest(session_id))
        if session is None or self._clock() < session.ends_at:
            return session
        self.end(session_id)
        return None

    def end(self, session_id: str) -> None:
        """Nobody gets in with this id any more."""
        with self._lock:
            self._sessions.pop(_digest(session_id), None)


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()
