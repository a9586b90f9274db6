"""The writer thread: claims partitions and applies batches, for as long as it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import structlog

from consumers.decoding import Draft
from consumers.handover import Handover, Work
from consumers.metrics import WorkerMetrics
from consumers.processor import Batch, Processed
from consumers.retry import Backoff
from consumers.vitals import Vitals
from projections.faults import EnvironmentFault, FenceLost
from projections.projection import Decoded, Prepared

LOGGED_DEAD_LETTERS = 10
"""At most so many of a batch's dead letters are logged one by one; the table has them all."""

log = structlog.stdlib.get_logger(__name__)


class BatchProcessor(Protocol):
    """What the writer needs of ``consumers.processor.Processor``, which documents it."""

    def claim(self, partitions: Collection[int]) -> Mapping[int, int]: ...

    def forget(self, partitions: Collection[int]) -> None: ...

    def prepare(self, decoded: Sequence[Decoded]) -> Prepared | None: ...

    def process(self, batch: Batch) -> Processed: ...

    def close(self) -> None: ...


class Writer:
    """The body of the writer thread, the only one that uses the processor.

    A fault of the environment is retried until it is over or ``stopping`` is set; then the batch
    is dropped, which loses nothing, since its position was not advanced.
    """

    def __init__(
        self,
        processor: BatchProcessor,
        handover: Handover,
        metrics: WorkerMetrics,
        vitals: Vitals,
        backoff: Callable[[], Backoff],
    ) -> None:
        self.stopping = threading.Event()
        self._processor = processor
        self._handover = handover
        self._metrics = metrics
        self._vitals = vitals
        self._backoff = backoff
        self._claimed: set[int] = set()

    def run(self) -> None:
        """Work until there is nothing more. What is fatal goes to the poller, which raises it."""
        try:
            while (work := self._handover.next_work()) is not None:
                self._do(work)
                del work  # which would otherwise be freed when the next is there
        except BaseException as exc:  # noqa: BLE001  the poller raises it
            self._handover.fail(exc)
        finally:
            self._processor.close()

    def _do(self, work: Work) -> None:
        self._forget(work.forget)
        if work.claim or work.draft:
            self._vitals.writer_began()
        if work.claim:
            self._claim()
        if work.draft:
            self._apply(work.draft)
        self._vitals.writer_ended()

    def _forget(self, partitions: Collection[int]) -> None:
        if partitions:
            self._claimed.difference_update(partitions)
            self._processor.forget(partitions)

    def _claim(self) -> None:
        """Claim what is wanted; what is revoked while the database is away falls out of it."""
        backoff = self._backoff()
        while tickets := self._handover.tickets():
            try:
                positions = self._processor.claim(tickets)
            except EnvironmentFault as fault:
                self._wait(backoff, fault, "claim", {})
                continue
            self._claimed.update(positions)
            self._metrics.claims.inc(len(positions))
            log.info("partitions claimed", positions=_by_partition(positions))
            self._handover.grant(tickets, positions)

    def _apply(self, draft: Draft) -> None:
        batch, backoff = draft.batch(), self._backoff()
        while not self.stopping.is_set():
            began = time.perf_counter()
            try:
                processed = self._processor.process(batch)
            except EnvironmentFault as fault:
                self._wait(backoff, fault, "batch", draft.next_offsets)
            except FenceLost as lost:
                return self._lose_fence(draft, lost)
            else:
                return self._applied(draft, processed, time.perf_counter() - began)
        log.info("batch dropped", positions=_by_partition(draft.next_offsets), why="stopping")
        return None

    def _applied(self, draft: Draft, processed: Processed, seconds: float) -> None:
        self._vitals.moved(draft.next_offsets)
        self._metrics.count_batch(draft, processed, seconds)
        log.debug(
            "batch applied",
            positions=_by_partition(draft.next_offsets),
            records=draft.records,
            seconds=round(seconds, 4),
        )
        letters = processed.dead_lettered
        for letter in letters[:LOGGED_DEAD_LETTERS]:
            log.warning(
                "record set aside",
                partition=letter.record.partition,
                offset=letter.record.offset,
                error_class=letter.error_class,
                error=letter.message,
            )
        if len(letters) > LOGGED_DEAD_LETTERS:
            log.warning(
                "more records set aside",
                count=len(letters) - LOGGED_DEAD_LETTERS,
                positions=_by_partition(draft.next_offsets),
            )

    def _lose_fence(self, draft: Draft, lost: FenceLost) -> None:
        """Drop all that is held: what follows a dropped batch would leave a gap."""
        self._metrics.fences_lost.inc()
        log.warning("fence lost", positions=_by_partition(draft.next_offsets), why=str(lost))
        self._forget(frozenset(self._claimed))
        self._handover.lose_fence()

    def _wait(
        self, backoff: Backoff, fault: EnvironmentFault, what: str, positions: Mapping[int, int]
    ) -> None:
        cause = type(fault.__cause__ or fault).__name__
        wait_s = backoff.next_s()
        self._metrics.retries.labels(cause).inc()
        self._vitals.writer_failed(f"{what}: {fault}")
        log.warning(
            f"{what} failed, will try again",
            positions=_by_partition(positions),
            wait_s=round(wait_s, 2),
            why=str(fault),
        )
        self.stopping.wait(wait_s)


def _by_partition(positions: Mapping[int, int]) -> dict[str, int]:
    return {str(partition): positions[partition] for partition in sorted(positions)}
