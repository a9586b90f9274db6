"""What answers look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from web.api.image_model import EXAMPLE as IMAGE

SUMS: dict[str, Any] = {
    "totalImages": 1200,
    "uniqueUsers": 37,
    "successful": 1100,
    "failed": 100,
    "avgFileSize": 524288.5,
    "successRate": 0.9167,
}
IMAGES = {
    "success": True,
    "images": [IMAGE],
    "pagination": {"total": 1200, "limit": 1, "offset": 0, "hasMore": True},
}
ONE_IMAGE = {"success": True, "image": IMAGE}
PAGE = {
    "images": [IMAGE],
    "nextCursor": "WyIyMDI2LTExLTIzVDAwOjAwOjAwKzAwOjAwIiw0Mjk0OTY4MzIwXQ",
    "searchedTo": None,
}
IMAGE_ANSWER = {"image": IMAGE}
BREAKDOWN = {"by": "tool", "groups": [SUMS | {"value": "generateComic", "label": None}]}
ACTIVITY = {
    "images": 1200,
    "complete": True,
    "first": "2026-11-01T00:00:00Z",
    "last": "2026-11-23T00:00:00Z",
    "hours": [{"weekday": 1, "hour": 20, "images": 42}],
    "tags": [{"tag": "portrait", "images": 310}],
    "sizes": [{"size": "1024x1024", "images": 900, "avgBytes": 524288}],
    "fileSizes": [{"fromBytes": 524288, "images": 480}],
    "latency": [
        {
            "toolName": None,
            "images": 1100,
            "p50Ms": 4200,
            "p90Ms": 9100,
            "p99Ms": 21000,
            "maxMs": 30000,
        }
    ],
}
_FAILED = IMAGE | {
    "status": "failed",
    "error": "the model answered 503",
    "storageUrl": "",
    "storageProvider": None,
    "mimeType": None,
    "bytes": None,
}
KIND: dict[str, Any] = {
    "fingerprint": "0f3a5c7e9b1d",
    "label": "the model answered <number>",
    "failures": 12,
    "users": 5,
    "first": "2026-11-20T08:00:00Z",
    "last": "2026-11-23T00:00:00Z",
    "trend": [{"day": "2026-11-23", "failures": 12}],
    "origins": [{"toolName": "generateUserImage", "model": "gpt-image-1", "failures": 12}],
    "examples": [_FAILED],
}
FAILURES = {"kinds": [KIND], "complete": True}
FAILURE = {"kind": KIND, "complete": True}
HISTORY = {
    "requestId": IMAGE["requestId"],
    "events": [
        {
            "place": "0:1",
            "sent": "2026-11-23T00:00:00.1Z",
            "time": "2026-11-23T00:00:00Z",
            "type": "ImageGenerated",
            "eventId": "019ab0e2-7d21-7a90-8e0f-5b1c3d7f9a00",
            "source": "/tools/generateUserImage",
            "madeTheRow": True,
            "why": "made the row: the first success",
        }
    ],
    "kept": {"generated_images": {"id": 4294968320, "status": "success"}},
    "deadLetters": [],
    "recordsRead": 1041,
    "partitionsRead": [0],
    "complete": True,
}
_LETTER: dict[str, Any] = {
    "id": 17,
    "projection": "table",
    "topic": "omega-image-events",
    "partition": 3,
    "offset": 1042,
    "timestampMs": 1795392000000,
    "bytes": 812,
    "errorClass": "InvalidEvent",
    "message": "data.prompt: Field required",
    "fingerprint": "4b1d9a7c2e60",
    "firstSeen": "2026-11-23T00:00:00Z",
    "lastSeen": "2026-11-23T00:00:00Z",
    "attempts": 1,
    "state": "open",
}
KINDS = {
    "kinds": [
        {
            "projection": "table",
            "fingerprint": "4b1d9a7c2e60",
            "errorClass": "InvalidEvent",
            "example": "data.prompt: Field required",
            "count": 3,
            "firstId": 17,
            "firstSeen": "2026-11-23T00:00:00Z",
            "lastSeen": "2026-11-23T00:00:00Z",
        }
    ]
}
LETTERS = {"letters": [_LETTER], "nextAfter": None}
LETTER = {
    "letter": _LETTER
    | {
        "key": "019ab0e2-5f1c-7c3e-9d5b-2f8a4c6d1e00",
        "headers": {"content-type": "application/cloudevents+json"},
        "value": "eyJzcGVjdmVyc2lvbiI6IjEuMCJ9",
        "readAs": "JSON",
        "record": {"specversion": "1.0"},
        "history": [],
    }
}
REDRIVEN = {"done": 3, "failed": 0, "skipped": 0, "dryRun": False}
DISCARDED = {"discarded": 1}
PIPELINE = {
    "topic": "omega-image-events",
    "logError": None,
    "projections": [
        {
            "projection": "table",
            "lagRecords": 2,
            "lagSeconds": 0.4,
            "deadLetters": 3,
            "partitions": [{"partition": 0, "nextOffset": 1040, "end": 1042, "lag": 2}],
        }
    ],
    "building": [],
    "rollback": [],
}

ANSWERS: dict[str, object] = {
    "ImageList": IMAGES,
    "OneImage": ONE_IMAGE,
    "ImagePage": PAGE,
    "ImageAnswer": IMAGE_ANSWER,
    "Sums": SUMS,
    "Breakdown": BREAKDOWN,
    "Activity": ACTIVITY,
    "FailureKinds": FAILURES,
    "FailureAnswer": FAILURE,
    "History": HISTORY,
    "Kinds": KINDS,
    "Letters": LETTERS,
    "LetterAnswer": LETTER,
    "Redriven": REDRIVEN,
    "Discarded": DISCARDED,
    "PipelineFacts": PIPELINE,
}
"""By the model's name."""


def put_into(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with them. FastAPI's own way would leave out whatever is null."""
    for item in document.get("paths", {}).values():
        for operation in item.values():
            answer = operation.get("responses", {}).get("200", {}).get("content", {})
            for content in answer.values():
                name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
                if name in ANSWERS:
                    content["example"] = ANSWERS[name]
    image = document.get("components", {}).get("schemas", {}).get("Image")
    if image is not None:
        image["examples"] = [IMAGE]
    return document
