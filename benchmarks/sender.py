"""A process of its own that publishes at a steady rate: `python -m benchmarks.sender RATE COUNT`.

Prints as JSON when it has called publish for each event (as time.perf_counter, which all processes
of a machine share on Linux), and where the event stands. Rate 0: as fast as it goes.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from typing import Any

from producers.kafka_publisher import KafkaPublisher
from schemas.events import ImageGenerated, new_event
from schemas.kafka_connection import KafkaConnection

TICK_S = 0.001
"""With higher rates, what has become due meanwhile is sent together."""
DEADLINE_S = 60.0


def event(number: int) -> Any:
    """An event of about 700 bytes."""
    return new_event(
        ImageGenerated(
            request_id=f"latency-{number:08d}",
            user_id=f"user{number % 97}",
            username="ada",
            tool_name="generateUserImage",
            prompt="A quiet harbour at dusk, soft light, " * 4,
            model="gemini-3-pro-image-preview",
            size="1024x1024",
            storage_url=f"https://images.test/file-library/{number}.png",
            storage_provider="github",
            mime_type="image/png",
            bytes=524_288,
            sha256=f"{number:064x}",
            tags=("portrait",),
            metadata={"number": number},
        )
    )


def main() -> None:
    """Publish, and print."""
    rate, count = int(sys.argv[1]), int(sys.argv[2])
    kafka = KafkaConnection(os.environ["OMEGA_KAFKA_BOOTSTRAP_SERVERS"])
    events = [event(number) for number in range(count)]
    gc.disable()
    with KafkaPublisher(kafka, os.environ["OMEGA_TOPIC"]) as publisher:
        publisher.publish(events[0])
        sent = []
        start = time.perf_counter()
        for number, made in enumerate(events):
            if rate and (pause := start + number / rate - time.perf_counter()) > 0:
                time.sleep(max(pause, TICK_S))
            sent.append((time.perf_counter(), publisher.publish_async(made)))
        found = [(began, future.result(DEADLINE_S).position) for began, future in sent]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
