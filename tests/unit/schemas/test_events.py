"""Events as facts: frozen, with an identity, a time and a source, and nothing else."""

from __future__ import annotations

import time as clock
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from schemas.codec import decode, encode, key_of
from schemas.errors import InvalidEvent
from schemas.events import (
    Event,
    ImageDeleted,
    ImageFailed,
    ImageGenerated,
    ImageMoved,
    new_event,
    uuid7,
)
from tests.support.builders import TIME, any_data, deleted, events, failed, generated, moved

DELETED = ImageDeleted(request_id="req-1", reason="user")


def test_a_new_event_says_who_when_and_about_what() -> None:
    before = datetime.now(UTC)
    event = new_event(generated("req-7").data)
    assert before <= event.time <= datetime.now(UTC)
    assert event.time.tzinfo is UTC
    assert (event.specversion, event.type) == ("1.0", "ImageGenerated")
    assert (event.source, event.subject) == ("/tools/generateUserImage", "req-7")
    assert event.dataschema == "urn:omega-images:ImageGenerated:1"
    assert key_of(event) == b"req-7"
    assert new_event(DELETED).source == "/omega-images"


@given(any_data())
def test_any_data_makes_an_event(data: Any) -> None:
    event = new_event(data)
    assert event.data is data
    assert decode(encode(event)) == event


def test_the_type_of_the_data_tells_the_type_of_the_event() -> None:
    kinds = [type(event.data) for event in (generated(), failed(), moved(), deleted())]
    assert kinds == [ImageGenerated, ImageFailed, ImageMoved, ImageDeleted]


@given(events())
def test_events_are_frozen(event: Event) -> None:
    for model, field in ((event, "id"), (event.data, "request_id")):
        with pytest.raises(ValidationError):
            setattr(model, field, "another")
    assert isinstance(hash(event.id), int)


def test_what_a_producer_does_to_its_metadata_afterwards_is_nothing_to_the_event() -> None:
    metadata: dict[str, Any] = {"list": [1], "tuple": (1, (2,))}
    event = generated(metadata=metadata)
    metadata["list"].append(2)
    assert event.data.__dict__["metadata"] == {"list": [1], "tuple": [1, [2]]}


class Size(StrEnum):
    """As a tool's own code may have it."""

    LARGE = "large"


class Number(IntEnum):
    """As a tool's own code may have it."""

    ONE = 1


def test_what_is_text_or_number_by_descent_becomes_just_that() -> None:
    event = generated(metadata={Size.LARGE: Number.ONE, "size": Size.LARGE})
    assert event.data.__dict__["metadata"] == {"large": 1, "size": "large"}
    assert decode(encode(event)) == event


@pytest.mark.parametrize("value", [b"x", {1}, TIME, object(), 1j, {"a": {1: 2}}])
def test_metadata_takes_json_only(value: object) -> None:
    with pytest.raises(InvalidEvent, match=r"^metadata\.a.*: .*a Python \w+, which JSON does not"):
        generated(metadata={"a": value})


@pytest.mark.parametrize(
    ("options", "error_class"),
    [
        ({"time": datetime(2026, 11, 23)}, "InvalidTime"),  # noqa: DTZ001  the fault in question
        ({"time": datetime.max.replace(tzinfo=UTC)}, "OutOfRange"),
        ({"time": datetime.min.replace(tzinfo=UTC)}, "OutOfRange"),
        ({"time": "2026-11-23T00:00:00Z"}, "WrongType"),
        ({"event_id": ""}, "EmptyField"),
        ({"event_id": "x" * 513}, "FieldTooLong"),
        ({"event_id": "\ud800"}, "LoneSurrogate"),
        ({"source": "a\0b"}, "NulCharacter"),
        ({"source": ""}, "EmptyField"),
        ({"extensions": {"partitionkey": "1"}}, "UnknownField"),
        ({"extensions": {"id": "1"}}, "UnknownField"),
        ({"extensions": {"traceparent": "a\nb"}}, "InvalidField"),
    ],
)
def test_a_wrong_envelope_is_refused(options: dict[str, Any], error_class: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        new_event(DELETED, **options)
    assert caught.value.error_class == error_class


def test_unknown_and_missing_fields_are_refused() -> None:
    with pytest.raises(InvalidEvent, match=r"^unknown: is not a field of this event$"):
        generated(unknown=1)
    with pytest.raises(InvalidEvent, match=r"^request_id: is missing"):
        ImageDeleted(reason="user")  # type: ignore[call-arg]  # the fault in question


def test_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    before = clock.time_ns() // 1_000_000
    ids = [uuid7() for _ in range(1_000)]
    after = clock.time_ns() // 1_000_000
    milliseconds = [each.int >> 80 for each in ids]
    assert before <= milliseconds[0]
    assert milliseconds == sorted(milliseconds)
    assert milliseconds[-1] <= after
    assert {(each.version, each.variant) for each in ids} == {(7, "specified in RFC 4122")}
    assert len(set(ids)) == 1_000


def test_events_of_equal_content_are_equal() -> None:
    assert generated(event_id="1") == generated(event_id="1")
    assert generated(event_id="1") != generated(event_id="1", time=TIME + timedelta(microseconds=1))
    assert generated(event_id="1") != generated(event_id="2")
