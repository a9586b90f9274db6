"""Processor time that a shared machine gave to others while it was wanted here."""

from __future__ import annotations

import psutil

UNIT = "% of the time wanted"
WORKED = ("user", "nice", "system", "irq", "softirq")
"""Of guests, nothing: the kernel has it in ``user`` already (proc_stat(5))."""


class Stolen:
    """From its making on. Linux tells of it as "steal" (proc_stat(5)); elsewhere it is nothing."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def percent(self) -> float:
        """Of what all processes together had and would have had."""
        now = psutil.cpu_times()

        def passed(name: str) -> float:
            return float(getattr(now, name, 0.0) - getattr(self._before, name, 0.0))

        stolen = passed("steal")
        wanted = stolen + sum(map(passed, WORKED))
        return 100 * stolen / wanted if wanted > 0 else 0.0
