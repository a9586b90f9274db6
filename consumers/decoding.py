"""From records to a batch: what decodes, what does not, and the positions behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from consumers.processor import Batch
from projections.dead_letters import DeadLetter
from projections.projection import Decoded, Prepared
from schemas.compact import read_record
from schemas.errors import InvalidEvent
from schemas.record import Record

AT_ONCE = 250
"""Records that are decoded, made into rows and, of a backlog, let go of before the next: the memory
that their events took is what the next ones get, while it is in the processor's cache."""

Outcome = tuple[int, str, str, str]
"""Partition, tool, model, and what came of the call."""


@dataclass(slots=True)
class Draft:
    """A batch in the making."""

    decoded: list[Decoded] = field(default_factory=list)
    invalid: list[DeadLetter] = field(default_factory=list)
    next_offsets: dict[int, int] = field(default_factory=dict)
    bytes: int = 0
    """Of the values; what a batch weighs in memory is a small multiple of it."""
    key_mismatches: int = 0
    """Records whose key is not their request's id, which is accepted."""
    oldest_ms: dict[int, int] = field(default_factory=dict)
    """Timestamp of each partition's first record, milliseconds since 1970."""
    prepared: Prepared | None = None
    """What the projection made of ``decoded``; None while it has not, or not of all of it."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """How many events of tools say what, as far as somebody counts them."""

    @property
    def records(self) -> int:
        """How many records it holds; positions may move without one, over gaps of the log."""
        return len(self.decoded) + len(self.invalid)

    def extend(self, later: Draft) -> None:
        """Append a draft of the records that follow, which is used up."""
        if not self.decoded:
            self.prepared = later.prepared
        elif self.prepared is None or (later.decoded and later.prepared is None):
            self.prepared = None
        elif later.prepared is not None:
            self.prepared.join(later.prepared)
        self.decoded += later.decoded
        self.invalid += later.invalid
        self.next_offsets |= later.next_offsets
        self.bytes += later.bytes
        self.key_mismatches += later.key_mismatches
        self.outcomes.update(later.outcomes)
        self.oldest_ms = later.oldest_ms | self.oldest_ms

    def drop(self, partitions: Collection[int]) -> None:
        """Take everything of these partitions out again. Bytes and mismatches stay estimates."""
        if self.next_offsets.keys().isdisjoint(partitions):
            return
        before = self.records
        self.prepared = None
        self.decoded = [d for d in self.decoded if d.record.partition not in partitions]
        self.invalid = [d for d in self.invalid if d.record.partition not in partitions]
        kept = {one: count for one, count in self.outcomes.items() if one[0] not in partitions}
        self.outcomes = Counter(kept)
        for partition in partitions:
            self.next_offsets.pop(partition, None)
            self.oldest_ms.pop(partition, None)
        self.bytes = self.bytes * self.records // before if before else 0

    def batch(self) -> Batch:
        """The finished batch, which shares the draft's lists."""
        return Batch(self.decoded, self.invalid, self.next_offsets, self.prepared)


def decode_batch(records: Sequence[Record]) -> Batch:
    """The batch of these records, given in the order of their offsets within each partition."""
    return decode(records).batch()


def decode(records: Iterable[Record]) -> Draft:
    """As decode_batch, with what is counted on the way."""
    draft = Draft()
    add, next_offsets, oldest_ms = draft.decoded.append, draft.next_offsets, draft.oldest_ms
    size = mismatches = 0
    for record in records:
        _, partition, offset, timestamp_ms, key, value, _ = record
        if partition not in next_offsets:
            oldest_ms[partition] = timestamp_ms
        next_offsets[partition] = offset + 1
        if value is not None:
            size += len(value)
        try:
            event = read_record(record)
        except InvalidEvent as exc:
            draft.invalid.append(DeadLetter(record, exc.error_class, exc.message))
            continue
        except MemoryError:
            raise
        except Exception as exc:  # noqa: BLE001  what a record makes the decoder raise is its fault
            message = "value: makes the decoder fail"
            draft.invalid.append(DeadLetter(record, type(exc).__name__, message))
            continue
        if key != event.data.request_id.encode():
            mismatches += 1
        add(Decoded(record, event))
    draft.bytes, draft.key_mismatches = size, mismatches
    return draft
