"""What a load has set by, because other events may have a say in it: merged in the ordinary way."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from consumers.bulk_load import BATCH
from consumers.isolation import apply_isolating
from projections import shadow_sql as sql
from projections.dead_letters import store
from projections.positions import ProjectionKey, lock_projection
from projections.projection import Decoded, Projection
from schemas.codec import decode_record
from schemas.record import Record


def merge_deferred(connection: Connection[Any], projection: Projection, key: ProjectionKey) -> int:
    """Apply the records that were set by, in the order in which they were; how many they were.

    The connection's search_path begins with the shadow's schema. Raises psycopg.Error; what was
    merged until then is not merged again.
    """
    done = 0
    while rows := connection.execute(sql.NEXT_DEFERRED, (BATCH,)).fetchall():
        records = [Record(key.topic, *row[1:]) for row in rows]
        events = [Decoded(record, decode_record(record)) for record in records]
        with connection.transaction():
            lock_projection(connection, key.projection, exclusive=True)
            _, poison = apply_isolating(projection, connection, events, exclusive=True)
            store(connection, key.projection, poison)
            connection.execute(sql.FORGET_DEFERRED, (rows[-1][0],))
        done += len(rows)
    return done
