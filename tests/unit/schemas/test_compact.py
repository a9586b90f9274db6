"""The consumers' quick way of reading says of every value what the careful way says, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import compact as module
from schemas.codec import decode, decode_strict, encode
from schemas.compact import (
    CompactEvent,
    compact,
    encode_compact,
    read_quickly,
    read_record,
    read_strict,
)
from schemas.errors import InvalidEvent
from schemas.events import ENVELOPES, Event
from schemas.record import Record
from tests.support.builders import deleted, failed, generated, moved, record
from tests.support.malformed import Malformed, malformed_values
from tests.support.strategies import events

TIMES = st.from_regex(
    r"[12][09][0-9]{2}[-/][01][0-9]-[0-3][0-9][T t][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
    r"([.,][0-9]{0,9})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9]|[+-][0-9]{2})?",
    fullmatch=True,
)
NUMBERS = st.sampled_from(
    [
        "1.0",
        "1e3",
        "-0",
        "0",
        "2147483647",
        "2147483648",
        "1e400",
        "01",
        "true",
        "null",
        '"1"',
        "9" * 30,
    ]
)


def careful(value: bytes) -> CompactEvent | None:
    """What the codec says."""
    try:
        return compact(decode(value))
    except InvalidEvent:
        return None


@given(event=events())
def test_an_event_comes_back_as_it_is(event: Event) -> None:
    value = encode(event)
    assert read_quickly(value) in (None, compact(event))
    assert read_record(record(event)) == compact(event)


@pytest.mark.parametrize("make", [generated, failed, moved, deleted])
def test_ordinary_events_take_the_quick_way(make: Any) -> None:
    event = make()
    assert read_quickly(encode(event)) == compact(event)


@given(event=events())
def test_it_is_written_as_the_same_event(event: Event) -> None:
    value = encode_compact(compact(event))
    assert decode_strict(value) == decode_strict(encode(event))
    assert len(value) <= len(encode(event)) + 32, "a number may be written otherwise"


def test_what_is_too_large_is_not_written() -> None:
    event = compact(generated())
    event.data.prompt = "x" * 2**20
    with pytest.raises(InvalidEvent, match="limit 1048576"):
        encode_compact(event)


@given(event=events(), name=st.sampled_from(["size", "colour", "id"]), within=st.booleans())
def test_a_producers_event_is_judged_as_by_the_codec(event: Event, name: str, within: bool) -> None:
    parsed = json.loads(encode(event))
    (parsed["data"] if within else parsed)[name] = "new"
    value = json.dumps(parsed).encode()
    assert judged(read_strict, value) == judged(lambda v: compact(decode_strict(v)), value)


def judged(read: Callable[[bytes], CompactEvent], value: bytes) -> CompactEvent | str:
    """What is read, or the complaint."""
    try:
        return read(value)
    except InvalidEvent as exc:
        return f"{exc.error_class}: {exc.message}"


@given(event=events(), text=TIMES)
def test_times_are_those_of_the_codec(event: Event, text: str) -> None:
    value = json.dumps({**json.loads(encode(event)), "time": text}).encode()
    assert read_quickly(value) in (None, careful(value))


@pytest.mark.parametrize(
    "time", ["2020-01-01T00:00:00+01:75", "2020-01-0\N{ARABIC-INDIC DIGIT ONE}T00:00:00Z"]
)
def test_times_that_are_none_are_refused(time: str) -> None:
    value = json.dumps({**json.loads(encode(generated())), "time": time}).encode()
    assert read_quickly(value) is None
    assert careful(value) is None


@given(
    port=st.text(
        "0123456789\N{ARABIC-INDIC DIGIT ONE}\N{DEVANAGARI DIGIT TWO}", min_size=1, max_size=5
    )
)
def test_ports_are_those_of_the_codec(port: str) -> None:
    parsed = json.loads(encode(generated()))
    parsed["data"]["storage_url"] = f"https://images.test:{port}/1.png"
    value = json.dumps(parsed, ensure_ascii=False).encode()
    assert read_quickly(value) in (None, careful(value))


@given(event=events(), number=NUMBERS, name=st.sampled_from(["n", "bytes", "row_id", "metadata"]))
def test_numbers_are_those_of_the_codec(event: Event, number: str, name: str) -> None:
    parsed = json.loads(encode(event))
    parsed["data"][name] = {"a": "NUMBER"} if name == "metadata" else "NUMBER"
    value = json.dumps(parsed).replace('"NUMBER"', number).encode()
    assert read_quickly(value) in (None, careful(value))


@given(text=st.text("Ab9+/=-_ ü", min_size=50, max_size=60))
def test_what_is_sealed_is_that_of_the_codec(text: str) -> None:
    parsed = json.loads(encode(generated()))
    parsed["data"]["sealed"] = text
    value = json.dumps(parsed, ensure_ascii=False).encode()
    assert read_quickly(value) in (None, careful(value))


@given(event=events(), data=st.data())
def test_damaged_bytes_are_judged_as_by_the_codec(event: Event, data: st.DataObject) -> None:
    value = bytearray(encode(event))
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    assert read_quickly(bytes(value)) in (None, careful(bytes(value)))


@pytest.mark.parametrize("bad", list(malformed_values()), ids=lambda bad: bad.name)
def test_nothing_malformed_is_read(bad: Malformed) -> None:
    with pytest.raises(InvalidEvent) as caught:
        read_record(Record("topic", 0, 0, 0, bad.key, bad.value))
    assert caught.value.error_class == bad.error_class


def test_every_field_of_every_event_is_there() -> None:
    for model in ENVELOPES.values():
        data = get_type_hints(model)["data"]
        event = module._EVENTS[model]
        assert {*event.__struct_fields__, "type"} == set(model.model_fields)
        assert get_args(get_type_hints(model)["type"]) == (event.__struct_config__.tag,)
        assert set(module._DATA[data].__struct_fields__) == set(data.model_fields)
