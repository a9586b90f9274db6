"""Values as PostgreSQL's binary format has them, for COPY."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from struct import Struct

_POSTGRES_EPOCH = date(2000, 1, 1).toordinal()
_TEXT_OID = 25
_pack_array = Struct("!iIIii").pack
_pack_length = Struct("!i").pack
_EMPTY_ARRAY = Struct("!iII").pack(0, 0, _TEXT_OID)


def wire_time(time: datetime) -> int:
    """A timestamptz: microseconds since 2000-01-01, an int8.

    ``time`` is in UTC; subtracting two datetimes would ask their time zones, which takes longer
    than all of this.
    """
    hours = (time.toordinal() - _POSTGRES_EPOCH) * 24 + time.hour
    return (hours * 3600 + time.minute * 60 + time.second) * 1_000_000 + time.microsecond


def text_array(values: Sequence[str]) -> bytes:
    """A text[] (array_send): dimensions, null flag, element type, size, lower bound, elements."""
    if not values:
        return _EMPTY_ARRAY
    parts = [_pack_array(1, 0, _TEXT_OID, len(values), 1)]
    for value in values:
        encoded = value.encode()
        parts += (_pack_length(len(encoded)), encoded)
    return b"".join(parts)


class TextArrays:
    """Remembers text_array: tags are few and come again."""

    MOST = 5_000
    LONGEST = 8
    """Of longer ones nobody expects that they come again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], bytes] = {}

    def of(self, values: Sequence[str]) -> bytes:
        """As text_array."""
        if len(values) > self.LONGEST:
            return text_array(values)
        key = tuple(values)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self.MOST:
                self._known.clear()
            found = self._known[key] = text_array(key)
        return found
