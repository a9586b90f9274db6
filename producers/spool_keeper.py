"""The thread that delivers what the spool holds and nobody is sending."""

from __future__ import annotations

import threading
import time

import structlog

from producers.breaker import Breaker
from producers.publisher import PublishRefused
from producers.sender import Pending, Sender
from producers.spool import Spool
from producers.spool_errors import SpoolError
from schemas.codec import decode
from schemas.errors import InvalidEvent

log = structlog.stdlib.get_logger(__name__)

TICK_S = 0.1
LOOK_S = 1.0
"""So often it looks for events that other processes have left."""
DEAD_S = 10.0
"""So often it asks which processes have died."""
BATCH = 500
UNDER_WAY = 2_000
"""While so many are being sent, it adds none: callers come first."""


class SpoolKeeper:
    """Commits what was put off; claims what waits, and sends it as Kafka takes it."""

    def __init__(self, spool: Spool, sender: Sender, breaker: Breaker) -> None:
        self._spool = spool
        self._sender = sender
        self._breaker = breaker
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._looked_at = self._freed_at = time.monotonic()
        self._round = threading.Condition(threading.Lock())
        self._thread = threading.Thread(target=self._run, name="spool-keeper", daemon=True)
        self._wake.set()
        self._thread.start()

    def look(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def wait_for_progress(self, timeout_s: float) -> None:
        """Wait for the end of a round."""
        with self._round:
            self._round.wait(timeout_s)

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        failing = False
        while not self._stopping.wait(TICK_S):
            try:
                self._keep()
                failing = False
            except SpoolError as exc:
                if not failing:
                    log.warning("the spool cannot be worked on; trying again", reason=str(exc))
                failing = True
            with self._round:
                self._round.notify_all()

    def _keep(self) -> None:
        self._spool.sync()
        now = time.monotonic()
        if now - self._freed_at >= DEAD_S:
            self._freed_at = now
            self._spool.free_dead()
        if not (self._wake.is_set() or now - self._looked_at >= LOOK_S):
            return
        if not self._breaker.may_try():
            return
        self._wake.clear()
        self._looked_at = now
        if self._breaker.reason is not None:
            self._probe()
            return
        while not self._stopping.is_set() and self._sender.under_way < UNDER_WAY:
            if not self._send(BATCH, probe=False):
                return
        self._wake.set()

    def _probe(self) -> None:
        """Send one, to see whether Kafka answers; the others follow when it does."""
        self._wake.set()
        if self._sender.under_way:
            # One of those tells as well.
            return
        if not self._send(1, probe=True):
            self._breaker.succeeded()

    def _send(self, limit: int, *, probe: bool) -> int:
        """How many were claimed."""
        claimed = self._spool.claim(limit)
        for row in claimed:
            try:
                event = decode(row.value)
            except InvalidEvent as exc:
                self._spool.refused(row.event_id, str(PublishRefused(exc.message)))
            else:
                pending = Pending(event, probe=probe)
                pending.spooled = True
                self._sender.send(pending)
        return len(claimed)
