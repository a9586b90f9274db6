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

from benchmarks.events import event
from producers.kafka_publisher import KafkaPublisher
from schemas.kafka_connection import KafkaConnection

TICK_S = 0.001
"""With higher rates, what has become due meanwhile is sent together."""
DEADLINE_S = 60.0


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
