"""What goes into the spool and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much may wait. Over that, SpoolFull."""

    max_events: int = 100_000
    max_bytes: int = 256 * 2**20


class SpoolEntry(NamedTuple):
    """An event as it is to be sent."""

    event_id: str
    request_id: str
    value: bytes


class Claimed(NamedTuple):
    """An event that this opener is to send."""

    event_id: str
    value: bytes


class SpoolStatus(NamedTuple):
    """What is in the spool now."""

    waiting: int
    bytes: int
    refused: int
    intents: int
    """Tool calls under way, or begun by a process that died."""
    oldest_at: float | None
    """When the oldest that waits was written, in seconds since 1970."""
    last_error: str | None


class RefusedEvent(NamedTuple):
    """An event that Kafka will not take as it is."""

    event_id: str
    request_id: str
    reason: str
