"""From a row that no event made to the event that would have made it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from producers.storage import Stored
from projections.backfill import OldRow
from schemas.errors import InvalidEvent
from schemas.events import Event, ImageFailed, ImageGenerated, new_event

SOURCE = "/omega-images/backfill"

KEPT = "backfill"
"""The key of metadata under which stands what the row had and its event has no field for."""

PROVIDER = "omega"
"""The column's default."""

_REQUEST = (
    *("user_id", "username", "tool_name", "prompt", "model", "size", "quality", "style"),
    "message_id",
)
_FILE = ("mime_type", "bytes", "sha256")


class NotCarried(Exception):
    """The row cannot become an event; the message says why."""


def event_of(row: OldRow, stored: Stored | None = None) -> tuple[Event, list[str]]:
    """The row's event, and what it says otherwise than the row, as it cannot say it so.

    ``stored`` is where the image lies that stood in the row's URL. Nothing that the row says gets
    lost. Raises NotCarried.
    """
    changes: list[str] = []
    try:
        event = _success(row, stored, changes) if is_success(row) else _failure(row, changes)
    except InvalidEvent as exc:
        raise NotCarried(exc.message.removeprefix("data.")) from None
    return event, changes


def is_success(row: OldRow) -> bool:
    """By the rule of the statistics: every other status is a failure."""
    return row.status == "success"


def _success(row: OldRow, stored: Stored | None, changes: list[str]) -> Event:
    told: dict[str, Any] = {"error": row.error}
    if stored is None:
        place: dict[str, Any] = {"mime_type": row.mime_type or None, "sha256": row.sha256 or None}
        place |= {"bytes": row.bytes, "storage_url": row.storage_url}
        place["storage_provider"] = row.storage_provider or PROVIDER
        if not row.storage_provider:
            changes.append(f"storage_provider was empty, is {PROVIDER}")
    else:
        place = {"storage_url": stored.url, "storage_provider": stored.provider}
        place |= {"bytes": stored.bytes, "sha256": stored.sha256, "mime_type": row.mime_type}
    return _event(row, ImageGenerated(**_common(row, told, changes), **place))


def _failure(row: OldRow, changes: list[str]) -> Event:
    told: dict[str, Any] = {name: getattr(row, name) for name in _FILE}
    if row.storage_url:
        told |= {"storage_url": row.storage_url, "storage_provider": row.storage_provider}
    if row.status != "failed":
        told["status"] = row.status
        changes.append(f"status was {row.status!r}, is failed")
    if row.error is None:
        changes.append("error was NULL, is the status")
    error = row.status if row.error is None else row.error
    return _event(row, ImageFailed(**_common(row, told, changes), error=error))


def _common(row: OldRow, told: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """Fields of both; ``told`` is what has none of its own."""
    if row.n is None:
        changes.append("n was NULL, is 1")
    return {
        **{name: getattr(row, name) for name in _REQUEST},
        "request_id": row.name,
        "row_id": row.id,
        "n": 1 if row.n is None else row.n,
        "tags": None if row.tags is None else tuple(row.tags),
        "metadata": _metadata(row, told, changes),
    }


def _metadata(row: OldRow, told: dict[str, Any], changes: list[str]) -> dict[str, Any] | None:
    found = None if row.metadata is None else _parsed(row.metadata)
    kept = {name: value for name, value in told.items() if value is not None}
    if found is not None and not isinstance(found, dict):
        kept["metadata"], found = found, None
    if not kept:
        return found
    if found is not None and KEPT in found:
        raise NotCarried(f"metadata has a key {KEPT!r}, under which {', '.join(kept)} would stand")
    changes.append(f"{', '.join(sorted(kept))}: now in metadata.{KEPT}")
    return {**(found or {}), KEPT: kept}


def _parsed(text: str) -> Any:
    try:
        return _read(text)
    except ValueError:
        raise NotCarried("metadata: an integer of over 4,300 digits") from None
    except RecursionError:
        raise NotCarried("metadata: nested too deeply") from None


def _exact(digits: str) -> float:
    """A number as an event keeps it, a double; the column keeps every digit."""
    number = float(digits)
    if Decimal(repr(number)) != Decimal(digits):
        raise NotCarried(f"metadata: {digits[:40]} has more digits than a double keeps")
    return number


_read = json.JSONDecoder(parse_float=_exact).decode


def _event(row: OldRow, data: ImageGenerated | ImageFailed) -> Event:
    if row.created_at is None:
        raise NotCarried("created_at: before 1970, or after 9999-12-30")
    return new_event(data, source=SOURCE, time=row.created_at, event_id=row.event_id)
