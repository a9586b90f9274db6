"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from operations.cli.errors import UserError

EXAMPLE = "2026-11-20, or 2026-11-20T12:00:00Z"


def time_of(text: str) -> datetime:
    """The time; without an offset it is UTC. Raises UserError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{text[:40]!r}", "is no ISO 8601 time", f"write {EXAMPLE}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def past_time(text: str) -> datetime:
    """The same; a time in the future is refused."""
    found = time_of(text)
    if found > datetime.now(UTC):
        raise UserError(
            f"{text[:40]!r}", "is in the future", f"name a time that is past: {EXAMPLE}"
        )
    return found
