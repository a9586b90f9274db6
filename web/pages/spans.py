"""The spans of time that pages offer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

CHOICES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
DEFAULT = "30"


@dataclass(frozen=True, slots=True)
class Span:
    """So many days, up to today in UTC."""

    days: int
    last: date

    @classmethod
    def of(cls, given: str | None) -> Span:
        """The span that an address names; the usual one when it names none."""
        chosen = given if given in CHOICES else DEFAULT
        return cls(int(chosen), datetime.now(UTC).date())

    @property
    def first(self) -> date:
        """The first day."""
        return self.last - timedelta(days=self.days - 1)

    @property
    def since(self) -> datetime:
        """When it begins."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)

    @property
    def all_days(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=n) for n in range(self.days)]

    @property
    def name(self) -> str:
        """As its button has it."""
        return CHOICES[str(self.days)]
