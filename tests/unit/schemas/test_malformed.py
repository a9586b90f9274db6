"""Whatever is no event is refused with its reason, and nothing else is ever raised."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import events as models
from schemas.codec import _read_quickly, _read_with_care, decode, decode_record, encode
from schemas.compact import compact, read_quickly
from schemas.errors import ERROR_CLASSES, InvalidEvent
from schemas.events import Event
from schemas.record import Record
from schemas.upcasters import UPCASTERS
from tests.support.builders import events, json_values
from tests.support.malformed import Malformed, document, malformed_data, malformed_values

CATALOGUE = list(malformed_values())

odd_values: Any = st.sampled_from(
    [
        *("\0", "\ud800", "", "x" * 33, "x" * 300, "ü" * 300, "req-1", "ImageMoved", "\\u0000"),
        *("2026-11-23T00:00:00+01:00", "9999-12-31T00:00:00Z", "https://h.test/ü", "data:,x"),
        *(float("nan"), float("inf"), -1, 0, 2**31, 1.0, True, None, [], {}, ["x"] * 101),
        *({"a": "\0"}, {"\0": 1}, {"a": float("inf")}, {"a": [10**1000]}, {"a": "NaN"}),
    ]
)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("bad", CATALOGUE, ids=lambda bad: bad.name)
def test_each_malformed_record_has_its_error_class(bad: Malformed) -> None:
    with pytest.raises(InvalidEvent) as caught:
        decode_record(Record("topic", 0, 0, 0, bad.key, bad.value))
    assert caught.value.error_class == bad.error_class, caught.value.message
    assert_speakable(caught.value)


def assert_speakable(error: InvalidEvent) -> None:
    """A line of printable ASCII, which any log, terminal and text column takes."""
    assert error.error_class in ERROR_CLASSES
    assert 0 < len(error.message) <= 500
    assert error.message.isascii()
    assert error.message.isprintable()
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert (again.error_class, again.message) == (error.error_class, error.message)


def test_every_error_class_is_in_the_catalogue() -> None:
    # Only producers; only with upcasters; only with keys.
    elsewhere = {"UnknownField", "UpcastFailed", "SealBroken", "SealingKeyUnknown"}
    assert {bad.error_class for bad in CATALOGUE} == ERROR_CLASSES.keys() - elsewhere


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (document(data_user_id="x" * 40), "data.user_id: 40 characters, limit 32"),
        (document(data_request_id="ü" * 300), "data.request_id: 600 bytes, limit 512"),
        (document(id="x" * 600), "id: 600 bytes, limit 512"),
        (document(data_tags=["x"] * 101), "data.tags: 101 items, limit 100"),
        (document(data_tags=["x", "y" * 300]), "data.tags.1: 300 characters, limit 255"),
        (document(data_prompt="x" * 300_000), "data.prompt: 300000 bytes, limit 262144"),
        (
            document(data_metadata={"a": "x" * 300_000}),
            "data.metadata: 300008 bytes as JSON, limit 262144",
        ),
        (b"x" * 2_000_000, "value: 2000000 bytes, limit 1048576"),
        (document(data_n=0), "data.n: 0 is out of range, must be greater than or equal to 1"),
        (document(data_n="5"), "data.n: is a text, must be a valid integer"),
        (document(data_prompt=None), "data.prompt: is null, must be a valid string"),
        (
            document(data_metadata={"a": [1, {"b\n": "\0"}]}),
            r"data.metadata.a.1.b\n: contains NUL (U+0000)",
        ),
        (
            document(data_user_id="x" * 40, data_n=0),
            "data.user_id: 40 characters, limit 32 (and 1 more)",
        ),
        (
            document(type="Image\nDrawn"),
            r"type: Image\nDrawn is none of ImageGenerated, ImageFailed, ImageMoved, ImageDeleted",
        ),
    ],
)
def test_the_message_says_field_limit_and_size(value: bytes, message: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        decode(value)
    assert str(caught.value) == message


@pytest.mark.parametrize("bad", CATALOGUE, ids=lambda bad: bad.name)
def test_messages_show_little_of_the_value(bad: Malformed) -> None:
    """A prompt may be private; no more than a short excerpt of any field is shown."""
    secret = "correct horse battery staple " * 4
    value = (bad.value or b"").replace(b"A quiet harbour", secret.encode())
    try:
        decode(value)
    except InvalidEvent as error:
        assert secret[:45] not in error.message  # noqa: PT017  may be good, without a key


def test_a_data_url_is_not_quoted() -> None:
    with pytest.raises(InvalidEvent) as caught:
        decode(document(data_storage_url="data:image/png;base64,iVBORw0KGgo="))
    assert "iVBOR" not in caught.value.message
    assert "scheme data, 34 characters" in caught.value.message


@given(st.binary(max_size=60) | st.text().map(lambda text: text.encode()) | json_values.map(_json))
def test_any_bytes_are_an_event_or_an_invalid_event(value: bytes) -> None:
    with pytest.raises(InvalidEvent) as caught:
        decode(value)
    assert_speakable(caught.value)


@given(events(), st.data())
def test_the_quick_way_and_the_careful_way_agree(event: Event, data: st.DataObject) -> None:
    """Anything at all in the place of any part of an event."""
    parsed = json.loads(encode(event))
    target = data.draw(st.sampled_from([parsed, parsed["data"]]))
    field = data.draw(st.sampled_from([*target, "unknown"]))
    if data.draw(st.booleans()):
        target[field] = data.draw(json_values | odd_values)
    else:
        target.pop(field, None)
    value = json.dumps(parsed, ensure_ascii=data.draw(st.booleans())).encode(
        "utf-8", "surrogatepass"
    )
    quick, compacted = _read_quickly(value), read_quickly(value)
    try:
        careful = _read_with_care(value, UPCASTERS, "ignore")
    except InvalidEvent as error:
        assert quick is None
        assert compacted is None
        assert_speakable(error)
    else:
        assert quick in (None, careful)
        assert compacted in (None, compact(careful))
        assert decode(value) == careful
        assert decode(encode(careful)) == careful


@given(events(), st.data())
def test_damaged_bytes_never_raise_anything_else(event: Event, data: st.DataObject) -> None:
    value = bytearray(encode(event))
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = decode(bytes(value))
    except InvalidEvent as error:
        assert_speakable(error)
    else:
        assert decode(encode(again)) == again


@pytest.mark.parametrize(("name", "kind", "data", "error_class"), list(malformed_data()))
def test_what_json_may_not_say_python_may_not_either(
    name: str, kind: str, data: dict[str, Any], error_class: str
) -> None:
    """Producers build models from Python values; these meet the same limits at the other door."""
    model: Any = getattr(models, kind)
    with pytest.raises(InvalidEvent) as caught:
        model(**data)
    assert caught.value.error_class == error_class
    assert_speakable(caught.value)
    # Not by way of __init__, as FastAPI and nested models are validated.
    with pytest.raises(ValidationError):
        model.model_validate(data)
