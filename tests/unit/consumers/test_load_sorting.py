"""Sorting what a rebuild loads, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.load_sorting import Sorted, Sorter
from projections.image_rows import copied, copy_row, has_row
from projections.lift import lift
from projections.projection import Decoded
from schemas.codec import decode_record
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.partitioning import home_partition
from schemas.record import Record
from schemas.sealing import cipher_of, new_key, seal
from tests.support.builders import generated, histories, record
from tests.support.malformed import Malformed, malformed_values

PARTITIONS = 6
POISON = list(malformed_values(huge=False))
NOWHERE: Any = None
"""No connection: no key is looked up in a database here."""


def at_home(event: Event, offset: int) -> Record:
    request = event.data.request_id.encode()
    return record(event, home_partition(request, PARTITIONS), offset)


def sort(records: Sequence[Record]) -> Sorted:
    return Sorter(1_000, PARTITIONS).sort(records, NOWHERE)


def made_of(one: Record) -> bytes:
    """The row of this record alone."""
    return copy_row(decode_record(one).data.request_id, lift(Decoded(one, decode_record(one))))


def requests_of(records: Sequence[Record]) -> set[str]:
    return {decode_record(one).data.request_id for one in records}


def alone(one: Record) -> bool:
    """Whether a row can be made of it that no other request has a say in."""
    event = decode_record(one)
    old_id = getattr(event.data, "row_id", None)
    return has_row(lift(Decoded(one, event))) and old_id is None


@given(histories(), st.lists(st.sampled_from(POISON), max_size=3), st.data())
def test_each_record_takes_one_way_and_one_of_a_request_s_is_a_row(
    history: Sequence[Event], spoilt: Sequence[Malformed], data: st.DataObject
) -> None:
    records = [at_home(event, offset) for offset, event in enumerate(history)]
    for number, bad in enumerate(spoilt):
        poison = Record("images", 0, 1_000 + number, 0, bad.key, bad.value)
        records.insert(data.draw(st.integers(0, len(records))), poison)
    found = sort(records)
    ways = [*found.firsts, *found.deferred, *(letter.record for letter in found.invalid)]
    assert sorted(ways, key=records.index) == records
    for letter in found.invalid:
        with pytest.raises(InvalidEvent):
            decode_record(letter.record)
    assert all(map(alone, found.firsts))
    requests = [decode_record(one).data.request_id for one in found.firsts]
    assert len(set(requests)) == len(requests)
    assert bytes(found.rows) == b"".join(map(made_of, found.firsts))
    # Who comes first of a request without a row has had none either.
    rowless = requests_of(found.deferred) - set(requests)
    assert rowless <= requests_of([one for one in found.deferred if not alone(one)])


def test_an_event_that_no_row_can_be_made_of_is_left_to_the_merge_and_the_others_land(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = [at_home(generated(f"request-{number}"), number) for number in range(3)]
    add = copied.add

    def refuse(values: Sequence[Any], rows: bytearray) -> None:
        half = [f"{value}\ud800" if value == "request-1" else value for value in values]
        add(half, rows)

    monkeypatch.setattr("consumers.load_sorting.copied.add", refuse)
    found = sort(records)
    assert bytes(found.rows) == made_of(records[0]) + made_of(records[2])
    assert found.firsts == [records[0], records[2]]
    assert found.deferred == [records[1]]


def test_only_what_stands_in_its_request_s_own_partition_goes_by_copy() -> None:
    event = generated(request_id="somewhere")
    one = at_home(event, 0)
    stray = one._replace(partition=(one.partition + 1) % PARTITIONS)
    # Its key is at home there, and is not its request's.
    other = one._replace(key=b"another", partition=home_partition(b"another", PARTITIONS))
    for each, goes_by_copy in ((one, True), (stray, False), (other, False)):
        found = sort([each])
        assert (bool(found.rows), bool(found.deferred)) == (goes_by_copy, not goes_by_copy)


def test_what_is_sealed_is_opened_and_what_cannot_be_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, unknown = new_key(), new_key()
    monkeypatch.setattr("projections.unsealing.look_up", lambda *_: {known.key_id: known.key})
    events = [generated(f"request-{number}", prompt="a harbour") for number in range(3)]
    keys = (known, None, unknown)
    records = [
        at_home(seal(event, key.key_id, cipher_of(key.key)) if key else event, number)
        for number, (event, key) in enumerate(zip(events, keys, strict=True))
    ]
    assert b"a harbour" not in (records[0].value or b"")
    found = sort(records)
    # Those that are plain come first.
    assert found.firsts == [records[1], records[0]]
    assert bytes(found.rows) == made_of(records[1]) + made_of(at_home(events[0], 0))
    assert [(one.record, one.error_class) for one in found.invalid] == [
        (records[2], "SealingKeyUnknown")
    ]


def test_what_is_refused_as_a_whole_is_deferred_as_a_whole() -> None:
    records = [at_home(generated(f"request-{number}"), number) for number in range(3)]
    found = sort([*records, records[0]])
    found.defer_all()
    assert (found.rows, found.firsts) == (bytearray(), [])
    assert sorted(found.deferred) == sorted([*records, records[0]])
