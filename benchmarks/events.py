"""The events that are measured with, about 700 bytes each, and sending them as fast as it goes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from kafka import KafkaProducer  # type: ignore[import-untyped]  # no type hints

from schemas.codec import HEADERS, encode
from schemas.events import ImageGenerated, new_event
from schemas.kafka_connection import KafkaConnection
from schemas.sealing import SealingKey, cipher_of, seal

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
GOLDEN_RATIO = 0.6180339887498949
USERS, TOOLS = 5_003, 8
OUTSTANDING = 20_000


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of what is unusual."""

    poison: float = 0.0
    repeats: float = 0.0
    sealed: bool = False
    scattered: bool = False
    """Whether request ids and URLs come in no order, as most makers of ids have it."""


CLEAN = Mix()


class Sent(NamedTuple):
    """A record to send."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def event(number: int, scattered: bool = False) -> Any:
    """The event of a number."""
    word = f"{number * 2_654_435_761 % 2**32:08x}-" if scattered else ""
    return new_event(
        ImageGenerated(
            request_id=f"{word}bench-{number:09d}",
            user_id=user(number),
            username="ada",
            tool_name=f"tool{number % TOOLS}",
            prompt=f"A quiet harbour at dusk, number {number}, soft light, soft light",
            model="gemini-3-pro-image-preview",
            size="1024x1024",
            storage_url=f"https://images.test/file-library/{word}{number}.png",
            storage_provider="github",
            mime_type="image/png",
            bytes=400_000 + number % 300_000,
            sha256=f"{number:064x}",
            tags=("portrait",),
            metadata={"seed": number},
        ),
        time=FIRST + timedelta(seconds=number),
        event_id=f"event-{number:09d}",
    )


def user(number: int) -> str:
    """Whose image it is: one user in ten makes nearly half of them."""
    return f"user{int(USERS * (number * GOLDEN_RATIO % 1) ** 3)}"


def sent(count: int, mix: Mix, keys: Mapping[str, SealingKey], seed: int = 1) -> Iterator[Sent]:
    """Records: a repeat follows its event at a distance; poison stands among them."""
    rng = random.Random(seed)
    ciphers = {name: (key.key_id, cipher_of(key.key)) for name, key in keys.items()}
    later: list[Sent] = []
    for number in range(count):
        made = event(number, mix.scattered)
        if mix.sealed:
            made = seal(made, *ciphers[user(number)])
        record = Sent(made.data.request_id.encode(), encode(made), list(HEADERS))
        yield record
        if rng.random() < mix.repeats:
            later.append(record)
        if later and rng.random() < mix.repeats:
            yield later.pop(rng.randrange(len(later)))
        if rng.random() < mix.poison:
            yield Sent(b"poison", b"{no json", [("x-poison", b"1")])
    yield from later


def publish(kafka: KafkaConnection, topic: str, records: Iterable[Sent]) -> tuple[int, int]:
    """Send them all, as fast as it goes; how many, and their bytes."""
    producer = KafkaProducer(
        **kafka.client_arguments(),
        acks="all",
        linger_ms=50,
        batch_size=512 * 1024,
        compression_type="zstd",
    )
    count = size = 0
    for key, value, headers in records:
        last = producer.send(topic, key=key, value=value, headers=headers)
        count, size = count + 1, size + len(value)
        if count % OUTSTANDING == 0:
            last.get(60)
    producer.flush(60)
    producer.close(10)
    return count, size
