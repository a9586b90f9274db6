"""The AsyncAPI 3.0 document of the topic, made from the models: ``python -m schemas.asyncapi``."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from schemas.codec import HEADERS, encode
from schemas.events import (
    ENVELOPES,
    Data,
    ImageDeleted,
    ImageFailed,
    ImageGenerated,
    ImageMoved,
    new_event,
)
from schemas.limits import BYTE_LIMITS, MAX_VALUE_BYTES
from schemas.upcasters import CURRENT

TOPIC = "omega-image-events"
DOCUMENT = Path(__file__).parent.parent / "docs" / "asyncapi.yaml"

_URL = "https://raw.githubusercontent.com/thomasdavis/omega/main/file-library/harbour.png"
_EXAMPLES: tuple[Data, ...] = (
    ImageGenerated(
        request_id="1234567890",
        user_id="123",
        username="ada",
        tool_name="generateUserImage",
        prompt="A quiet harbour at dusk",
        model="gemini-3-pro-image-preview",
        size="1024x1024",
        quality="hd",
        style="vivid",
        storage_url=_URL,
        storage_provider="github",
        mime_type="image/png",
        bytes=524_288,
        sha256="0f" * 32,
        tags=("portrait",),
        metadata={"filename": "harbour.png"},
        message_id="1234567890",
    ),
    ImageFailed(
        request_id="1234567891",
        user_id="123",
        tool_name="generateUserImage",
        prompt="A quiet harbour at dusk",
        error="the model answered 503",
        error_code="unavailable",
    ),
    ImageMoved(request_id="1234567890", storage_url=_URL, storage_provider="github"),
    ImageDeleted(request_id="1234567890", reason="user", deleted_by="123"),
)
_EXAMPLE_TIME = datetime(2026, 11, 23, tzinfo=UTC)


def document() -> dict[str, Any]:
    """The topic, its four messages and who sends and receives them."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Omega Images",
            "version": f"{max(CURRENT.values())}.0.0",
            "description": "Every image that Omega's tools generate, or fail to, is an event here. "
            "Tables and statistics are projections of this log and can be rebuilt from it.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {"imageEvents": _channel()},
        "operations": {
            "reportImages": {
                "action": "send",
                "channel": {"$ref": "#/channels/imageEvents"},
                "summary": "Tools tell what became of each request.",
            },
            "projectImages": {
                "action": "receive",
                "channel": {"$ref": "#/channels/imageEvents"},
                "summary": "Consumers fold the events into tables. They ignore unknown fields, "
                "and keep every record that breaks a limit as a dead letter.",
            },
        },
        "components": {
            "messages": {type(data).__name__: _message(data) for data in _EXAMPLES},
            "schemas": _schemas(),
        },
    }


def _channel() -> dict[str, Any]:
    topic = {
        "cleanup.policy": ["delete"],
        "retention.ms": -1,
        "retention.bytes": -1,
        "max.message.bytes": MAX_VALUE_BYTES + 65_536,
    }
    return {
        "address": TOPIC,
        "description": "The log of all image events, kept for ever. Events of one request have "
        "one key. Their order does not matter: projections come to the same rows in any order.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in ENVELOPES},
        "bindings": {
            "kafka": {"partitions": 6, "topicConfiguration": topic, "bindingVersion": "0.5.0"}
        },
    }


def _message(data: Data) -> dict[str, Any]:
    name = type(data).__name__
    event = new_event(data, time=_EXAMPLE_TIME, event_id="019ab0e2-7c00-7000-8000-000000000000")
    headers = {key: {"type": "string", "const": value.decode()} for key, value in HEADERS}
    key = {"type": "string", "minLength": 1, "description": "The request_id, in UTF-8."}
    return {
        "name": name,
        "title": type(data).__doc__,
        "contentType": "application/cloudevents+json",
        "headers": {"type": "object", "properties": headers},
        "payload": {"$ref": f"#/components/schemas/{ENVELOPES[name].__name__}"},
        "bindings": {
            "kafka": {
                "key": key | {"x-maxBytes": BYTE_LIMITS["request_id"]},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"name": name, "payload": json.loads(encode(event))}],
    }


def _schemas() -> dict[str, Any]:
    models = [(envelope, "validation") for envelope in ENVELOPES.values()]
    _, schema = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]  # a list of literal pairs
    schemas: dict[str, Any] = schema["$defs"]
    return schemas


def render() -> str:
    """The document as YAML."""
    # Only whoever makes the document needs a YAML library.
    import yaml

    head = "# Made from the models by: python -m schemas.asyncapi\n"
    # By way of JSON, so that what is used twice is written twice, and not as a YAML alias.
    plain = json.loads(json.dumps(document()))
    return head + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def main() -> int:
    """Write docs/asyncapi.yaml."""
    DOCUMENT.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
