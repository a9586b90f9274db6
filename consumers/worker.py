"""A worker: the poll loop, which never waits for the database, and its shutdown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from consumers.decoding import AT_ONCE, Draft, decode
from consumers.handover import Handover
from consumers.log import GroupLog, LogUnavailable
from consumers.metrics import Lag, WorkerMetrics
from consumers.retry import Backoff
from consumers.vitals import Vitals
from consumers.writer import BatchProcessor, Writer
from schemas.record import Record

MAX_LOG_WAIT_S = 1.0
"""Between polls that fail; a stop is not noticed meanwhile."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a worker. Memory holds at most two batches: one in flight, one in the making."""

    batch_records: int = 8000
    batch_bytes: int = 16 * 2**20
    poll_s: float = 0.5
    """The longest wait for a record; also how long a stop may go unnoticed."""
    gather_s: float = 0.01
    """The longest wait between polls that return few records while the writer takes none."""
    claim_poll_s: float = 0.02
    """The same while a claim is under way, whose end a poll does not notice."""
    stop_s: float = 3.0
    """How long a stop waits for the batch in flight."""
    ends_s: float = 1.0
    """How often the log's ends are looked at."""


class Worker:
    """One member of a projection's consumer group.

    The poller, which is the thread that calls ``run``, reads, decodes and prepares; a writer thread
    claims and applies. The database may be away for as long as it likes: the poller keeps the
    membership alive, and nothing that was read is acknowledged anywhere but in the database.
    """

    def __init__(
        self,
        group: GroupLog,
        processor: BatchProcessor,
        *,
        metrics: WorkerMetrics,
        vitals: Vitals,
        limits: Limits = Limits(),
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._group = group
        self._metrics = metrics
        self._vitals = vitals
        self._limits = limits
        self._handover = Handover(limits.batch_records, limits.batch_bytes)
        self._prepare = processor.prepare
        self._writer = Writer(processor, self._handover, metrics, vitals, backoff)
        self._log_backoff = backoff()
        self._assigned: set[int] = set()
        self._must_rejoin = False
        self._paused = False
        self._ends_at = 0.0
        self._stop = False
        metrics.watch_lag(self.lag)

    def run(self) -> None:
        """Work until ``stop`` is called.

        Raises what neither waiting nor isolating mends: OffsetOutOfRange, LogError, TopicRecreated
        and whatever the processor raises beside its own kinds.
        """
        # A daemon: a database that hangs must not keep the process from ending.
        thread = threading.Thread(target=self._writer.run, name="writer", daemon=True)
        thread.start()
        try:
            while not self._stop:
                self._turn()
        finally:
            self._shut_down(thread)

    def stop(self) -> None:
        """Finish the batch in flight, leave the group, return from ``run``. Never waits.

        Only sets a flag, so that a signal handler may call it.
        """
        self._stop = True

    def lag(self) -> dict[int, Lag]:
        """How far the partitions held now are behind. Any thread may ask."""
        oldest_ms, now = self._handover.oldest_ms(), time.time()
        return {
            partition: Lag(vitals.lag, max(0.0, now - oldest_ms.get(partition, now * 1e3) / 1e3))
            for partition, vitals in self._vitals.snapshot().partitions.items()
        }

    def _turn(self) -> None:
        try:
            self._heed_news()
            self._read()
            self._look_at_ends()
        except LogUnavailable as exc:
            self._vitals.log_failed(str(exc))
            self._metrics.log_faults.inc()
            log.warning("log away, will try again", why=str(exc))
            time.sleep(min(MAX_LOG_WAIT_S, self._log_backoff.next_s()))
        else:
            self._vitals.log_answered()
            self._log_backoff.reset()
        contact = self._group.contact()
        self._vitals.turned(contact, ready=contact.joined and not self._handover.wanted())

    def _heed_news(self) -> None:
        news = self._handover.news()
        if news.fence_lost:
            self._vitals.gone(self._assigned)
            self._must_rejoin = not news.explained
            if news.explained:
                # The group is known to have given these; the positions have to be read again, but
                # for those that were claimed since.
                claimed = self._handover.wanted() | news.granted.keys()
                self._handover.want(self._assigned - claimed)
        if self._must_rejoin:
            # Claiming blindly would steal from the rightful owner: let the group say who that is.
            log.info("rejoining the group")
            self._group.rejoin()
            self._must_rejoin = False
            self._rebalance()
        if news.granted:
            self._group.start(news.granted)
            self._handover.started(news.granted)
            self._vitals.started(news.granted)

    def _read(self) -> None:
        room = self._handover.room()
        if room:
            if self._paused:
                self._group.resume()
                self._paused = False
            self._poll(self._poll_timeout(), room)
        elif not self._handover.await_room(self._limits.poll_s):
            # Full for long: poll all the same, so that the group does not take us for dead.
            self._group.pause()
            self._paused = True
            self._poll(0.0, 1)

    def _poll_timeout(self) -> float:
        limits = self._limits
        return limits.claim_poll_s if self._handover.wanted() else limits.poll_s

    def _poll(self, timeout_s: float, max_records: int) -> None:
        try:
            records = self._group.poll(timeout_s, max_records)
        finally:
            self._rebalance()
        if records:
            draft = Draft()
            for start in range(0, len(records), AT_ONCE):
                draft.extend(self._made_ready(records[start : start + AT_ONCE]))
            self._metrics.consumed.inc(len(records))
            self._metrics.key_mismatches.inc(draft.key_mismatches)
            self._handover.add(draft)
            if len(records) < AT_ONCE:
                # More will have come when the writer is free, and cost no more to ask for.
                self._handover.await_taken(self._limits.gather_s)
        else:
            self._handover.skip_gaps(self._group.positions())

    def _made_ready(self, records: Sequence[Record]) -> Draft:
        draft = decode(records)
        draft.prepared = self._prepare(draft.decoded)
        draft.outcomes = self._metrics.outcomes_of(draft.decoded)
        # A part that is not full may become a small batch, which is written from its events.
        if draft.prepared is not None and len(records) == AT_ONCE:
            draft.prepared.let_go()
        return draft

    def _rebalance(self) -> None:
        change = self._group.rebalanced()
        if change.revoked:
            log.info("partitions revoked", partitions=sorted(change.revoked))
            self._assigned -= change.revoked
            self._handover.revoke(change.revoked)
            self._vitals.gone(change.revoked)
        if change.assigned:
            log.info("partitions assigned", partitions=sorted(change.assigned))
            self._assigned |= change.assigned
            self._handover.want(change.assigned)

    def _look_at_ends(self) -> None:
        now = time.monotonic()
        if now >= self._ends_at:
            self._vitals.ends(self._group.end_offsets())
            self._ends_at = now + self._limits.ends_s

    def _shut_down(self, thread: threading.Thread) -> None:
        self._writer.stopping.set()
        self._handover.stop()
        thread.join(self._limits.stop_s)
        if thread.is_alive():
            log.warning("the database does not answer: the batch in flight is given up")
        self._group.close()
