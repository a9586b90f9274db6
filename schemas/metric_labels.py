"""Label values that come from events, kept from growing without bound."""

from __future__ import annotations

OTHER = "other"
MAX_LENGTH = 100


class BoundedLabels:
    """Lets so many different combinations through; every later one is ``other`` throughout.

    A name that anybody can invent would otherwise make a time series for each.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[tuple[str, ...]] = set()

    def of(self, *values: str) -> tuple[str, ...]:
        """The values to use for these."""
        short = tuple(value[:MAX_LENGTH] for value in values)
        if short not in self._known:
            if len(self._known) >= self._limit:
                return (OTHER,) * len(values)
            self._known.add(short)
        return short
