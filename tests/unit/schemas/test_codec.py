"""Events survive the way to bytes and back, whoever wrote the bytes."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import (
    _read_quickly,
    decode,
    decode_record,
    decode_strict,
    encode,
    key_of,
    metadata_json,
)
from schemas.errors import InvalidEvent
from schemas.events import Event, GeneratedEvent, ImageFailed, ImageGenerated
from schemas.limits import MAX_VALUE_BYTES
from tests.support.builders import deleted, events, failed, generated, json_values, moved, record
from tests.support.malformed import ABSENT, Raw, document

ONE_OF_EACH = (generated(metadata={"a": "b"}, tags=("x",)), failed(), moved(), deleted())


@given(events())
def test_what_is_decoded_is_what_was_encoded(event: Event) -> None:
    value = encode(event)
    again = decode(value)
    assert again == event
    assert type(again.data) is type(event.data)
    assert again.time.utcoffset() == timedelta(0)
    assert encode(again) == value
    assert decode_strict(value) == event
    assert decode_record(record(event)) == event


@given(events(), st.randoms(use_true_random=False), st.booleans(), st.sampled_from([None, 2]))
def test_spelling_does_not_matter(
    event: Event, rng: random.Random, ascii_only: bool, indent: int | None
) -> None:
    """Order of keys, white space and escapes: any JSON writer's event reads the same."""
    document = _shuffled(json.loads(encode(event)), rng)
    value = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    assert decode(value) == event


def _shuffled(value: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    items = list(value.items())
    rng.shuffle(items)
    return {key: _shuffled(v, rng) if isinstance(v, dict) else v for key, v in items}


@given(events(), st.dictionaries(st.sampled_from(["x", "Type", "größe"]), json_values, min_size=1))
def test_unknown_fields_are_for_producers_to_answer_for(
    event: Event, unknown: dict[str, Any]
) -> None:
    parsed = json.loads(encode(event))
    outside = json.dumps({**parsed, **unknown}).encode()
    inside = json.dumps({**parsed, "data": {**parsed["data"], **unknown}}).encode()
    for value in (outside, inside):
        assert decode(value) == event
        with pytest.raises(InvalidEvent) as caught:
            decode_strict(value)
        assert caught.value.error_class == "UnknownField"


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.type)
def test_an_ordinary_event_is_read_the_quick_way(event: Event) -> None:
    """What is read with care costs five times as much, and is read rightly, so nobody notices."""
    value = encode(event)
    assert _read_quickly(value) == event
    assert _read_quickly(value.replace(b"quiet", 'größe \\n \\"'.encode())) is not None
    # No Python code runs between pydantic-core and its models.
    assert not any(m.__pydantic_custom_init__ for m in (type(event), type(event.data)))


def test_an_event_in_the_documented_order_of_fields() -> None:
    event = generated()
    order = list(json.loads(encode(event)))
    assert order == [
        *("specversion", "id", "source", "type", "subject", "time", "datacontenttype"),
        *("dataschema", "data"),
    ]


def test_absent_fields_get_their_defaults() -> None:
    event = decode(document(datacontenttype=ABSENT))
    assert isinstance(event, GeneratedEvent)
    assert (event.subject, event.datacontenttype, event.extensions) == (None, *_DEFAULTS)
    absent = ("username", "model", "size", "quality", "style", "tags", "metadata", "message_id")
    assert event.data.n == 1
    assert {getattr(event.data, name) for name in (*absent, "bytes", "sha256")} == {None}


_DEFAULTS: tuple[Any, ...] = ("application/json", {})


def test_null_is_as_good_as_absent_for_an_optional_field() -> None:
    value = document(data_username=None, data_metadata=None, subject=None, data_sha256=None)
    assert decode(value) == decode(document())


def test_null_in_metadata_is_kept() -> None:
    event = generated(metadata={"a": None, "b": [None]})
    assert decode(encode(event)).data == event.data
    assert metadata_json(event.data) == b'{"a":null,"b":[null]}'


def test_metadata_json_of_data_without_metadata() -> None:
    assert [metadata_json(event.data) for event in (generated(), moved(), deleted())] == [None] * 3


@pytest.mark.parametrize("extra", ["", ',"unknown":1'], ids=["quickly", "with care"])
def test_of_a_key_that_stands_twice_the_last_counts(extra: str) -> None:
    value = document(
        data_metadata=Raw('{"a":1,"a":2},"user_id":"last"'), subject=Raw(f'"req-1"{extra}')
    )
    for twice in (
        value.replace(b'"specversion":"1.0"', b'"type":"ImageMoved","specversion":"1.0"', 1),
        value.replace(b'"specversion":"1.0"', b'"data":{"a":1},"specversion":"1.0"', 1),
        value.replace(b'"specversion":"1.0"', b'"id":5,"specversion":"1.0"', 1),
    ):
        event = decode(twice)
        assert isinstance(event.data, ImageGenerated)
        assert (event.data.user_id, event.data.metadata) == ("last", {"a": 2})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-23T00:00:00Z", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23t00:00:00z", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T01:00:00+01:00", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-22T18:30:00.5-05:30", datetime(2026, 11, 23, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-23T00:00:00.1234569Z", datetime(2026, 11, 23, 0, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-11-23T00:00:00.999999999Z", datetime(2026, 11, 23, 0, 0, 0, 999_999, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9999-12-31T12:00:00+23:59", datetime(9999, 12, 30, 12, 1, tzinfo=UTC)),
        ("9999-12-30T23:59:59.999999Z", datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("more", [{}, {"unknown": 1}], ids=["quickly", "with care"])
def test_times_come_out_in_utc_cut_to_microseconds(
    written: str, read: datetime, more: dict[str, int]
) -> None:
    time = decode(document(time=written, **more)).time
    assert time == read
    assert time.utcoffset() == timedelta(0)


def test_a_producers_time_is_kept_in_utc() -> None:
    time = datetime(2026, 11, 23, 1, tzinfo=timezone(timedelta(hours=1)))
    assert generated(time=time).time.isoformat() == "2026-11-23T00:00:00+00:00"


@pytest.mark.parametrize(
    "written", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x"]
)
def test_json_is_json_in_any_spelling(written: str) -> None:
    assert decode(document(datacontenttype=written)).datacontenttype == "application/json"


def test_sha256_is_kept_in_lower_case() -> None:
    event = decode(document(data_sha256="AB" * 32))
    assert isinstance(event, GeneratedEvent)
    assert event.data.sha256 == generated(sha256="Ab" * 32).data.__dict__["sha256"] == "ab" * 32


def test_an_extension_goes_along() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    event = decode(document(traceparent=parent))
    assert event.extensions == {"traceparent": parent}
    assert json.loads(encode(event))["traceparent"] == parent


def test_a_key_that_differs_is_accepted() -> None:
    stored = record(failed())
    event = decode_record(stored._replace(key=b"another"))
    assert type(event.data) is ImageFailed
    assert key_of(event) == stored.key == b"req-1"


def test_nothing_is_encoded_that_could_not_be_decoded() -> None:
    control_characters = "\x01" * 200_000  # six bytes each, escaped
    with pytest.raises(InvalidEvent, match=rf"value: \d+ bytes, limit {MAX_VALUE_BYTES}"):
        encode(generated(prompt=control_characters))
    event = generated()
    with pytest.raises(InvalidEvent) as caught:
        encode(event.model_copy(update={"subject": "req-2"}))
    assert caught.value.error_class == "SubjectMismatch"
