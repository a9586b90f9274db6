"""Records as they stand in a batch of the format's version 2, decompressed.

Kafka's documentation, "Record"; numbers are Protocol Buffers' variable-length ones, "zigzag".
"""

from __future__ import annotations

from schemas.codec import HEADERS
from schemas.record import Record

Headers = tuple[tuple[str, bytes], ...]
Times = tuple[int, int | None]
"""The batch's first timestamp, and the one that all its records have, if the broker set it."""


def read_records(buffer: bytes, at: int, count: int, base: Record, times: Times) -> list[Record]:
    """Raises IndexError or ValueError for what is no batch's content."""
    topic, partition, first_offset, *_ = base
    first_time, append_time = times
    found: list[Record] = []
    for _ in range(count):
        length, at = _varint(buffer, at)
        end = at + length
        if buffer[at]:
            raise ValueError("attributes, of which none is in use")
        delta, at = _varint(buffer, at + 1)
        time = first_time + delta if append_time is None else append_time
        delta, at = _varint(buffer, at)
        key, at = _bytes(buffer, at)
        value, at = _bytes(buffer, at)
        headers, at = _headers(buffer, at)
        if at != end:
            raise ValueError(f"a record of {length} bytes ends after {at - end + length}")
        found.append(Record(topic, partition, first_offset + delta, time, key, value, headers))
    if at != len(buffer):
        raise ValueError("bytes behind the last record")
    return found


def read_small_records(
    buffer: bytes, at: int, count: int, base: Record, times: Times
) -> list[Record]:
    """As read_records, in a third of its time, for records as nearly all are.

    They have a key, a value and the usual headers or none, and no number in them takes over two
    bytes. Each is read where it stands, as a call would take longer than all the rest. Raises
    IndexError or ValueError for all others.
    """
    topic, partition, first_offset, *_ = base
    first_time, append_time = times
    found: list[Record] = []
    add, new, numbers, starts_with = found.append, tuple.__new__, _NUMBERS, buffer.startswith
    for _ in range(count):
        raw = buffer[at]
        at += 1
        if raw > 0x7F:
            raw += (buffer[at] << 7) - 0x80
            at += 1
        end = at + numbers[raw]
        attributes, raw = buffer[at], buffer[at + 1]
        at += 2
        if raw > 0x7F:
            raw += (buffer[at] << 7) - 0x80
            at += 1
        delta = numbers[raw]
        time = first_time + delta if append_time is None else append_time
        raw = buffer[at]
        at += 1
        if raw > 0x7F:
            raw += (buffer[at] << 7) - 0x80
            at += 1
        offset = first_offset + numbers[raw]
        raw = buffer[at]
        at += 1
        if raw > 0x7F:
            raw += (buffer[at] << 7) - 0x80
            at += 1
        key_at = at
        at += numbers[raw]
        key, raw = buffer[key_at:at], buffer[at]
        at += 1
        if raw > 0x7F:
            raw += (buffer[at] << 7) - 0x80
            at += 1
        value_at = at
        at += numbers[raw]
        if attributes or at <= value_at or value_at <= key_at + 1:
            raise ValueError("attributes, or no key or value")
        value = buffer[value_at:at]
        headers = HEADERS if starts_with(_USUAL, at) else ()
        at += _SIZE_OF_USUAL if headers else 1
        if at != end or not (headers or buffer[at - 1] == 0):
            raise ValueError("other headers")
        add(new(Record, (topic, partition, offset, time, key, value, headers)))
    if at != len(buffer):
        raise ValueError("bytes behind the last record")
    return found


def _varint(buffer: bytes, at: int) -> tuple[int, int]:
    """A zigzag number of variable length, and where it ends (Protocol Buffers, "Varints")."""
    raw = buffer[at]
    at += 1
    if raw < 0x80:
        return (raw >> 1) ^ -(raw & 1), at
    byte = buffer[at]
    at += 1
    raw = raw & 0x7F | (byte & 0x7F) << 7
    if byte < 0x80:
        return (raw >> 1) ^ -(raw & 1), at
    shift = 14
    while True:
        byte = buffer[at]
        at += 1
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (raw >> 1) ^ -(raw & 1), at
        shift += 7
        if shift > 63:
            raise ValueError("a number of over ten bytes")


def _bytes(buffer: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = _varint(buffer, at)
    if length < 0:
        return None, at
    end = at + length
    if end > len(buffer):
        raise ValueError("cut off")
    return buffer[at:end], end


def _headers(buffer: bytes, at: int) -> tuple[Headers, int]:
    count, at = _varint(buffer, at)
    if count < 0:
        raise ValueError("a negative number of headers")
    found = []
    for _ in range(count):
        name, at = _bytes(buffer, at)
        if name is None:
            raise ValueError("a header without a name")
        value, at = _bytes(buffer, at)
        found.append((name.decode(), value or b""))
    return tuple(found), at


def _encoded(headers: Headers) -> bytes:
    """Headers as they stand in a record, none of them over 63 bytes."""
    parts = [bytes([2 * len(headers)])]
    for name, value in headers:
        parts += [bytes([2 * len(name)]), name.encode(), bytes([2 * len(value)]), value]
    return b"".join(parts)


_USUAL = _encoded(HEADERS)
"""Nearly every record has these."""
_SIZE_OF_USUAL = len(_USUAL)
_NUMBERS = [(raw >> 1) ^ -(raw & 1) for raw in range(1 << 14)]
"""What two bytes of seven bits each stand for (Protocol Buffers, "Signed Integers")."""
