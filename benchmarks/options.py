"""How much is measured; everything follows from how many events a backlog has."""

from __future__ import annotations

from dataclasses import dataclass

EVENTS = 300_000
PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Options:
    """The sizes of a run."""

    events: int = EVENTS
    repetitions: int = 3
    seconds: int = 60
    """For which events come at a steady rate."""

    @property
    def rebuilt(self) -> int:
        """Events of a rebuild's log: a million, when a backlog has the usual size."""
        return self.events * 10 // 3

    @property
    def small(self) -> int:
        """Rows of a small table: 100,000."""
        return self.events // 3

    @property
    def large(self) -> int:
        """Rows of a large one: five million."""
        return self.events * 50 // 3

    @property
    def probes(self) -> int:
        """Calls of something that takes tens of milliseconds."""
        return max(50, min(200, self.events // 100))

    @property
    def calls(self) -> int:
        """Calls of something that takes milliseconds."""
        return max(100, min(1_000, self.events // 100))


QUICK = Options(events=3_000, repetitions=1, seconds=2)
"""To see that everything works; the figures say nothing."""
