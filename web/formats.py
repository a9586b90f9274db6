"""How pages write numbers, sizes and times."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
NOTHING = "–"  # noqa: RUF001  # an en dash is meant


def number(value: float | None) -> str:
    """1234567 as 1,234,567; small fractions keep a digit."""
    if value is None:
        return NOTHING
    if value != int(value) and abs(value) < 100:
        return f"{value:,.1f}"
    return f"{round(value):,}"


def size(value: float | None) -> str:
    """Bytes as 512 kB, in powers of 1,000."""
    if value is None:
        return NOTHING
    left, unit = float(value), 0
    while left >= 999.5 and unit < len(UNITS) - 1:
        left, unit = left / 1000, unit + 1
    digits = 1 if unit and left < 10 else 0
    return f"{left:.{digits}f} {UNITS[unit]}"


def percent(part: float | None, whole: float | None = 1) -> str:
    """A share; what is nearly all is not shown as all."""
    if part is None or not whole:
        return NOTHING
    share = 100 * part / whole
    if share in {0, 100}:
        return f"{share:.0f} %"
    return f"{min(max(share, 0.1), 99.9):.1f} %"


def duration(seconds: float | None) -> str:
    """3 s, 2 min, 5 h, 4 d."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < 10:
        return f"{seconds:.1f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def milliseconds(value: float | None) -> str:
    """As a duration; up to a second to the millisecond."""
    if value is not None and value < 999.5:
        return f"{value:.0f} ms"
    return duration(None if value is None else value / 1000)


def moment(value: datetime | None) -> str:
    """2026-11-23 12:04, in UTC."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"


def exact(value: datetime | None) -> str:
    """To the second, with the zone."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(value: datetime) -> str:
    """For <time>."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def day(value: date) -> str:
    """23 Nov."""
    return f"{value.day} {value:%b}"


def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def short(text: str, most: int = 48) -> str:
    """The text, cut with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def link(url: str | None) -> str | None:
    """The URL, if it may be a link: http(s) only."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None


FILTERS = {
    "number": number,
    "size": size,
    "percent": percent,
    "duration": duration,
    "milliseconds": milliseconds,
    "moment": moment,
    "exact": exact,
    "iso": iso,
    "day": day,
    "pretty": pretty,
    "short": short,
}
"""For templates."""
