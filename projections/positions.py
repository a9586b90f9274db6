"""Positions: how far a projection has come, and the fence that keeps zombies out.

The position of a partition is advanced by the transaction that writes the rows, and only by the
worker whose epoch it carries; Kafka's own offsets play no part. (The same idea as the fencing
token of Kleppmann, "Designing Data-Intensive Applications", chapter 8.)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Cursor

from projections.faults import FenceLost, TopicRecreated
from projections.planning import BY_KEY
from projections.projection import Whole

NOTIFY_CHANNEL = "omega_images_positions"
"""Notified by each transaction that advances a position; the payload is the projection's name."""


@dataclass(frozen=True, slots=True)
class ProjectionKey:
    """Whose positions: a projection over one topic, in its present incarnation."""

    projection: str
    topic: str
    topic_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A partition held by this worker until somebody claims it with a higher epoch."""

    partition: int
    next_offset: int
    epoch: int


CLAIM = """
INSERT INTO projection_positions AS p
    (projection, topic, partition, topic_id, next_offset, epoch, owner)
SELECT %(projection)s, %(topic)s, partition, %(topic_id)s, 0, 1, %(owner)s
FROM unnest(%(partitions)s::int[]) AS partition ORDER BY partition
ON CONFLICT (projection, topic, partition) DO UPDATE
    SET epoch = p.epoch + 1, owner = excluded.owner, updated_at = now()
RETURNING partition, next_offset, epoch, topic_id
"""

ADVANCE = """
UPDATE projection_positions AS p
SET next_offset = v.after, updated_at = clock_timestamp()
FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS v (partition, before, epoch, after)
WHERE p.projection = %s AND p.topic = %s AND p.partition = v.partition
    AND p.next_offset = v.before AND p.epoch = v.epoch
"""

# As ADVANCE, with a change that stands or falls with it. Rows that ``held`` has to wait for are
# looked at anew by it; all else is as it was when the statement began.
ADVANCE_WITH = """
WITH v AS (
    SELECT * FROM unnest(%(partitions)s::int[], %(before)s::bigint[], %(epochs)s::bigint[],
        %(after)s::bigint[]) AS v (partition, before, epoch, after)
), held AS MATERIALIZED (
    SELECT p.partition FROM projection_positions AS p JOIN v USING (partition)
    WHERE p.projection = %(projection)s AND p.topic = %(topic)s
        AND p.next_offset = v.before AND p.epoch = v.epoch
    FOR UPDATE OF p
), advanced AS (
    UPDATE projection_positions AS p
    SET next_offset = v.after, updated_at = clock_timestamp() FROM v
    WHERE p.projection = %(projection)s AND p.topic = %(topic)s AND p.partition = v.partition
        AND (SELECT count(*) FROM held) = (SELECT count(*) FROM v) AND {condition}
    RETURNING p.partition
), done AS ({change}
)
SELECT count(*) FROM done
"""

LOCK = """
SELECT partition, next_offset, epoch FROM projection_positions
WHERE projection = %s AND topic = %s AND partition = ANY(%s::int[])
ORDER BY partition FOR UPDATE
"""

READ = (
    "SELECT partition, next_offset FROM projection_positions WHERE projection = %s AND topic = %s"
)

# Shared by every batch, exclusive for one that must run alone; a schema of its own for shadows.
LOCK_SHARED = """
SELECT pg_advisory_xact_lock_shared(
    hashtextextended('omega-images/' || current_schema() || '/' || %s, 0))
"""
LOCK_EXCLUSIVE = """
SELECT pg_advisory_xact_lock(
    hashtextextended('omega-images/' || current_schema() || '/' || %s, 0))
"""
# All that each batch begins with; one statement is a tenth of a millisecond less than three.
BEGIN_SHARED = f"{LOCK_SHARED.rstrip()}, pg_notify(%s, %s), {BY_KEY}"
BEGIN_EXCLUSIVE = f"{LOCK_EXCLUSIVE.rstrip()}, pg_notify(%s, %s), {BY_KEY}"
TRY_LOCK_EXCLUSIVE = """
SELECT pg_try_advisory_xact_lock(
    hashtextextended('omega-images/' || current_schema() || '/' || %s, 0))
"""

OWNERS = """
SELECT DISTINCT owner FROM projection_positions
WHERE projection = %s AND topic = %s AND partition = ANY(%s::int[]) AND owner <> %s
"""

# A bigint key's halves stand in classid and objid. Who waits for a lock or computes is not stuck;
# who has not sent anything for so long, in the middle of a transaction, is.
EVICT_STUCK = """
SELECT pg_terminate_backend(a.pid)
FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (l.classid::bigint << 32 | l.objid::bigint)
        = hashtextextended('omega-images/' || current_schema() || '/' || %s, 0)
    AND a.pid <> pg_backend_pid() AND a.state <> 'idle' AND a.wait_event_type = 'Client'
    AND a.state_change < clock_timestamp() - make_interval(secs => %s)
"""

EVICT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = ANY(%s::text[])
    AND pid <> pg_backend_pid()
"""


def claim(
    connection: Connection[Any], key: ProjectionKey, owner: str, partitions: Collection[int]
) -> dict[int, Claim]:
    """Take over the partitions: raise their epochs, and say from where to read each.

    Waits for a transaction of the former owner that is still under way. A partition never claimed
    before starts at 0. Runs in the caller's transaction; the claim holds once that is committed.
    Raises TopicRecreated when the positions belong to another incarnation of the topic.
    """
    parameters = {
        "projection": key.projection,
        "topic": key.topic,
        "topic_id": key.topic_id,
        "owner": owner,
        "partitions": sorted(partitions),
    }
    claims = {}
    for partition, next_offset, epoch, topic_id in connection.execute(CLAIM, parameters):
        if topic_id != key.topic_id:
            raise TopicRecreated(
                f"topic {key.topic!r} was deleted and made again (id {key.topic_id}, the positions "
                f"are of {topic_id}): run `omega-images rebuild` to build from what it holds now"
            )
        claims[partition] = Claim(partition, next_offset, epoch)
    return claims


