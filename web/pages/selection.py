"""The gallery's filters: from the form's fields to the search, and back into addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from projections.image_filters import Filters, InvalidFilter

FIELDS = ("text", "user", "tool", "model", "status", "tag", "provider", "since", "until")
MAX_FIELD = 500
STATUSES = ("success", "failed")


@dataclass(frozen=True, slots=True)
class Selection:
    """What the form says; a field that is empty does not matter."""

    given: Mapping[str, str]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Selection:
        """The fields of an address. Others are passed over."""
        found = {name: query.get(name, "").strip() for name in FIELDS}
        return cls({name: value for name, value in found.items() if value})

    def filters(self) -> Filters:
        """The same for projections; ``until`` names the last day. Raises InvalidFilter."""
        given = self.given
        for name, value in given.items():
            if len(value) > MAX_FIELD:
                raise InvalidFilter(f"{name}: has over {MAX_FIELD} characters")
        if given.get("status", "success") not in STATUSES:
            raise InvalidFilter("status: must be success or failed")
        return Filters(
            user_id=given.get("user"),
            tool_name=given.get("tool"),
            model=given.get("model"),
            status=given.get("status"),
            tag=given.get("tag"),
            storage_provider=given.get("provider"),
            since=_day(given, "since", timedelta()),
            until=_day(given, "until", timedelta(days=1)),
            text=given.get("text"),
        )

    def address(self, path: str = "/", **others: str | None) -> str:
        """The address with these filters, and others laid over them; None takes one away."""
        fields = dict(self.given) | others
        query = urlencode({name: value for name, value in fields.items() if value})
        return f"{path}?{query}" if query else path


def _day(given: Mapping[str, str], name: str, later: timedelta) -> datetime | None:
    if name not in given:
        return None
    try:
        day = date.fromisoformat(given[name])
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + later
    except (ValueError, OverflowError):
        raise InvalidFilter(f"{name}: must be a day, as in 2026-11-23") from None
