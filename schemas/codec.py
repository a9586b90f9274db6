"""Between events and the bytes that stand on the topic: CloudEvents 1.0, structured JSON mode.

Reading takes one of two ways. An event that is exactly of its type's current version is read by
one call into pydantic-core and a few tests on the bytes. Whatever has anything unusual to it (an
unknown field, an old version, a fault) is read again, with care: parsed, searched for what cannot
be stored, upcast, validated, and refused with an exact reason. Both ways come to the same event,
and so does the consumers' own, ``schemas.compact``, which shares the tests on the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from schemas.diagnosis import explain, parse_object
from schemas.errors import InvalidEvent
from schemas.events import ENVELOPES, Data, Event
from schemas.json_values import (
    MAX_DIGITS,
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    as_invalid,
    first_fault,
    is_storable,
)
from schemas.limits import BYTE_LIMITS, MAX_VALUE_BYTES
from schemas.record import Record
from schemas.upcasters import UPCASTERS, Upcasters

HEADERS: tuple[tuple[str, bytes], ...] = (("content-type", b"application/cloudevents+json"),)

_adapters: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(e) for name, e in ENVELOPES.items()}
_readers: dict[str, Callable[..., Event]] = {
    name: adapter.validator.validate_json for name, adapter in _adapters.items()
}
_writers: dict[type, Callable[..., bytes]] = {
    ENVELOPES[name]: adapter.serializer.to_json for name, adapter in _adapters.items()
}

_HINT = b'"Image'
_TELLING = len("Image") + 1
_guesses = {ord(name.removeprefix("Image")[0]): reader for name, reader in _readers.items()}
_BACKSLASH = ord("\\")
_NUL = b"\\u0000"
_is_text = frozenset({str}).issuperset
_is_scalar = frozenset({str, int, bool, type(None)}).issuperset

_MAY_SWELL = MAX_METADATA_BYTES // 8
"""Bytes. Compact JSON is shorter than what was read, but for numbers: 1e15 is written in full."""


def encode(event: Event) -> bytes:
    """The record's value; times in UTC, absent fields left out. Raises InvalidEvent: too large."""
    check_subject(event.subject, event.data.request_id)
    value = _writers[type(event)](event, exclude_none=True)
    check_size(value)
    return value


def check_subject(subject: str | None, request_id: str) -> None:
    """Raises InvalidEvent for a subject that is not the request."""
    if subject is not None and subject != request_id:
        reason = "subject: names another request than data.request_id"
        raise InvalidEvent("SubjectMismatch", reason)


def check_size(value: bytes) -> None:
    """Raises InvalidEvent for a value that is too large for a record."""
    if len(value) > MAX_VALUE_BYTES:
        raise _oversize(len(value))


def key_of(event: Event) -> bytes:
    """The record's key: the request's id."""
    return event.data.request_id.encode()


def metadata_json(data: Data) -> bytes | None:
    """The event's metadata as the compact JSON that jsonb takes; None when it has none."""
    metadata = data.__dict__.get("metadata")
    return None if metadata is None else to_json(metadata)


def decode(value: bytes | None, upcasters: Upcasters = UPCASTERS) -> Event:
    """The event that a record's value holds: unknown fields ignored, old versions upcast.

    Times come out in UTC. Raises InvalidEvent.
    """
    event = _read_quickly(value) if value and len(value) <= MAX_VALUE_BYTES else None
    return _read_with_care(value, upcasters, "ignore") if event is None else event


def decode_strict(value: bytes | None, upcasters: Upcasters = UPCASTERS) -> Event:
    """As decode, for what a producer hands in: unknown fields are refused."""
    event = _read_quickly(value) if value and len(value) <= MAX_VALUE_BYTES else None
    return _read_with_care(value, upcasters, "forbid") if event is None else event


def decode_record(record: Record) -> Event:
    """As decode, for a record: one without a key is refused, whatever its value says."""
    check_key(record)
    return decode(record.value)


def check_key(record: Record) -> None:
    """Raises InvalidEvent for a record without a key."""
    if not record.key:
        raise InvalidEvent("NoKey", "key: is missing, must be the request's id in UTF-8")


