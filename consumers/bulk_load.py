"""Loading a shadow from the log: one process for some of the partitions, from start to end.

What is the first of its request goes by COPY into a table without indexes; everything else is set
by, and merged later in the ordinary way. A Bloom filter is enough to tell: where it errs, an event
only takes the longer way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from consumers.decoding import decode
from consumers.load_sorting import Sorted, Sorter
from consumers.log import LogReader
from consumers.processor import Batch, Processor
from projections import shadow_sql as sql
from projections.connections import connector
from projections.dead_letters import store
from projections.faults import Fault, classify
from projections.image_sql import COPY_ROWS
from projections.positions import Claim, ProjectionKey, advance
from projections.projection import Projection
from projections.wire import copy_rows

BATCH = 5_000


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


def _load_table(job: Load, connection: Connection[Any], reader: LogReader) -> None:
    claims = job.claims
    start = {number: held.next_offset for number, held in claims.items()}
    sorter = Sorter(sum(job.end.values()), job.partitions)
    if any(start.values()):
        with connection.cursor() as cursor:
            for row in cursor.stream(sql.REQUEST_IDS, size=BATCH):
                sorter.seen.add(row[0])
    batches = reader.read(start, job.end, BATCH)
    for records in batches:
        found = sorter.sort(records, connection)
        try:
            claims = _write(job, connection, found, claims, batches.positions)
        except Exception as exc:
            if classify(exc) is not Fault.RECORD:
                raise
            found.defer_all()
            claims = _write(job, connection, found, claims, batches.positions)


def _write(
    job: Load,
    connection: Connection[Any],
    found: Sorted,
    claims: Mapping[int, Claim],
    positions: Mapping[int, int],
) -> dict[int, Claim]:
    with connection.transaction(), connection.cursor() as cursor:
        advance(connection, job.key, claims, positions)
        copy_rows(cursor, COPY_ROWS, [found.rows])
        with cursor.copy(sql.COPY_DEFERRED) as copy:
            copy.set_types(("int4", "int8", "int8", "bytea", "bytea"))
            for record in found.deferred:
                place = (record.partition, record.offset, record.timestamp_ms)
                copy.write_row((*place, record.key, record.value))
        store(connection, job.key.projection, found.invalid)
    moved = {n: Claim(n, offset, claims[n].epoch) for n, offset in positions.items()}
    return {**claims, **moved}
