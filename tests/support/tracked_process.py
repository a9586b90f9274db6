"""A tool in a process that dies: `python -m tests.support.tracked_process FOLDER WHEN`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from producers.spool import Spool
from producers.spooling_publisher import SpoolingPublisher
from producers.storage import LocalStorage, Stored
from producers.tracking import Tracker
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic

BASE = "http://localhost/uploads"
DATA = b"\x89PNG\r\n\x1a\n picture"


class DyingStorage(LocalStorage):
    """Dies before the bytes are stored, or at once after it."""

    when = ""

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        if self.when == "before-put":
            die()
        stored = super().put(data, filename, mime_type)
        if self.when == "after-put":
            die()
        return stored


def die() -> None:
    """Kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Track one call of three images over an unreachable Kafka, and die at the named moment."""
    folder, when = Path(sys.argv[1]), sys.argv[2]
    topic = MemoryTopic()
    topic.set_available(False)
    storage = DyingStorage(folder / "images", BASE)
    publisher = SpoolingPublisher(Spool(folder / "spool.db"), MemoryPublisher(topic))
    tracker = Tracker(publisher, storage)
    with tracker.track("generateIconEmoji", "123", "a fox", request_id="r-1", n=2) as call:
        if when == "in-the-body":
            die()
        if when == "in-the-second":
            call.save(DATA)
        storage.when = "before-put" if when == "in-the-second" else when
        call.save(DATA + b" two")
        die()


if __name__ == "__main__":
    main()
