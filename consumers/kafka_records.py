"""Unpacking fetched record batches: what kafka-python does, in a quarter of its time.

The format is version 2 of the record batch (KIP-98, Kafka's documentation, "Record Batch"). The
library fetches, checks the checksum, decompresses and knows transactions; only the records
themselves are read here. A batch with anything odd in it is left to the library, which knows the
proper error.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from zstandard import ZstdDecompressor, ZstdError, frame_content_size

from schemas.codec import HEADERS
from schemas.record import Record

Headers = tuple[tuple[str, bytes], ...]
Times = tuple[int, int | None]
"""The batch's first timestamp, and the one that all its records have, if the broker set it."""

_MAGIC = 2
_LOG_APPEND_TIME = 1
_MOST_AT_ONCE = 64 * 2**20
"""Of bytes, as a frame's head promises them."""


def quick(partition_records: type[Any], corrupt: type[Exception]) -> type[Any]:
    """The fetcher's own class of a partition's fetched records, unpacking quickly.

    It gives schemas.record.Record. ``corrupt`` is raised for a batch whose checksum is wrong.
    """

    class QuickRecords(partition_records):  # type: ignore[misc]  # given at run time
        def _unpack_records(self, tp: Any, records: Any, *_: Any) -> Iterator[Record]:
            last = None
            while (batch := records.next_batch()) is not None:
                last = batch
                if self.check_crcs and not batch.validate_crc():
                    where = f"batch of {tp} at offset {batch.base_offset}"
                    raise corrupt(f"{where}: wrong checksum")
                self.bytes_read += batch.size_in_bytes
                if batch.magic == _MAGIC:
                    self.leader_epoch = batch.leader_epoch
                    if _is_left_out(self, batch):
                        continue
                for record in unpack(batch, tp.topic, tp.partition):
                    self.records_read += 1
                    self.next_fetch_offset = record.offset + 1
                    yield record
            if last is not None and last.magic == _MAGIC:
                # Compaction may have taken the last records of a batch.
                self.next_fetch_offset = last.next_offset
            self.drain()

    return QuickRecords


def _is_left_out(records: Any, batch: Any) -> bool:
    """Control batches, and those of an aborted transaction (KIP-98); as kafka-python has it."""
    if batch.has_producer_id():
        records._consume_aborted_transactions_up_to(batch.last_offset)
        if records._contains_abort_marker(batch):
            records.aborted_producer_ids.discard(batch.producer_id)
        elif records._is_batch_aborted(batch):
            return True
    return bool(batch.is_control_batch)


def unpack(batch: Any, topic: str, partition: int) -> list[Record]:
    """The records of a batch that was checked and not yet iterated over."""
    if batch.magic != _MAGIC:
        return [_as_record(one, topic, partition) for one in batch]
    buffer, at = _contents(batch)
    stamp = None if batch.timestamp_type != _LOG_APPEND_TIME else batch.max_timestamp
    times = (batch.first_timestamp, stamp)
    base = Record(topic, partition, batch.base_offset, 0, None, None)
    for read in (_small_records, _records):
        with suppress(IndexError, ValueError):
            return read(buffer, at, batch.records_count, base, times)
    return [_as_record(one, topic, partition) for one in batch]


class _Inflating(threading.local):
    """A decompressor for each thread: making one takes longer than most batches do."""

    def __init__(self) -> None:
        self.decompress = ZstdDecompressor().decompress


_inflating = _Inflating()


def _contents(batch: Any) -> tuple[bytes, int]:
    """The batch's bytes, decompressed, and where its records begin in them.

    Frames that do not tell their size, as other clients write them, are left to the library.
    """
    if batch.compression_type == batch.CODEC_ZSTD:
        packed = bytes(memoryview(batch._buffer)[batch._pos :])
        with suppress(ZstdError):
            if 0 < frame_content_size(packed) <= _MOST_AT_ONCE:
                return _inflating.decompress(packed, allow_extra_data=False), 0
    batch._maybe_uncompress()
    return bytes(batch._buffer), batch._pos


def _as_record(one: Any, topic: str, partition: int) -> Record:
    headers = tuple((name, value or b"") for name, value in one.headers)
    return Record(topic, partition, one.offset, one.timestamp, one.key, one.value, headers)


def _records(buffer: bytes, at: int, count: int, base: Record, times: Times) -> list[Record]:
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


def _small_records(buffer: bytes, at: int, count: int, base: Record, times: Times) -> list[Record]:
    """As _records, in a third of its time, for records as nearly all are.

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
