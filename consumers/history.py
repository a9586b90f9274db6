"""Finding the events of requests in the log, without reading more of it than need be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf

from consumers.log import LogReader, TopicState
from projections.projection import Decoded
from schemas.codec import decode_record
from schemas.errors import InvalidEvent
from schemas.events import ImageGenerated
from schemas.partitioning import home_partition
from schemas.record import Position, Record, position_of
from schemas.sealing import PERSONAL

_EPOCH = datetime.fromtimestamp(0, UTC)

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A request's events, how many records were read for them, and of which partitions."""

    events: list[Decoded]
    records_read: int
    partitions: tuple[int, ...]
    complete: bool = True
    """Whether it was read to the end; False: at ``max_records``, and there may be more events."""


def events_of(
    reader: LogReader,
    request_id: str,
    ids: Collection[int] = (),
    *,
    scan: bool = False,
    max_records: int | None = None,
    progress: Progress = lambda _: None,
) -> Found:
    """The events of one request. ``ids`` are row ids under which it is known.

    Reads the partition that its row's id names, from there on, and the one where our producers put
    it; with ``scan`` all of them, since other clients may put it anywhere. Stops with the batch
    that comes to ``max_records``. Raises LogError.
    """
    state = reader.describe()
    starts = _starts(state, request_id, ids, scan=scan)
    limit = inf if max_records is None else max_records
    events, read = _matching(reader, starts, state.end, request_id, progress, limit=limit)
    known = [place for number in ids if (place := position_of(number))]
    if read < limit and known and not any(_at(one, known) for one in events):
        # The ids are of another log, from which this one was copied: begin at the beginning.
        starts = {number: state.begin[number] for number in starts}
        events, more = _matching(
            reader, starts, state.end, request_id, progress, limit=limit - read
        )
        read += more
    return Found(events, read, tuple(sorted(starts)), read < limit)


def _starts(
    state: TopicState, request_id: str, ids: Collection[int], *, scan: bool
) -> dict[int, int]:
    """From where to read. A row's id is the least of its events' places, so by offsets, too."""
    known = [place for number in ids if (place := position_of(number))]
    partitions = {place.partition for place in known if place.partition in state.end}
    partitions.add(home_partition(request_id.encode(), len(state.end)))
    least = min((place.offset for place in known), default=0)
    chosen = state.end.keys() if scan else partitions
    return {n: min(max(least, state.begin[n]), state.end[n]) for n in chosen}


def _matching(
    reader: LogReader,
    starts: Mapping[int, int],
    ends: Mapping[int, int],
    request_id: str,
    progress: Progress,
    *,
    limit: float,
) -> tuple[list[Decoded], int]:
    events, read = [], 0
    key, needle = request_id.encode(), f'"{request_id}"'.encode()
    for records in reader.read(starts, {number: ends[number] for number in starts}):
        read += len(records)
        progress(len(records))
        for record in records:
            if record.key == key or needle in (record.value or b""):
                decoded = decoded_or_none(record)
                if decoded is not None and decoded.event.data.request_id == request_id:
                    events.append(decoded)
        if read >= limit:
            break
    return events, read


def _at(decoded: Decoded, places: Sequence[object]) -> bool:
    record = decoded.record
    return (record.partition, record.offset) in places


def decoded_or_none(record: Record) -> Decoded | None:
    """The record with its event; None for one that is none."""
    try:
        return Decoded(record, decode_record(record))
    except InvalidEvent:
        return None


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which requests: those that have an event which meets all that is given.

    ``since`` and ``until`` (not included) are times of records, from when they were sent.
    """

    request_ids: frozenset[str] = frozenset()
    user_id: str | None = None
    tool_name: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def meets(self, decoded: Decoded) -> bool:
        """Whether the event is one that is meant."""
        data = decoded.event.data
        sent_ms = decoded.record.timestamp_ms
        return (
            (not self.request_ids or data.request_id in self.request_ids)
            and self.user_id in (None, getattr(data, "user_id", None))
            and self.tool_name in (None, getattr(data, "tool_name", None))
            and (self.since is None or milliseconds(self.since) <= sent_ms)
            and (self.until is None or sent_ms < milliseconds(self.until))
        )


def requests_that_meet(
    reader: LogReader, criteria: Criteria, progress: Progress = lambda _: None
) -> frozenset[str]:
    """The requests that are meant. Reads the whole log. Raises LogError."""
    state = reader.describe()
    found = set()
    for records in reader.read(state.begin, state.end):
        progress(len(records))
        for record in records:
            decoded = decoded_or_none(record)
            if decoded is not None and criteria.meets(decoded):
                found.add(decoded.event.data.request_id)
    return frozenset(found)


@dataclass(slots=True)
class OfUser:
    """What the log has of a user."""

    requests: set[str]
    urls: dict[str, str] = field(default_factory=dict)
    """Where the images were, by request."""
    sealed: int = 0
    """Events whose personal fields are sealed, or empty."""
    readable: list[Position] = field(default_factory=list)
    """Where events stand whose personal fields anybody can read."""
    end: Mapping[int, int] = field(default_factory=dict)
    """Up to where it was read."""


def events_of_user(
    reader: LogReader,
    user_id: str,
    start: Mapping[int, int] | None = None,
    progress: Progress = lambda _: None,
) -> OfUser:
    """Reads the log from ``start``, or from its beginning. Raises LogError."""
    state = reader.describe()
    starts = {n: max((start or {}).get(n, 0), begin) for n, begin in state.begin.items()}
    found = OfUser(set(), end=state.end)
    # In JSON a user's id may be written with escapes; then only decoding tells.
    needle = json.dumps(user_id, ensure_ascii=False)[1:-1].encode()
    for records in reader.read(starts, state.end):
        progress(len(records))
        for record in records:
            value = record.value or b""
            if needle not in value and b"\\u" not in value:
                continue
            decoded = decoded_or_none(record)
            if decoded is None:
                if _tells_of(value, user_id):
                    found.readable.append(Position(record.partition, record.offset))
            elif getattr(decoded.event.data, "user_id", None) == user_id:
                _note(found, decoded)
    return found


def _tells_of(value: bytes, user_id: str) -> bool:
    """Whether a record that is no event, and so a dead letter, has something personal of a user."""
    try:
        data = json.loads(value)["data"]
        return bool(data["user_id"] == user_id and any(data.get(name) for name in PERSONAL))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        name = re.escape(json.dumps(user_id, ensure_ascii=False).encode())
        return re.search(rb'"user_id"\s*:\s*' + name, value) is not None


def _note(found: OfUser, decoded: Decoded) -> None:
    data = decoded.event.data
    found.requests.add(data.request_id)
    if isinstance(data, ImageGenerated):
        found.urls[data.request_id] = data.storage_url
    if any(data.__dict__.get(name) for name in PERSONAL):
        found.readable.append(Position(decoded.record.partition, decoded.record.offset))
    else:
        found.sealed += 1


def milliseconds(at: datetime) -> int:
    """Since 1970, in whole numbers: a float would now and then fall short by one."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def is_of(requests: frozenset[str], record: Record) -> bool:
    """Whether the record is an event of one of these requests."""
    decoded = decoded_or_none(record)
    return decoded is not None and decoded.event.data.request_id in requests


def was_sent_by(until_ms: int, record: Record) -> bool:
    """Whether the record was in the log by then, in milliseconds since 1970.

    A record's timestamp is its producer's, from when it was sent; the event inside may be far
    older (a backfill), and was in no table until then.
    """
    return record.timestamp_ms <= until_ms
