"""Hand-written stand-ins: a log that follows a script, and a database that is a few dicts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from consumers.log import Assignment, Contact, LogUnavailable
from consumers.processor import Batch, Processed
from projections.faults import EnvironmentFault, FenceLost
from projections.positions import Claim
from projections.projection import Applied, Decoded
from schemas.codec import encode, key_of
from schemas.events import ImageFailed, new_event
from schemas.record import Record

Contents = Mapping[int, Sequence[Record]]


@cache
def good_record(partition: int, offset: int, timestamp_ms: int = 0) -> Place:
    data = ImageFailed(
        request_id=f"r-{partition}-{offset}", user_id="1", tool_name="t", prompt="p", error="no"
    )
    event = new_event(data)
    return Place("events", partition, offset, timestamp_ms, key_of(event), encode(event))


@dataclass(frozen=True)
class Poll:
    """What one poll does: an outage, a rebalance, so many records; how far the writer may go."""

    permits: int = 0
    records: int = 0
    unavailable: bool = False
    revoke: frozenset[int] = frozenset()
    assign: frozenset[int] = frozenset()


class Place(Record):
    """A record that is printed as its place."""

    def __repr__(self) -> str:
        return f"{self.partition}:{self.offset}"


class ScriptedLog:
    """A GroupLog whose polls follow a script; after its end, everything is assigned and read."""

    def __init__(self, contents: Contents, ends: Mapping[int, int], script: Iterable[Poll]) -> None:
        self.contents = contents
        self.ends = ends
        self.script = iter(script)
        self.assigned: set[int] = set()
        self.positions_now: dict[int, int] = {}
        self.change = Assignment()
        self.paused = False
        self.closed = 0
        self.rejoined = 0
        self.polls = 0
        self.deadline = time.monotonic() + 30
        self.asked: list[int] = []
        self.before_poll: Callable[[Poll | None], None] = lambda _: None

    def poll(self, timeout_s: float, max_records: int) -> Sequence[Record]:
        self.polls += 1
        self.asked.append(max_records)
        assert time.monotonic() < self.deadline, "no end in sight"
        step = next(self.script, None)
        self.before_poll(step)
        if step is None:
            step = Poll(records=50, assign=frozenset(self.contents) - self.assigned)
        self._change(step.revoke, step.assign)
        if step.unavailable:
            raise LogUnavailable("scripted outage")
        found = [] if self.paused else list(self._read(min(step.records, max_records)))
        if not found:
            time.sleep(min(timeout_s, 0.0002))
        return found

    def _change(self, revoke: Collection[int], assign: Collection[int]) -> None:
        revoked = self.assigned & set(revoke)
        assigned = set(assign) - (self.assigned - revoked)
        self.assigned = (self.assigned - revoked) | assigned
        for partition in revoked:
            self.positions_now.pop(partition, None)
        before = self.change
        self.change = Assignment((before.assigned - revoked) | assigned, before.revoked | revoked)

    def _read(self, count: int) -> Iterator[Record]:
        for partition, position in sorted(self.positions_now.items()):
            for record in self.contents[partition]:
                if record.offset >= position and count > 0:
                    count -= 1
                    self.positions_now[partition] = record.offset + 1
                    yield record

    def rebalanced(self) -> Assignment:
        change, self.change = self.change, Assignment()
        return change

    def start(self, positions: Mapping[int, int]) -> None:
        self.positions_now |= {p: n for p, n in positions.items() if p in self.assigned}

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def rejoin(self) -> None:
        self.rejoined += 1
        self._change(frozenset(self.assigned), frozenset())

    def end_offsets(self) -> Mapping[int, int]:
        return {partition: self.ends[partition] for partition in self.assigned}

    def positions(self) -> Mapping[int, int]:
        beyond = {}
        for partition, position in self.positions_now.items():
            left = [r for r in self.contents[partition] if r.offset >= position]
            beyond[partition] = position if left else max(position, self.ends[partition])
        return beyond

    def contact(self) -> Contact:
        return Contact(bool(self.assigned), 0.0)

    def close(self) -> None:
        self.closed += 1


@dataclass
class Store:
    """The database: positions, epochs, and what was written, in order."""

    positions: dict[int, int] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)
    written: list[tuple[int, int]] = field(default_factory=list)
    steals: int = 0

    def steal(self, partition: int, records: Sequence[Record], count: int) -> None:
        """Another worker claims the partition and applies the next few records of it."""
        self.steals += 1
        self.epochs[partition] = self.epochs.get(partition, 0) + 1
        position = self.positions.setdefault(partition, 0)
        for record in [r for r in records if r.offset >= position][:count]:
            self.written.append((partition, record.offset))
            self.positions[partition] = record.offset + 1


Try = Callable[[Batch | None], None]


@dataclass
class FakePrepared:
    """Remembers of which events it was made."""

    decoded: list[Decoded]

    def join(self, later: FakePrepared) -> None:
        self.decoded += later.decoded

    def let_go(self) -> None:
        for one in self.decoded:
            one.held = None


class FakeProcessor:
    """As consumers.processor.Processor, over a Store; ``before`` and ``after`` raise its faults."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.claims: dict[int, Claim] = {}
        self.before: Try = lambda _: None
        self.after: Try = lambda _: None
        self.sizes: list[int] = []
        self.claimed: list[frozenset[int]] = []
        self.in_doubt: Batch | None = None
        self.closed = threading.Event()

    def claim(self, partitions: Collection[int]) -> Mapping[int, int]:
        self.before(None)
        store = self.store
        self.claimed.append(frozenset(partitions))
        for number in partitions:
            store.epochs[number] = store.epochs.get(number, 0) + 1
            position = store.positions.setdefault(number, 0)
            self.claims[number] = Claim(number, position, store.epochs[number])
        self.after(None)
        return {number: self.claims[number].next_offset for number in partitions}

    def forget(self, partitions: Collection[int]) -> None:
        for number in partitions:
            self.claims.pop(number, None)

    def prepare(self, decoded: Sequence[Decoded]) -> FakePrepared | None:
        return FakePrepared(list(decoded)) if decoded else None

    def process(self, batch: Batch) -> Processed:
        if batch.prepared is not None:
            # Of these, all of these, and nothing else.
            assert isinstance(batch.prepared, FakePrepared)
            assert batch.prepared.decoded == list(batch.decoded)
        self.before(batch)
        if self.in_doubt is not batch:
            self._write(batch)
        self.in_doubt = batch
        self.after(batch)
        self.in_doubt = None
        for number, position in batch.next_offsets.items():
            self.claims[number] = Claim(number, position, self.claims[number].epoch)
        return Processed(Applied(inserted=len(batch.decoded)), batch.invalid)

    def _write(self, batch: Batch) -> None:
        for number in batch.next_offsets:
            held = self.claims.get(number)
            if (
                held is None
                or held.epoch != self.store.epochs[number]
                or held.next_offset != self.store.positions[number]
            ):
                raise FenceLost(f"partition {number}")
        records = [d.record for d in batch.decoded] + [d.record for d in batch.invalid]
        self.sizes.append(len(records))
        self.store.written += sorted((r.partition, r.offset) for r in records)
        self.store.positions |= batch.next_offsets

    def close(self) -> None:
        self.closed.set()


def away(_: Batch | None) -> None:
    raise EnvironmentFault("OperationalError: the server is away")
