"""One batch, one transaction: position, rows and dead letters stand or fall together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, Transaction

from consumers.isolation import apply_isolating
from projections.dead_letters import DeadLetter, store
from projections.faults import EnvironmentFault, Fault, FenceLost, cause_of, classify
from projections.pipelining import pipeline
from projections.positions import (
    Claim,
    ProjectionKey,
    begin_batch,
    claim,
    evict_owners,
    evict_stuck,
    lock_positions,
    must_have_advanced,
    send_advance,
    send_advance_with,
)
from projections.projection import Applied, Decoded, NeedExclusive, Prepared, Projection

BATCH_LOCK_TIMEOUT_S = 4.0
"""For ``connect``: how long a batch waits for a lock before it looks whether the holder lives."""

STUCK_S = 3.0
"""A session that holds the projection's lock and has sent nothing for so long is frozen, or lost.
A batch needs some tenths of a second; one that is ended by mistake is tried again."""

CLAIM_LOCK_TIMEOUT_S = 2.0
"""How long a claim waits for the former owner's last transaction before it ends its session."""


FEW = 200
"""Up to so many events a batch is written and committed in a pipeline: one or two round trips."""

FEW_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one or more partitions, decoded, and the positions after them."""

    decoded: Sequence[Decoded]
    invalid: Sequence[DeadLetter]
    next_offsets: Mapping[int, int]
    prepared: Prepared | None = None
    """What the projection has made of ``decoded`` already."""


@dataclass(frozen=True, slots=True)
class Processed:
    """What came of a batch."""

    applied: Applied
    dead_lettered: Sequence[DeadLetter]


class Processor:
    """Applies batches to a projection exactly once. One thread uses it.

    ``connect`` opens a connection in autocommit mode whose application_name is ``owner``. After
    any fault the connection is given up, and the position in Postgres decides what was done.
    """

    def __init__(
        self,
        projection: Projection,
        key: ProjectionKey,
        connect: Callable[[], Connection[Any]],
        owner: str,
        few: int = FEW,
    ) -> None:
        self._projection = projection
        self._key = key
        self._connect = connect
        self._owner = owner
        self._few = few
        self._connection: Connection[Any] | None = None
        self._claims: dict[int, Claim] = {}
        self._in_doubt = False

    def claim(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take the partitions over; from where to read each.

        Raises EnvironmentFault (call again) and TopicRecreated.
        """
        try:
            claims = self._claim(partitions)
        except Exception as exc:
            raise self._given_up(exc) from exc
        return self.hold(claims)

    def hold(self, claims: Mapping[int, Claim]) -> Mapping[int, int]:
        """As ``claim``, of partitions that somebody has claimed for this one."""
        self._claims.update(claims)
        return {number: held.next_offset for number, held in claims.items()}

    def forget(self, partitions: Collection[int]) -> None:
        """These partitions are somebody else's now."""
        for number in partitions:
            self._claims.pop(number, None)

    def prepare(self, decoded: Sequence[Decoded]) -> Prepared | None:
        """Do for ``process`` what needs no database; another thread may call it.

        None when something is wrong, which ``process`` will find and isolate.
        """
        try:
            return self._projection.prepare(decoded)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001  a fault of one of the records, whatever it is
            return None

    def process(self, batch: Batch) -> Processed:
        """Apply the batch and advance the positions, in one transaction.

        Raises EnvironmentFault (call again with the same batch: one that was committed although
        the answer got lost is found out), FenceLost (the batch is somebody else's), or whatever
        else is wrong, which waiting will not mend.
        """
        try:
            processed = self._settle(self._connected(), batch)
        except Exception as exc:
            if isinstance(cause_of(exc), psycopg.errors.LockNotAvailable):
                self._evict_stuck()
            raise self._given_up(exc) from exc
        self._in_doubt = False
        self._moved(batch)
        return processed

    def close(self) -> None:
        """Give up the connection. May be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _settle(self, connection: Connection[Any], batch: Batch) -> Processed:
        """Apply the batch, unless it is the one in doubt and has been applied."""
        doubt = self._in_doubt
        if doubt and self._was_committed(connection, batch):
            return Processed(Applied(), ())
        try:
            return self._transact(connection, batch)
        except FenceLost:
            # A session that was cut off may have had all of it, and have committed it meanwhile.
            if doubt and self._was_committed(connection, batch):
                return Processed(Applied(), ())
            raise

    def _claim(self, partitions: Collection[int]) -> dict[int, Claim]:
        connection = self._connected()
        try:
            return self._claim_within(connection, partitions, CLAIM_LOCK_TIMEOUT_S)
        except psycopg.errors.LockNotAvailable:
            evict_owners(connection, self._key, self._owner, partitions)
            return self._claim_within(connection, partitions, CLAIM_LOCK_TIMEOUT_S)

    def _claim_within(
        self, connection: Connection[Any], partitions: Collection[int], timeout_s: float
    ) -> dict[int, Claim]:
        with connection.transaction():
            connection.execute(
                "SELECT set_config('lock_timeout', %s, true)", (f"{timeout_s * 1000:.0f}ms",)
            )
            return claim(connection, self._key, self._owner, partitions)

    def _transact(self, connection: Connection[Any], batch: Batch) -> Processed:
        """Try the quick way first; a batch that wants more care starts again from its beginning."""
        exclusive = isolating = False
        few = self._are_few(batch.decoded)
        if few and (processed := self._at_once(connection, batch)) is not None:
            return processed
        while True:
            try:
                return self._once(
                    connection, batch, exclusive=exclusive, isolating=isolating, few=few
                )
            except NeedExclusive:
                exclusive = True
            except Exception as exc:
                if few and isinstance(cause_of(exc), psycopg.errors.PipelineAborted):
                    # What aborted it was not told; the other way will tell.
                    few = False
                elif isolating or classify(exc) is not Fault.RECORD:
                    raise
                else:
                    isolating, few = True, False
            # What fails in a pipeline fails at its end, and leaves the transaction open.
            self._projection.forget()
            connection.rollback()

    def _at_once(self, connection: Connection[Any], batch: Batch) -> Processed | None:
        """The batch in one round trip; None when it wants more care, and nothing was changed."""
        if batch.invalid or batch.prepared is None:
            return None
        try:
            whole = self._projection.whole(batch.prepared)
            if whole is None:
                return None
            with pipeline(connection), Transaction(connection):
                begin_batch(connection, self._key, exclusive=False)
                sent = send_advance_with(
                    connection, self._key, self._claims, batch.next_offsets, whole
                )
            written = sent.fetchall()[0][0]
        except Exception as exc:
            if classify(exc) is not Fault.RECORD:
                raise
            connection.rollback()
            return None
        return Processed(whole.made, ()) if written == whole.made.inserted else None

    def _once(
        self,
        connection: Connection[Any],
        batch: Batch,
        *,
        exclusive: bool,
        isolating: bool,
        few: bool,
    ) -> Processed:
        poison: Sequence[DeadLetter] = ()
        with (
            self._begun(connection, batch, exclusive=exclusive) as commit,
            pipeline(connection) if few else nullcontext(),
        ):
            if isolating:
                applied, poison = apply_isolating(
                    self._projection, connection, batch.decoded, exclusive=exclusive
                )
            elif batch.decoded:
                applied = self._projection.apply(
                    connection, batch.decoded, batch.prepared, exclusive=exclusive
                )
            else:
                applied = Applied()
            letters = (*batch.invalid, *poison)
            store(connection, self._key.projection, letters)
            commit()
        return Processed(applied, letters)

    @contextmanager
    def _begun(
        self, connection: Connection[Any], batch: Batch, *, exclusive: bool
    ) -> Iterator[Callable[[], None]]:
        """A transaction with what each batch begins with, sent at once: it is one round trip.

        Gives what commits; in a pipeline that costs no round trip of its own.
        """
        with ExitStack() as transaction:
            with pipeline(connection):
                # connection.transaction() would stay in the pipeline, which COPY does not like.
                transaction.enter_context(Transaction(connection))
                begin_batch(connection, self._key, exclusive=exclusive)
                sent = send_advance(connection, self._key, self._claims, batch.next_offsets)
                if batch.prepared is not None:
                    self._projection.ask(connection, batch.prepared)
            must_have_advanced(sent, batch.next_offsets)
            yield transaction.close

    def _are_few(self, events: Sequence[Decoded]) -> bool:
        """Whether waiting for the server weighs more than what a pipeline cannot do."""
        return (
            len(events) <= self._few
            and sum(len(one.record.value or b"") for one in events) <= FEW_BYTES
        )

    def _was_committed(self, connection: Connection[Any], batch: Batch) -> bool:
        """Whether the batch whose fate is unknown is in the tables. Raises FenceLost."""
        with connection.transaction():
            stored = lock_positions(connection, self._key, batch.next_offsets)
        committed = []
        for partition, next_offset in batch.next_offsets.items():
            mine, now = self._claims.get(partition), stored.get(partition)
            if mine is None or now is None or now.epoch != mine.epoch:
                raise FenceLost(f"partition {partition} was taken over")
            committed.append(now.next_offset == next_offset != mine.next_offset)
        return all(committed)

    def _evict_stuck(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                # What failed in a pipeline has left its transaction open.
                self._connection.rollback()
                evict_stuck(self._connection, self._key, STUCK_S)

    def _moved(self, batch: Batch) -> None:
        for partition, next_offset in batch.next_offsets.items():
            held = self._claims[partition]
            self._claims[partition] = Claim(partition, next_offset, held.epoch)

    def _given_up(self, exc: Exception) -> Exception:
        """What to raise for it. The connection's state is unknown, so it is given up, too."""
        self._in_doubt = True
        self._projection.forget()
        self.close()
        if classify(exc) is Fault.ENVIRONMENT and not isinstance(exc, EnvironmentFault):
            cause = cause_of(exc)
            return EnvironmentFault(f"{type(cause).__name__}: {' '.join(str(cause).split())}")
        return exc
