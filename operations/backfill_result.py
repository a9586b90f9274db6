"""What came of a backfill."""

from __future__ import annotations

from dataclasses import dataclass, field

SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that did not become an event."""

    id: int
    request_id: str | None
    reason: str


@dataclass(slots=True)
class Backfilled:
    """What came of a run."""

    published: int = 0
    already: int = 0
    """Rows whose event is in the log, but which the table has not read yet."""
    named: int = 0
    """Rows that had no request id, and got one."""
    stored: int = 0
    """Images that stood in a URL, and lie in the storage now."""
    rejected: int = 0
    samples: list[Rejected] = field(default_factory=list)
    """The first of them."""
    adapted: dict[str, int] = field(default_factory=dict)
    """What an event could not say as the row did, and how often."""
    stopped: str | None = None
    """Why it ended early; the next run goes on."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left that a person has to look at, or another run to do."""
        return not (self.rejected or self.stopped)
