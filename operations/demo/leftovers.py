"""Workers of a demonstration that was killed: found again by the next one, and ended.

They would go on with their old topic, in the new demonstration's database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

STOP_S = 10.0
SAME_S = 1.0
"""A process of that id that started at another time is somebody else's."""


def remember(file: Path, pids: Iterable[int]) -> None:
    """Write down which processes were started."""
    file.write_text(json.dumps([[pid, psutil.Process(pid).create_time()] for pid in pids]))


def end_leftovers(file: Path) -> int:
    """End those that were written down and still live; how many there were."""
    found = [
        process
        for pid, started in _written(file)
        if (process := _process(pid)) and abs(process.create_time() - started) < SAME_S
    ]
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(found, STOP_S)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    file.unlink(missing_ok=True)
    return len(found)


def _written(file: Path) -> list[tuple[int, float]]:
    try:
        return [(int(pid), float(started)) for pid, started in json.loads(file.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
