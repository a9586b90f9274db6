"""Loading a shadow from the log: one process for some of the partitions, from start to end.

What is the first of its request goes by COPY into a table without indexes; everything else is set
by, and merged later in the ordinary way. A Bloom filter is enough to tell: where it errs, an event
only takes the longer way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from rbloom import Bloom

from consumers.decoding import AT_ONCE, decode
from consumers.log import LogReader
from consumers.processor import Batch, Processor
from projections import shadow_sql as sql
from projections.connections import connector
from projections.dead_letters import DeadLetter, store
from projections.faults import Fault, classify
from projections.image_batch import ImageBatch
from projections.image_sql import COPY_ROWS
from projections.positions import Claim, ProjectionKey, advance
from projections.projection import Decoded, Projection
from projections.unsealing import Unsealer
from projections.wire import copy_rows
from schemas.partitioning import home_partitions
from schemas.record import Record

BATCH = 5_000
FALSE_POSITIVES = 0.01


@dataclass(frozen=True, slots=True)
class Load:
    """What one process loads; everything in it can be pickled."""

    open_reader: Callable[[], LogReader]
    make_projection: Callable[[], Projection]
    database_url: str
    search_path: str
    key: ProjectionKey
    claims: Mapping[int, Claim]
    end: Mapping[int, int]
    """The partitions to load, each up to this offset."""
    partitions: int
    """How many the topic has."""


def load(job: Load) -> None:
    """Load these partitions, from where they were claimed.

    Raises FenceLost when they were claimed again; EnvironmentFault and LogUnavailable: the rebuild
    is broken off, and goes on from there when it is started again.
    """
    owner = f"omega-rebuild-{job.key.projection}-{min(job.end)}"
    connect = connector(job.database_url, owner, search_path=job.search_path)
    reader = job.open_reader()
    try:
        if job.key.projection == "table":
            with connect() as connection:
                _load_table(job, connection, reader)
        else:
            processor = Processor(job.make_projection(), job.key, connect, owner)
            replay(reader, processor, job.end, job.claims)
    finally:
        reader.close()


def replay(
    reader: LogReader,
    processor: Processor,
    end: Mapping[int, int],
    claims: Mapping[int, Claim] | None = None,
) -> int:
    """Apply the log from the stored positions up to ``end`` in the ordinary way; how many records.

    The partitions are claimed, where ``claims`` does not say that they are. The processor is closed
    at the end. Raises EnvironmentFault, LogError.
    """
    done = 0
    try:
        start = processor.claim(end.keys()) if claims is None else processor.hold(claims)
        behind = {number: start[number] for number in end if start[number] < end[number]}
        batches = reader.read(behind, {number: end[number] for number in behind}, BATCH)
        at = behind
        for records in batches:
            draft = decode(records)
            draft.next_offsets = at = dict(batches.positions)
            processor.process(draft.batch())
            done += len(records)
        if at != dict(batches.positions):
            # Nothing but control records came after the last batch.
            processor.process(Batch((), (), batches.positions))
    finally:
        processor.close()
    return done


@dataclass(slots=True)
class Sorted:
    """A batch, sorted by the way its records take."""

    rows: list[bytes] = field(default_factory=list)
    firsts: list[Record] = field(default_factory=list)
    deferred: list[Record] = field(default_factory=list)
    invalid: list[DeadLetter] = field(default_factory=list)


def _load_table(job: Load, connection: Connection[Any], reader: LogReader) -> None:
    claims = job.claims
    start = {number: held.next_offset for number, held in claims.items()}
    total = sum(job.end.values())
    seen = Bloom(max(total, 1_000), FALSE_POSITIVES)
    if any(start.values()):
        with connection.cursor() as cursor:
            for row in cursor.stream(sql.REQUEST_IDS, size=BATCH):
                seen.add(row[0])
    batches = reader.read(start, job.end, BATCH)
    unsealer = Unsealer()
    for records in batches:
        found, strays = Sorted(), _strays(records, job.partitions)
        for at in range(0, len(records), AT_ONCE):
            draft = decode(records[at : at + AT_ONCE])
            opened, unopened = unsealer.open_each(connection, draft.decoded)
            found.invalid += [*draft.invalid, *unopened]
            _sort(opened, seen, strays, found)
        try:
            claims = _write(job, connection, found, claims, batches.positions)
        except Exception as exc:
            if classify(exc) is not Fault.RECORD:
                raise
            found.deferred += found.firsts
            found.rows.clear()
            claims = _write(job, connection, found, claims, batches.positions)


def _strays(records: Sequence[Record], partitions: int) -> set[Record]:
    """Those that do not stand in the partition where their key is at home."""
    homes = home_partitions([record.key or b"" for record in records], partitions)
    pairs = zip(records, homes, strict=True)
    return {record for record, home in pairs if record.partition != home}


def _sort(events: Sequence[Decoded], seen: Bloom, strays: set[Record], found: Sorted) -> None:
    """What no other event has a say in goes by COPY: no other process meets its request.

    Only a record in the partition where its request is at home can say so, and only one without an
    old id, which another request's event may name, too: the place of a record is nobody else's.
    """
    make_row = ImageBatch().make
    for decoded in events:
        record, data = decoded.record, decoded.held.data
        request = data.request_id
        at_home = record.key == request.encode() and not (strays and record in strays)
        new = request not in seen
        seen.add(request)
        try:
            row = make_row(decoded) if new and at_home else None
        except (ValueError, OverflowError):
            row = None  # whatever is wrong with it is isolated where it is merged
        if row is not None and data.row_id is None:
            found.rows.append(row)
            found.firsts.append(record)
        else:
            found.deferred.append(record)


def _write(
    job: Load,
    connection: Connection[Any],
    found: Sorted,
    claims: Mapping[int, Claim],
    positions: Mapping[int, int],
) -> dict[int, Claim]:
    with connection.transaction(), connection.cursor() as cursor:
        advance(connection, job.key, claims, positions)
        copy_rows(cursor, COPY_ROWS, found.rows)
        with cursor.copy(sql.COPY_DEFERRED) as copy:
            copy.set_types(("int4", "int8", "int8", "bytea", "bytea"))
            for record in found.deferred:
                place = (record.partition, record.offset, record.timestamp_ms)
                copy.write_row((*place, record.key, record.value))
        store(connection, job.key.projection, found.invalid)
    moved = {n: Claim(n, offset, claims[n].epoch) for n, offset in positions.items()}
    return {**claims, **moved}
