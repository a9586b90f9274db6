"""An image as the API tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import ConfigDict, Field

from projections.images import GeneratedImageRecord
from web.api.answers import Model

EXAMPLE: dict[str, Any] = {
    "id": "4294968320",
    "requestId": "019ab0e2-5f1c-7c3e-9d5b-2f8a4c6d1e00",
    "userId": "123",
    "username": "ada",
    "toolName": "generateUserImage",
    "prompt": "A quiet harbour at dusk",
    "model": "gemini-3-pro-image-preview",
    "size": "1024x1024",
    "quality": "hd",
    "style": "vivid",
    "n": 1,
    "storageUrl": "https://images.example/file-library/harbour.png",
    "storageProvider": "github",
    "mimeType": "image/png",
    "bytes": 524288,
    "sha256": None,
    "tags": ["portrait"],
    "status": "success",
    "error": None,
    "metadata": {"latency_ms": 4200},
    "messageId": "1234567890",
    "createdAt": "2026-11-23T00:00:00Z",
}


class Image(Model):
    """A row of generated_images."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: str = Field(description="A number; as text, since it may have 53 bits.")
    request_id: str | None
    user_id: str
    username: str | None
    tool_name: str
    prompt: str
    model: str | None
    size: str | None
    quality: str | None
    style: str | None
    n: int | None
    storage_url: str = Field(description="Empty for a failure.")
    storage_provider: str | None
    mime_type: str | None
    bytes: int | None
    sha256: str | None
    tags: list[str] | None
    status: str
    error: str | None
    metadata: Any
    message_id: str | None
    created_at: datetime

    @classmethod
    def of(cls, record: GeneratedImageRecord) -> Image:
        """The image of a row."""
        values = {name: getattr(record, name) for name in cls.model_fields}
        values |= {"id": str(record.id), "created_at": record.created_at.astimezone(UTC)}
        return cls.model_construct(**values)
