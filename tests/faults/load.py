"""A producer that goes on whatever happens, and whose clock can be set back."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from kafka import KafkaProducer  # type: ignore[import-untyped]  # kafka-python has no type hints
from kafka.errors import KafkaError  # type: ignore[import-untyped]  # same

from tests.support.load import Message, Mix, mixed_load

CHUNK = 100
MIX = Mix(duplicates=0.1, failures=0.2, moves=0.1, deletions=0.05, poison=0.01)
PATIENCE_S = 5


class Load:
    """Sends mixed records at a steady rate on a thread of its own, until the block ends.

    What was not acknowledged is sent again: a record may stand twice, and none is left out.
    """

    def __init__(self, bootstrap: str, topic: str, *, seed: int, pause_s: float) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._seed = seed
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._producer: KafkaProducer | None = None
        self.clock_set_back = timedelta(0)
        self.sent = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send what was begun, and end. Raises AssertionError when that cannot be done."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the load could not be ended"

    def _run(self) -> None:
        number = self._seed * 1_000_000
        while not self._stop.is_set():
            number += 1
            chunk = self._shifted(mixed_load(CHUNK, MIX, number))
            while not self._sent(chunk):
                self._stop.wait(0.5)
            self.sent += len(chunk)
            self._stop.wait(self._pause_s)
        if self._producer is not None:
            self._producer.close(timeout=5)

    def _sent(self, chunk: Sequence[Message]) -> bool:
        try:
            if self._producer is None:
                self._producer = KafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    linger_ms=5,
                    reconnect_backoff_max_ms=500,
                )
            send = self._producer.send
            headers = [list(one.headers) for one in chunk]
            futures = [
                send(self._topic, key=one.key, value=one.value, headers=header)
                for one, header in zip(chunk, headers, strict=True)
            ]
            for future in futures:
                future.get(PATIENCE_S)
        except KafkaError:
            return False
        return True

    def _shifted(self, chunk: list[Message]) -> list[Message]:
        back = self.clock_set_back
        return [_set_back(one, back) for one in chunk] if back else chunk


def _set_back(message: Message, by: timedelta) -> Message:
    """The same event, of a producer whose clock is slow. Poison stays as it is."""
    if message.headers:
        return message
    event = json.loads(message.value)
    event["time"] = (datetime.fromisoformat(event["time"]) - by).isoformat()
    return message._replace(value=json.dumps(event).encode())
