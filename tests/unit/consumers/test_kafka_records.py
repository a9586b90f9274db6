"""Record batches are unpacked to what kafka-python itself makes of them."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.errors import CorruptRecordError  # type: ignore[import-untyped]  # no type hints
from kafka.record.memory_records import (  # type: ignore[import-untyped]  # same
    MemoryRecords,
    MemoryRecordsBuilder,
)

from consumers.kafka_records import unpack
from consumers.record_format import read_small_records
from schemas.codec import HEADERS
from schemas.record import Record

FIRST = 1_700_000_000_000
ATTRIBUTES = 21
"""Where they stand in a batch (two bytes); behind them the checksum's range goes on."""

contents = st.one_of(st.none(), st.binary(max_size=300), st.just(b"x" * 8_200))
headers = st.one_of(
    st.just(list(HEADERS)),
    st.lists(st.tuples(st.text(max_size=70), st.none() | st.binary(max_size=70)), max_size=3),
)
entries = st.lists(
    st.tuples(st.integers(-(10**9), 10**12), contents, contents, headers), min_size=1, max_size=8
)


def batch_of(found: list[Any], compression: int = 0) -> bytes:
    """The entries as one batch, as a producer sends it."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=compression, batch_size=2**24)
    for later, key, value, more in found:
        assert builder.append(FIRST + later, key, value, more) is not None
    builder.close()
    return bytes(builder.buffer())


def opened(raw: bytes) -> Any:
    """What the library's fetcher hands on."""
    return MemoryRecords(raw).next_batch()


def by_the_library(raw: bytes) -> list[Record]:
    return [
        Record(
            "topic",
            3,
            one.offset,
            one.timestamp,
            one.key,
            one.value,
            tuple((name, value or b"") for name, value in one.headers),
        )
        for one in opened(raw)
    ]


@settings(max_examples=60)
@given(found=entries, compression=st.sampled_from([0, 1, 3, 4]))
def test_records_are_those_of_the_library(found: list[Any], compression: int) -> None:
    raw = batch_of(found, compression)
    assert unpack(opened(raw), "topic", 3) == by_the_library(raw)


small = st.tuples(
    st.integers(0, 8_000),
    st.binary(min_size=1, max_size=300),
    st.binary(min_size=1, max_size=300) | st.just(b"x" * 8_000),
    st.sampled_from([[], list(HEADERS)]),
)


@given(found=st.lists(small, min_size=1, max_size=200))
def test_records_as_nearly_all_are_take_the_quick_way(found: list[Any]) -> None:
    raw = batch_of(found)
    batch, base = opened(raw), Record("topic", 3, 0, 0, None, None)
    times = (batch.first_timestamp, None)
    buffer, count = bytes(batch._buffer), batch.records_count
    assert read_small_records(buffer, batch._pos, count, base, times) == by_the_library(raw)


@given(found=entries)
def test_the_broker_s_times_are_taken_where_the_topic_says_so(found: list[Any]) -> None:
    raw = bytearray(batch_of(found))
    raw[ATTRIBUTES + 1] |= 0x08
    assert unpack(opened(bytes(raw)), "topic", 3) == by_the_library(bytes(raw))


@pytest.mark.parametrize("more", [[], list(HEADERS)])
def test_a_late_time_that_does_not_count_is_passed_over_whole(more: list[Any]) -> None:
    # Its third byte, were it taken for the next number, would begin another record that fits.
    found = [(0, b"a", b"b", more), (20_000, b"@123456789", b"v" * 22, more)]
    raw = bytearray(batch_of(found))
    raw[ATTRIBUTES + 1] |= 0x08
    assert unpack(opened(bytes(raw)), "topic", 3) == by_the_library(bytes(raw))


@given(found=entries)
def test_offsets_follow_the_batch_s_own(found: list[Any]) -> None:
    raw = struct.pack(">q", 2**40) + batch_of(found)[8:]
    assert [one.offset - 2**40 for one in unpack(opened(raw), "topic", 3)] == [*range(len(found))]


def test_the_formats_before_version_two_are_left_to_the_library() -> None:
    builder = MemoryRecordsBuilder(magic=1, compression_type=0, batch_size=2**20)
    builder.append(FIRST, b"key", b"value", [])
    builder.close()
    raw = bytes(builder.buffer())
    assert unpack(opened(raw), "topic", 3) == [Record("topic", 3, 0, FIRST, b"key", b"value")]


@given(found=entries, data=st.data())
def test_damage_is_judged_by_the_library(found: list[Any], data: st.DataObject) -> None:
    raw = bytearray(batch_of(found))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(61, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        expected = by_the_library(bytes(raw))
    except (CorruptRecordError, UnicodeDecodeError):
        with pytest.raises((CorruptRecordError, UnicodeDecodeError)):
            unpack(opened(bytes(raw)), "topic", 3)
    else:
        assert unpack(opened(bytes(raw)), "topic", 3) == expected
