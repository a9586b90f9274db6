"""Records become a batch: good ones decoded, bad ones set aside with their reason."""

from __future__ import annotations

import pytest

from consumers import decoding
from consumers.decoding import Draft, decode, decode_batch
from schemas.record import Record
from tests.unit.consumers.fakes import good_record


def test_good_and_bad_records_are_told_apart_and_the_positions_pass_both() -> None:
    good = good_record(0, 0)
    records = [
        good,
        good_record(0, 1)._replace(value=b"not json"),
        good_record(2, 7)._replace(key=None),
        good_record(2, 8)._replace(value=None),
    ]
    batch = decode_batch(records)
    assert [decoded.record for decoded in batch.decoded] == [good]
    assert batch.decoded[0].event.data.request_id == "r-0-0"
    assert [letter.record for letter in batch.invalid] == records[1:]
    assert [letter.error_class for letter in batch.invalid] == ["NotJson", "NoKey", "EmptyValue"]
    assert batch.next_offsets == {0: 2, 2: 9}


def test_a_key_that_is_not_the_request_is_counted_and_accepted() -> None:
    draft = decode([good_record(0, 0), good_record(0, 1)._replace(key=b"another")])
    assert draft.key_mismatches == 1
    assert len(draft.decoded) == 2


def test_bytes_and_ages_are_kept() -> None:
    records = [good_record(0, 0, 500), good_record(0, 1, 400), good_record(1, 0, 900)]
    draft = decode(records)
    assert draft.bytes == sum(len(record.value or b"") for record in records)
    assert draft.oldest_ms == {0: 500, 1: 900}
    draft.extend(decode([good_record(1, 1, 950), good_record(2, 0, 990)]))
    assert draft.oldest_ms == {0: 500, 1: 900, 2: 990}


def test_dropping_partitions_leaves_nothing_of_them() -> None:
    draft = decode([good_record(0, 0), good_record(1, 0), good_record(1, 1)._replace(key=None)])
    draft.drop([1, 5])
    assert [decoded.record.partition for decoded in draft.decoded] == [0]
    assert draft.invalid == []
    assert draft.next_offsets == {0: 1}
    assert draft.oldest_ms.keys() == {0}
    draft.drop([0])
    assert (draft.records, draft.bytes) == (0, 0)


def test_a_record_that_makes_the_decoder_fail_is_set_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(record: Record) -> None:
        raise RecursionError("too deep for the secret value")

    monkeypatch.setattr(decoding, "read_record", fails)
    draft = decode([good_record(0, 0)])
    assert draft.invalid[0].error_class == "RecursionError"
    assert "secret" not in draft.invalid[0].message


def test_lack_of_memory_is_not_the_record_s_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(record: Record) -> None:
        raise MemoryError

    monkeypatch.setattr(decoding, "read_record", fails)
    with pytest.raises(MemoryError):
        decode([good_record(0, 0)])


def test_an_empty_draft_is_an_empty_batch() -> None:
    assert decode([]).batch() == Draft().batch()