def advance(
    connection: Connection[Any],
    key: ProjectionKey,
    claims: Mapping[int, Claim],
    next_offsets: Mapping[int, int],
) -> None:
    """Move the positions, in the transaction that writes the rows; locks them until its end.

    Raises FenceLost when one of them is not where its claim left it. The caller drops the batch.
    """
    must_have_advanced(send_advance(connection, key, claims, next_offsets), next_offsets)


def send_advance(
    connection: Connection[Any],
    key: ProjectionKey,
    claims: Mapping[int, Claim],
    next_offsets: Mapping[int, int],
) -> Cursor[Any]:
    """``advance`` for a pipeline, whose end shows what ``must_have_advanced`` has to look at."""
    fences = _fences(claims, next_offsets)
    return connection.execute(ADVANCE, (*fences, key.projection, key.topic), prepare=True)


def send_advance_with(
    connection: Connection[Any],
    key: ProjectionKey,
    claims: Mapping[int, Claim],
    next_offsets: Mapping[int, int],
    whole: Whole,
) -> Cursor[Any]:
    """Move the positions and write the rows, for a pipeline; the answer is how many were written.

    None of either, when a position is not where its claim left it, or the condition does not hold.
    """
    fences = dict(
        zip(("partitions", "before", "epochs", "after"), _fences(claims, next_offsets), strict=True)
    )
    names = {"projection": key.projection, "topic": key.topic}
    return connection.execute(whole.statement, {**fences, **names, **whole.values}, prepare=True)


def _fences(claims: Mapping[int, Claim], next_offsets: Mapping[int, int]) -> tuple[list[int], ...]:
    partitions = sorted(next_offsets)
    lost = [number for number in partitions if number not in claims]
    if lost:
        raise FenceLost(f"partitions {lost} are not claimed by this worker")
    held = [claims[number] for number in partitions]
    return (
        partitions,
        [claim.next_offset for claim in held],
        [claim.epoch for claim in held],
        [next_offsets[number] for number in partitions],
    )


def must_have_advanced(sent: Cursor[Any], next_offsets: Mapping[int, int]) -> None:
    """Raises FenceLost if not all of them did."""
    if sent.rowcount != len(next_offsets):
        taken = sorted(next_offsets)
        raise FenceLost(f"another worker or a rebuild has taken over one of {taken}")


def lock_projection(connection: Connection[Any], projection: str, *, exclusive: bool) -> None:
    """Run beside other batches of the projection, or, exclusive, alone; until the transaction ends.

    Must be the transaction's first statement: a lock that is made stronger later can deadlock.
    """
    statement = LOCK_EXCLUSIVE if exclusive else LOCK_SHARED
    connection.execute(statement, (projection,), prepare=True)


def begin_batch(connection: Connection[Any], key: ProjectionKey, *, exclusive: bool) -> None:
    """``lock_projection``, ``announce``, and ``planning.plan_by_key``."""
    statement = BEGIN_EXCLUSIVE if exclusive else BEGIN_SHARED
    parameters = (key.projection, NOTIFY_CHANNEL, key.projection)
    connection.execute(statement, parameters, prepare=True)


def try_lock_projection(connection: Connection[Any], projection: str) -> bool:
    """Whether this batch is alone, and then stays so until its transaction ends; never waits.

    Its own shared lock does not stand in the way, and asking without waiting cannot deadlock.
    """
    row = connection.execute(TRY_LOCK_EXCLUSIVE, (projection,), prepare=True).fetchone()
    return row is not None and bool(row[0])


def announce(connection: Connection[Any], key: ProjectionKey) -> None:
    """Wake those who wait for a position, as soon as the transaction commits."""
    connection.execute("SELECT pg_notify(%s, %s)", (NOTIFY_CHANNEL, key.projection), prepare=True)


def lock_positions(
    connection: Connection[Any], key: ProjectionKey, partitions: Collection[int]
) -> dict[int, Claim]:
    """Lock the positions until the transaction's end, and return them as they are."""
    rows = connection.execute(LOCK, (key.projection, key.topic, sorted(partitions)))
    return {row[0]: Claim(*row) for row in rows}


def read_positions(connection: Connection[Any], projection: str, topic: str) -> dict[int, int]:
    """The next offset of each partition that was ever claimed."""
    return dict(connection.execute(READ, (projection, topic)).fetchall())


def evict_owners(
    connection: Connection[Any], key: ProjectionKey, owner: str, partitions: Collection[int]
) -> int:
    """End the sessions of these partitions' former owners; how many there were.

    For a claim that waits on a lock: the owner may be frozen in the middle of a transaction, and
    would hold its rows for as long as its connection stands. Sessions are told apart by
    application_name, which each worker sets to its owner string.
    """
    rows = connection.execute(OWNERS, (key.projection, key.topic, sorted(partitions), owner))
    owners = [row[0] for row in rows]
    if not owners:
        return 0
    return connection.execute(EVICT, (owners,)).rowcount


def evict_stuck(connection: Connection[Any], key: ProjectionKey, silent_s: float) -> int:
    """End the sessions that hold the projection's lock and have been silent for so many seconds.

    For a batch that waits on a lock: its holder may be frozen in the middle of a transaction, and
    the server would wait for it far longer than the others should. How many there were.
    """
    return connection.execute(EVICT_STUCK, (key.projection, silent_s)).rowcount