def _read_quickly(value: bytes) -> Event | None:
    """None when there is anything to be looked at with care. Nearly all time goes here."""
    # Which type it is, is a guess; the model's own Literal decides. A tagged union costs a third.
    try:
        event = _guesses[value[value.find(_HINT) + _TELLING]](value)
    except (ValidationError, LookupError):
        return None
    attributes = event.__dict__
    data = attributes["data"].__dict__
    subject, metadata = attributes["subject"], data.get("metadata")
    if (
        (is_peculiar(value) and not _texts_fit(value, attributes, data))
        or (metadata and not metadata_fits(metadata, len(value)))
        or (subject is not None and subject != data["request_id"])
    ):
        return None
    # Comparisons mind the offset; a day or a stored row needs UTC.
    return _in_utc(event) if attributes["time"].tzinfo.utcoffset(None) else event


def is_peculiar(value: bytes) -> bool:
    """Whether texts may hold NUL, which only an escape brings in, or characters of many bytes."""
    return _BACKSLASH in value or not value.isascii()


def texts_fit(value: bytes, **texts: str) -> bool:
    """Whether these fields hold no NUL and no more bytes than they may; no is said too often.

    The limits of all others are beyond that of the whole value.
    """
    return (
        len(value) <= BYTE_LIMITS["error"]
        and all(len(text) <= BYTE_LIMITS[name] // 4 for name, text in texts.items())
        and value.find(_NUL) < 0
    )


def metadata_fits(metadata: dict[str, Any], size: int) -> bool:
    """Whether it can be stored, in an event of so many bytes; no is said too often."""
    if size <= MAX_METADATA_BYTES:
        # In so few bytes no integer can be too long.
        is_simple = _is_text if size > MAX_DIGITS else _is_scalar
        if is_simple(map(type, metadata.values())):
            return True
    return size <= _MAY_SWELL and is_storable(metadata.values())


def _texts_fit(value: bytes, attributes: dict[str, Any], data: dict[str, Any]) -> bool:
    return texts_fit(
        value,
        id=attributes["id"],
        source=attributes["source"],
        request_id=data["request_id"],
        storage_url=data.get("storage_url", ""),
    )


def _read_with_care(
    value: bytes | None, upcasters: Upcasters, extra: Literal["ignore", "forbid"]
) -> Event:
    if not value:
        raise InvalidEvent("EmptyValue", "value: is missing, or of 0 bytes")
    check_size(value)
    current = upcasters.upcast(parse_object(value))
    # The envelope and data are two levels around the metadata.
    depth = MAX_METADATA_DEPTH + 2
    doubtful = _NUL in value or not is_storable(current.values(), depth)
    if doubtful and (fault := first_fault(current, depth)):
        raise as_invalid(fault)
    try:
        event = _readers[current["type"]](to_json(current), extra=extra)
    except ValidationError as exc:
        raise explain(exc) from None
    _check_sizes(event)
    check_subject(event.subject, event.data.request_id)
    return _in_utc(event)


def _check_sizes(event: Event) -> None:
    """Raises InvalidEvent for what is counted in bytes, where pydantic-core counts characters."""
    for prefix, model in (("", event), ("data.", event.data)):
        for name, limit in BYTE_LIMITS.items():
            text = model.__dict__.get(name)
            if text is not None and len(text) * 4 > limit and (size := len(text.encode())) > limit:
                raise InvalidEvent("FieldTooLong", f"{prefix}{name}: {size} bytes, limit {limit}")
    size = len(metadata_json(event.data) or b"")
    if size > MAX_METADATA_BYTES:
        reason = f"data.metadata: {size} bytes as JSON, limit {MAX_METADATA_BYTES}"
        raise InvalidEvent("FieldTooLong", reason)


def _in_utc(event: Event) -> Event:
    time = event.time
    return event.model_copy(update={"time": time.astimezone(UTC)}) if time.utcoffset() else event


def _oversize(size: int) -> InvalidEvent:
    return InvalidEvent("ValueTooLarge", f"value: {size} bytes, limit {MAX_VALUE_BYTES}")
