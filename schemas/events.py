"""The four events, and the CloudEvents 1.0 envelope that each of them travels in."""

from __future__ import annotations

import os
import time as clock
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from schemas import limits


class EventData(BaseModel):
    """What all events say: which request they are about."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

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


class CloudEvent(BaseModel):
    """The envelope: CloudEvents 1.0, with the Distributed Tracing extension's two attributes."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    specversion: Literal["1.0"] = "1.0"
    id: limits.EventId
    source: limits.Source
    subject: limits.RequestId | None = None
    time: limits.Time
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: limits.TraceContext | None = None
    tracestate: limits.TraceContext | None = None


class GeneratedEvent(CloudEvent):
    """An image was made."""

    type: Literal["ImageGenerated"] = "ImageGenerated"
    dataschema: Literal["urn:omega-images:ImageGenerated:1"] = "urn:omega-images:ImageGenerated:1"
    data: ImageGenerated


class FailedEvent(CloudEvent):
    """An image was not made."""

    type: Literal["ImageFailed"] = "ImageFailed"
    dataschema: Literal["urn:omega-images:ImageFailed:1"] = "urn:omega-images:ImageFailed:1"
    data: ImageFailed


class MovedEvent(CloudEvent):
    """An image was moved."""

    type: Literal["ImageMoved"] = "ImageMoved"
    dataschema: Literal["urn:omega-images:ImageMoved:1"] = "urn:omega-images:ImageMoved:1"
    data: ImageMoved


class DeletedEvent(CloudEvent):
    """An image was deleted."""

    type: Literal["ImageDeleted"] = "ImageDeleted"
    dataschema: Literal["urn:omega-images:ImageDeleted:1"] = "urn:omega-images:ImageDeleted:1"
    data: ImageDeleted


Event = GeneratedEvent | FailedEvent | MovedEvent | DeletedEvent

_ENVELOPES: dict[type, type[CloudEvent]] = {
    ImageGenerated: GeneratedEvent,
    ImageFailed: FailedEvent,
    ImageMoved: MovedEvent,
    ImageDeleted: DeletedEvent,
}


def new_event(
    data: Data,
    *,
    source: str | None = None,
    time: datetime | None = None,
    event_id: str | None = None,
    traceparent: str | None = None,
    tracestate: str | None = None,
) -> Event:
    """The event that says ``data`` happened.

    ``source`` defaults to the tool's path, ``time`` (aware; kept in UTC) to now, ``event_id`` to a
    new UUIDv7. Raises pydantic.ValidationError.
    """
    if source is None:
        tool = data.tool_name if isinstance(data, RequestData) else None
        source = f"/tools/{tool}" if tool else "/omega-images"
    envelope: Any = _ENVELOPES[type(data)]
    event: Event = envelope(
        id=event_id or str(uuid7()),
        source=source,
        subject=data.request_id,
        time=(time or datetime.now(UTC)).astimezone(UTC),
        data=data,
        traceparent=traceparent,
        tracestate=tracestate,
    )
    return event


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7): milliseconds, then 74 random bits."""
    milliseconds = clock.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    number = (milliseconds & (2**48 - 1)) << 80 | random
    number = number & ~(0xF << 76) | 0x7 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)
