"""The four events, and the CloudEvents 1.0 envelope that each of them travels in.

Build the data, then ``new_event(data)``; both raise InvalidEvent, whose message names the field,
the limit and the size. JSON is read and written by ``schemas.codec``.
"""

from __future__ import annotations

import os
import time as clock
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas import limits
from schemas.diagnosis import explain
from schemas.errors import InvalidEvent

EXTENSIONS = ("traceparent", "tracestate")
"""CloudEvents extension attributes that are kept: those of Distributed Tracing."""


class Strict(BaseModel):
    """A frozen model that takes exactly its fields, each of exactly its type."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    def __init__(self, /, **fields: Any) -> None:
        """Raises InvalidEvent."""
        try:
            super().__init__(**fields)
        except ValidationError as exc:
            raise explain(exc) from None

    # Without this mark pydantic-core would leave its own way of building a model from JSON, which
    # raises ValidationError and is several times as fast, and call __init__ for each.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pydantic's own mark


class EventData(Strict):
    """What all events say: which request they are about."""

    request_id: limits.RequestId


class RequestData(EventData):
    """What a tool was asked for, by whom; the same for a success and a failure."""

    user_id: limits.UserId
    username: limits.Username | None = None
    tool_name: limits.ToolName
    prompt: limits.Prompt
    model: limits.ModelName | None = None
    size: limits.Short | None = None
    quality: limits.Short | None = None
    style: limits.Short | None = None
    n: limits.Count = 1
    tags: limits.Tags | None = None
    metadata: limits.Metadata | None = None
    message_id: limits.MessageId | None = None
    row_id: limits.OldId | None = None
    """The id that the request's row had before its first event; it keeps it."""
    sealed: limits.Sealed | None = None
    """What is personal, encrypted (see schemas.sealing); its fields are empty then."""


class ImageGenerated(RequestData):
    """A tool made an image, and it is stored."""

    storage_url: limits.StorageUrl
    storage_provider: limits.Medium
    mime_type: limits.Medium | None = None
    bytes: limits.Bytes | None = None
    sha256: limits.Sha256 | None = None


class ImageFailed(RequestData):
    """A tool did not make the image, and why."""

    error: limits.ErrorText
    error_code: limits.ErrorCode | None = None


class ImageMoved(EventData):
    """A stored image lies elsewhere now; what is left out is as it was."""

    storage_url: limits.StorageUrl
    storage_provider: limits.Medium
    mime_type: limits.Medium | None = None
    bytes: limits.Bytes | None = None
    sha256: limits.Sha256 | None = None


class ImageDeleted(EventData):
    """The image and its row go, for good."""

    reason: Literal["retention", "user", "erasure"]
    deleted_by: limits.Username | None = None


Data = ImageGenerated | ImageFailed | ImageMoved | ImageDeleted


class CloudEvent(Strict):
    """The envelope: CloudEvents 1.0, with the Distributed Tracing extension's two attributes."""

    specversion: Literal["1.0"]
    id: limits.EventId
    source: limits.Source
    type: str
    subject: limits.RequestId | None = None
    time: limits.Time
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    traceparent: limits.TraceContext | None = None
    tracestate: limits.TraceContext | None = None
    data: Any

    @property
    def extensions(self) -> dict[str, str]:
        """The extension attributes that the event has."""
        values = ((name, getattr(self, name)) for name in EXTENSIONS)
        return {name: value for name, value in values if value is not None}


class GeneratedEvent(CloudEvent):
    """An image was made."""

    type: Literal["ImageGenerated"]
    dataschema: Literal["urn:omega-images:ImageGenerated:1"]
    data: ImageGenerated


class FailedEvent(CloudEvent):
    """An image was not made."""

    type: Literal["ImageFailed"]
    dataschema: Literal["urn:omega-images:ImageFailed:1"]
    data: ImageFailed


class MovedEvent(CloudEvent):
    """An image was moved."""

    type: Literal["ImageMoved"]
    dataschema: Literal["urn:omega-images:ImageMoved:1"]
    data: ImageMoved


class DeletedEvent(CloudEvent):
    """An image was deleted."""

    type: Literal["ImageDeleted"]
    dataschema: Literal["urn:omega-images:ImageDeleted:1"]
    data: ImageDeleted


Event = GeneratedEvent | FailedEvent | MovedEvent | DeletedEvent

ENVELOPES: Mapping[str, type[Event]] = {
    "ImageGenerated": GeneratedEvent,
    "ImageFailed": FailedEvent,
    "ImageMoved": MovedEvent,
    "ImageDeleted": DeletedEvent,
}
"""By the events' ``type``, which is also the name of the data's class."""


def new_event(
    data: Data,
    *,
    source: str | None = None,
    time: datetime | None = None,
    event_id: str | None = None,
    extensions: Mapping[str, str] | None = None,
) -> Event:
    """The event that says ``data`` happened.

    ``source`` defaults to the tool's path, ``time`` (aware; kept in UTC, in microseconds) to now,
    ``event_id`` to a new UUIDv7. Raises InvalidEvent.
    """
    if source is None:
        tool = data.tool_name if isinstance(data, RequestData) else None
        source = f"/tools/{tool}" if tool else "/omega-images"
    for name in extensions or ():
        if name not in EXTENSIONS:
            raise InvalidEvent("UnknownField", f"{name[:40]!a}: none of {', '.join(EXTENSIONS)}")
    kind = type(data).__name__
    envelope: Any = ENVELOPES[kind]
    event: Event = envelope(
        specversion="1.0",
        id=str(uuid7()) if event_id is None else event_id,
        source=source,
        type=kind,
        subject=data.request_id,
        time=datetime.now(UTC) if time is None else time,
        dataschema=envelope.model_fields["dataschema"].annotation.__args__[0],
        data=data,
        **(extensions or {}),
    )
    return event


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7): milliseconds, then 74 random bits."""
    milliseconds = clock.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    number = (milliseconds & (2**48 - 1)) << 80 | random
    number = number & ~(0xF << 76) | 0x7 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)
