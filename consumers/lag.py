"""How far each projection is behind the log, in records and in seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from psycopg import Connection

from consumers.log import LogReader, TopicState
from projections.dead_letter_reads import list_groups
from projections.positions import read_positions


def lag_of(
    connection: Connection[Any], reader: LogReader, projections: Iterable[str]
) -> list[dict[str, Any]]:
    """For each projection its partitions' positions, ends and lag, and its open dead letters.

    The seconds are the age of the oldest record that has not been projected; 0 when there is none.
    Raises TopicMissing, LogUnavailable, psycopg.Error.
    """
    state = reader.describe()
    found = []
    for name in projections:
        positions = read_positions(connection, name, state.topic)
        partitions = _partitions(state, positions)
        letters = sum(group.count for group in list_groups(connection, projection=name))
        found.append(
            {
                "projection": name,
                "lag_records": sum(line["lag"] for line in partitions),
                "lag_seconds": _lag_seconds(reader, state, positions),
                "dead_letters": letters,
                "partitions": partitions,
            }
        )
    return found


def _partitions(state: TopicState, positions: dict[int, int]) -> list[dict[str, Any]]:
    lines = []
    for partition, end in sorted(state.end.items()):
        at = positions.get(partition, state.begin[partition])
        lag = max(0, end - at)
        lines.append({"partition": partition, "next_offset": at, "end": end, "lag": lag})
    return lines


def _lag_seconds(reader: LogReader, state: TopicState, positions: dict[int, int]) -> float:
    start = {p: max(positions.get(p, 0), state.begin[p]) for p in state.end}
    behind = {p: start[p] for p, end in state.end.items() if start[p] < end}
    if not behind:
        return 0.0
    firsts = {p: offset + 1 for p, offset in behind.items()}
    records = [record for batch in reader.read(behind, firsts) for record in batch]
    oldest_ms = min((record.timestamp_ms for record in records), default=time.time() * 1000)
    return max(0.0, time.time() - oldest_ms / 1000)
