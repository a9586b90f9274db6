"""The most memory that processes ever had, as Linux keeps it (VmHWM of proc(5))."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

EVERY_S = 0.2


def peak_mb(process: int) -> float:
    """The most resident memory of a process so far, in MB; 0 when it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


def tree(process: int) -> Iterator[int]:
    """The process, and all that it has started."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text(encoding="ascii").split():
                yield from tree(int(child))


def wait_for(process: Popen[bytes], deadline_s: float) -> float:
    """Wait until it has ended; the most memory that one of it and its children had, in MB."""
    give_up = time.monotonic() + deadline_s
    highest = 0.0
    while process.poll() is None:
        assert time.monotonic() < give_up, f"not done within {deadline_s:.0f} s"
        highest = max(highest, *map(peak_mb, tree(process.pid)))
        time.sleep(EVERY_S)
    return highest
