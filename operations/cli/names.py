"""What commands take by name."""

from __future__ import annotations

from enum import StrEnum


class Name(StrEnum):
    """The projections."""

    TABLE = "table"
    STATS = "stats"
