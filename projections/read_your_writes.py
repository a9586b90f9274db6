"""Read your writes: waiting until a projection has come past a place of the log.

Woken by the NOTIFY that each batch's transaction sends as it commits; nothing is polled.
"""

from __future__ import annotations

import time
from typing import Any

from psycopg import Connection

from projections.positions import NOTIFY_CHANNEL
from schemas.record import Position

PAST = """
SELECT next_offset > %s FROM projection_positions
WHERE projection = %s AND topic = %s AND partition = %s
"""


class ReadTimeout(TimeoutError):
    """The projection did not come past the place in time; the event is safe in the log."""


def wait_for(
    connection: Connection[Any], projection: str, topic: str, place: Position, timeout_s: float
) -> None:
    """Wait until the projection has come past ``place``, for at most ``timeout_s`` seconds.

    The connection must be in autocommit mode; it listens from then on. Raises ReadTimeout.
    """
    deadline = time.monotonic() + timeout_s
    # Listen first, look then: whatever commits after the look is notified.
    connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
    while not is_past(connection, projection, topic, place):
        left = deadline - time.monotonic()
        # A list, to its end: while the generator is open, what arrives during a query gets lost.
        if left <= 0 or not list(connection.notifies(timeout=left, stop_after=1)):
            if is_past(connection, projection, topic, place):
                return
            raise ReadTimeout(
                f"{projection} has not come past {place.partition}:{place.offset} within "
                f"{timeout_s:g} s: is its worker running? `omega-images status` shows the lag"
            )


def is_past(connection: Connection[Any], projection: str, topic: str, place: Position) -> bool:
    """Whether the projection has come past ``place``. Raises psycopg.Error."""
    row = connection.execute(PAST, (place.offset, projection, topic, place.partition)).fetchone()
    return row is not None and bool(row[0])
