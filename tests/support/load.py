"""A load of mixed records: duplicates, failures, retries, moves, deletions, poison."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
TOOLS = ("generateUserImage", "generateUserAvatar", "generateComic", "renderChart")
MODELS = ("gemini-3-pro-image-preview", "gpt-image-1", None)
POISON = (
    b"not json at all {",
    b"[]",
    b"",
    b'{"specversion":"1.0","type":"ImageGenerated"}',
    b'{"specversion":"1.0","id":"1","source":"/x","type":"ImageDrawn","time":"2026-01-01T00:00:00Z"'
    b',"data":{}}',
)


class Message(NamedTuple):
    """One record to send."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the requests, as fractions of one."""

    duplicates: float = 0.05
    failures: float = 0.10
    retried: float = 0.5
    poison: float = 0.01
    moves: float = 0.0
    deletions: float = 0.0


def mixed_load(events: int, mix: Mix, seed: int) -> list[Message]:
    """About ``events`` records in a shuffled order, the same for the same seed."""
    rng = random.Random(seed)
    messages: list[Message] = []
    number = 0
    while len(messages) < events:
        number += 1
        messages += _request(rng, f"req-{seed}-{number:08d}", number, mix)
        if rng.random() < mix.poison:
            poison = rng.choice(POISON)
            messages.append(Message(f"poison-{number}".encode(), poison, (("x-poison", b"1"),)))
    rng.shuffle(messages)
    return messages


def _request(rng: random.Random, request_id: str, number: int, mix: Mix) -> list[Message]:
    time = EPOCH + timedelta(seconds=number)
    fields = _fields(rng, request_id, number)
    events: list[Message] = []
    if rng.random() < mix.failures:
        failed = fields | {"error": f"model said no {number}", "error_code": "refused"}
        events.append(message("ImageFailed", failed, time, f"{request_id}-f"))
    if not events or rng.random() < mix.retried:
        later = time + timedelta(seconds=30)
        events.append(message("ImageGenerated", fields | _storage(rng, number), later, request_id))
        if rng.random() < mix.moves:
            where = {"storage_url": f"https://s3.test/{number}.png", "storage_provider": "s3"}
            moved = {"request_id": request_id, **where}
            events.append(message("ImageMoved", moved, later, f"{request_id}-m"))
    if rng.random() < mix.deletions:
        gone = {"request_id": request_id, "reason": "user"}
        events.append(message("ImageDeleted", gone, time, f"{request_id}-d"))
    if rng.random() < mix.duplicates:
        events.append(rng.choice(events))
    return events


def _fields(rng: random.Random, request_id: str, number: int) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "user_id": f"user{rng.randrange(997)}",
        "username": "ada",
        "tool_name": rng.choice(TOOLS),
        "prompt": f"A quiet harbour at dusk, number {number}, " + "soft light, " * 8,
        "model": rng.choice(MODELS),
        "size": "1024x1024",
        "tags": ["portrait", f"t{number % 7}"],
        "metadata": {"number": number, "nested": {"größe": [1, 2.5, None, True]}},
        "message_id": str(number),
    }


def _storage(rng: random.Random, number: int) -> dict[str, Any]:
    return {
        "storage_url": f"https://images.test/file-library/{number}.png",
        "storage_provider": "github",
        "mime_type": "image/png",
        "bytes": rng.randrange(10_000, 2_000_000),
        "sha256": f"{number:064x}",
    }


def message(kind: str, data: dict[str, Any], time: datetime, event_id: str) -> Message:
    """A record that carries one event, as any producer might write it."""
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/tests",
        "type": kind,
        "subject": data["request_id"],
        "time": time.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": f"urn:omega-images:{kind}:1",
        "data": {name: value for name, value in data.items() if value is not None},
    }
    value = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return Message(data["request_id"].encode(), value)


def halves(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """One half for each of two producers."""
    return messages[::2], messages[1::2]
