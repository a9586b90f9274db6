"""Sending raw records, poison among them, as any producer might."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

from kafka import KafkaProducer  # type: ignore[import-untyped]  # kafka-python has no type hints

from tests.support.load import Message, halves

OUTSTANDING = 5_000


class AnyMessage(NamedTuple):
    """One record to send, whatever it may lack."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def send(bootstrap: str, topic: str, messages: Sequence[Message | AnyMessage]) -> None:
    """One producer's share, as fast as it goes, every delivery checked."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=20,
        batch_size=256 * 1024,
        compression_type="lz4",
        max_request_size=16 * 2**20,
    )
    futures = []
    for message in messages:
        headers = list(message.headers)
        futures.append(producer.send(topic, key=message.key, value=message.value, headers=headers))
        if len(futures) >= OUTSTANDING:
            futures.pop(0).get(30)
    for future in futures:
        future.get(30)
    producer.close(timeout=10)


def send_by_two(bootstrap: str, topic: str, messages: Sequence[Message]) -> list[threading.Thread]:
    """Two producers at work, each with half of it."""
    threads = [
        threading.Thread(target=send, args=(bootstrap, topic, half)) for half in halves(messages)
    ]
    for thread in threads:
        thread.start()
    return threads
