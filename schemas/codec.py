"""Between events and the bytes that stand on the topic: CloudEvents 1.0, structured JSON mode."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from schemas.diagnosis import diagnose
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.limits import MAX_VALUE_BYTES
from schemas.record import Record
from schemas.upcasters import UPCASTERS, Upcasters

HEADERS: tuple[tuple[str, bytes], ...] = (("content-type", b"application/cloudevents+json"),)

_events: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
_validate_json = _events.validator.validate_json


def encode(event: Event) -> bytes:
    """The record's value. Times are UTC with microseconds."""
    return _events.dump_json(event, exclude_none=True)


def key_of(event: Event) -> bytes:
    """The record's key: the request's id."""
    return event.data.request_id.encode()


def decode(value: bytes | None, upcasters: Upcasters = UPCASTERS) -> Event:
    """The event that a record's value holds; unknown fields are ignored, old versions upcast.

    Raises InvalidEvent, with the reason. The quick way, for a good event of the current version,
    is one call into pydantic-core; whatever that refuses is looked at with care.
    """
    if value is None or len(value) > MAX_VALUE_BYTES:
        raise diagnose(value)
    try:
        event: Event = _validate_json(value, extra="ignore")
    except ValidationError:
        event = _decode_with_care(value, upcasters)
    if event.subject is not None and event.subject != event.data.request_id:
        raise InvalidEvent("SubjectMismatch", "subject: is not data.request_id")
    # Comparisons mind the offset; a day or a stored row needs UTC.
    return event if not event.time.utcoffset() else _in_utc(event)


def decode_record(record: Record) -> Event:
    """As decode, for a record: one without a key is refused, whatever its value says."""
    if not record.key:
        raise InvalidEvent("NoKey", "key: is missing, must be the request's id in UTF-8")
    return decode(record.value)


def _in_utc(event: Event) -> Event:
    return event.model_copy(update={"time": event.time.astimezone(UTC)})


def _decode_with_care(value: bytes, upcasters: Upcasters) -> Event:
    current = upcasters.upcast(value)
    try:
        return _validate_json(current, extra="ignore")  # type: ignore[no-any-return]  # pydantic-core is untyped here
    except ValidationError as exc:
        raise diagnose(current, exc) from None
