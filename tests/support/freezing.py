"""Having a process stand still."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.support.waiting import eventually


def freeze(pid: int) -> None:
    """Returns when no thread of it does anything any more, until it gets SIGCONT."""
    os.kill(pid, signal.SIGSTOP)
    # On a busy machine its threads go on for a while.
    eventually(lambda: _stands_still(pid), what="the standstill")


def _stands_still(pid: int) -> bool:
    """Whether every thread is stopped (proc_pid_stat(5), field 3)."""
    stats = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)
