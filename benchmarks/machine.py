"""On what was measured: the machine, versions, and the settings as the server tells them."""

from __future__ import annotations

import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.options import Options
from benchmarks.place import Place
from operations.embedded.kafka import KAFKA, find_java

SETTINGS = (
    *("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_level"),
    *("shared_buffers", "max_wal_size", "wal_compression", "autovacuum", "data_checksums"),
)


def describe(place: Place, options: Options) -> dict[str, str]:
    """What somebody who compares figures has to know."""
    with place.connect() as connection:
        told = {
            name: str(connection.execute("SELECT current_setting(%s)", (name,)).fetchall()[0][0])
            for name in SETTINGS
        }
    return {
        "taken": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{_processor()}, {psutil.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Kafka": f"{KAFKA.rpartition(':')[2]}, Java {find_java()[1]}, one broker",
        "PostgreSQL": told.pop("server_version"),
        **told,
        "events of a backlog": f"{options.events:,}",
        "repetitions": str(options.repetitions),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()
