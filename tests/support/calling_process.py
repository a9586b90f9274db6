"""A bot whose tools are called, to be killed: `python -m tests.support.calling_process`."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from producers.kafka_publisher import KafkaPublisher, PublisherSettings
from producers.spool import Spool
from producers.spooling_publisher import SpoolingPublisher, SpoolingSettings
from producers.storage import LocalStorage
from producers.tracking import Tracker
from schemas.kafka_connection import KafkaConnection

THREADS = 4


def main() -> None:
    """BOOTSTRAP TOPIC FOLDER; numbers of calls on standard input. Says which have begun."""
    bootstrap, topic, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    kafka = KafkaPublisher(KafkaConnection(bootstrap), topic, PublisherSettings(deadline_s=3))
    spool = Spool(folder / "spool.db")
    storage = LocalStorage(folder / "images", "http://localhost/uploads")
    with SpoolingPublisher(spool, kafka, SpoolingSettings(deadline_s=0.5)) as publisher:
        tracker = Tracker(publisher, storage)
        tracker.recover()
        with ThreadPoolExecutor(THREADS) as threads:
            numbers = sys.stdin.read().split()
            list(threads.map(lambda number: _call(tracker, int(number)), numbers))
        publisher.flush(90)


def _call(tracker: Tracker, number: int) -> None:
    try:
        with tracker.track("renderChart", "123", "a chart", request_id=f"call-{number}") as call:
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            call.save(_draw(number))
    except ValueError:
        return


def _draw(number: int) -> bytes:
    if number % 10 == 0:
        raise ValueError("no such chart")
    return b"\x89PNG\r\n\x1a\n%d" % number


if __name__ == "__main__":
    main()
