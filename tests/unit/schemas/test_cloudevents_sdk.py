"""Our events and those of the official CloudEvents SDK are the same thing, both ways."""

from __future__ import annotations

import json
from datetime import UTC

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given

from schemas.codec import HEADERS, decode, decode_record, decode_strict, encode, key_of
from schemas.events import Event, GeneratedEvent
from schemas.record import Record
from tests.support.builders import deleted, events, failed, generated, moved


@given(events())
def test_the_sdk_reads_what_we_write(event: Event) -> None:
    message = KafkaMessage(headers=dict(HEADERS), key=None, value=encode(event))
    read = from_structured(message, JSONFormat())
    assert isinstance(read, CloudEvent)
    assert (read.get_id(), read.get_source(), read.get_type()) == (
        event.id,
        event.source,
        event.type,
    )
    assert (read.get_subject(), read.get_time()) == (event.subject, event.time)
    assert read.get_dataschema() == event.dataschema
    assert read.get_datacontenttype() == "application/json"
    assert read.get_data() == json.loads(encode(event))["data"]
    for name, value in event.extensions.items():
        assert read.get_extension(name) == value


@given(events())
def test_we_read_what_the_sdk_writes(event: Event) -> None:
    attributes = json.loads(encode(event)) | {"time": event.time.astimezone(UTC)}
    data = attributes.pop("data")
    message = to_structured(CloudEvent(attributes, data), JSONFormat())
    assert isinstance(message.value, bytes)
    assert decode_strict(message.value) == event
    assert message.headers == dict(HEADERS)


@pytest.mark.parametrize("event", [generated(), failed(), moved(), deleted()], ids=lambda e: e.type)
def test_an_event_goes_round_through_the_sdk(event: Event) -> None:
    message = KafkaMessage(headers=dict(HEADERS), key=key_of(event), value=encode(event))
    again = to_structured(from_structured(message, JSONFormat()), JSONFormat())
    # The SDK keeps a record's key in the extension partitionkey, which we need not know.
    assert again.key == "req-1"
    assert isinstance(again.value, bytes)
    record = Record("topic", 0, 0, 0, b"req-1", again.value)
    assert decode_record(record) == event


def test_the_least_that_the_sdk_makes_of_a_type_is_read() -> None:
    """The SDK fills in specversion, id and time; dataschema and subject may be left out."""
    sdk = CloudEvent(
        {"type": "ImageGenerated", "source": "/tools/x"},
        generated().data.model_dump(exclude_none=True, mode="json"),
    )
    event = decode(JSONFormat().write(sdk))
    assert isinstance(event, GeneratedEvent)
    assert event.data == generated().data
    assert (event.id, event.time) == (sdk.get_id(), sdk.get_time())
