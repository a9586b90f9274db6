"""Events for tests: plain ones in one call; strategies and malformed records come along."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.codec import encode, key_of
from schemas.events import (
    Event,
    ImageDeleted,
    ImageFailed,
    ImageGenerated,
    ImageMoved,
    new_event,
)
from schemas.record import Record
from tests.support.malformed import Malformed, malformed_values
from tests.support.strategies import (
    TIME,
    any_data,
    events,
    histories,
    ids,
    json_values,
    metadata,
    texts,
    times,
)

__all__ = [
    "Malformed",
    "TIME",
    "TOPIC",
    "URL",
    "any_data",
    "deleted",
    "events",
    "failed",
    "generated",
    "histories",
    "ids",
    "json_values",
    "malformed_values",
    "metadata",
    "moved",
    "record",
    "texts",
    "times",
]

TOPIC = "omega-image-events"
URL = "https://images.test/file-library/harbour.png"


def generated(
    request_id: str = "req-1",
    *,
    time: datetime = TIME,
    event_id: str | None = None,
    **fields: Any,
) -> Event:
    """A plain ImageGenerated; ``fields`` are laid over its data."""
    data: dict[str, Any] = {
        "user_id": "123",
        "tool_name": "generateUserImage",
        "prompt": "A quiet harbour at dusk",
        "storage_url": URL,
        "storage_provider": "github",
        "mime_type": "image/png",
        "bytes": 524_288,
    }
    made = ImageGenerated(request_id=request_id, **(data | fields))
    return new_event(made, time=time, event_id=event_id)


def failed(
    request_id: str = "req-1",
    *,
    time: datetime = TIME,
    event_id: str | None = None,
    **fields: Any,
) -> Event:
    """A plain ImageFailed; ``fields`` are laid over its data."""
    data: dict[str, Any] = {
        "user_id": "123",
        "tool_name": "generateUserImage",
        "prompt": "A quiet harbour at dusk",
        "error": "the model answered 503",
    }
    return new_event(
        ImageFailed(request_id=request_id, **(data | fields)), time=time, event_id=event_id
    )


def moved(
    request_id: str = "req-1",
    storage_url: str = "https://s3.test/harbour.png",
    *,
    time: datetime = TIME,
    event_id: str | None = None,
    **fields: Any,
) -> Event:
    """A plain ImageMoved; ``fields`` are laid over its data."""
    data: dict[str, Any] = {"storage_url": storage_url, "storage_provider": "s3"}
    return new_event(
        ImageMoved(request_id=request_id, **(data | fields)), time=time, event_id=event_id
    )


def deleted(
    request_id: str = "req-1",
    reason: str = "user",
    *,
    time: datetime = TIME,
    event_id: str | None = None,
    deleted_by: str | None = None,
) -> Event:
    """A plain ImageDeleted."""
    made: Any = {"request_id": request_id, "reason": reason, "deleted_by": deleted_by}
    return new_event(ImageDeleted(**made), time=time, event_id=event_id)


def record(event: Event, partition: int = 0, offset: int = 0) -> Record:
    """The event as it stands at this place of the log."""
    return Record(TOPIC, partition, offset, 0, key_of(event), encode(event))
