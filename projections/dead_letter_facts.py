"""A dead letter as programs see it: all that is known, and the record as far as it can be read."""

from __future__ import annotations

import base64
import json
from math import isfinite
from typing import Any

from projections.dead_letter_reads import StoredLetter
from schemas.codec import decode
from schemas.errors import InvalidEvent

MAX_DEPTH = 100
"""Levels of JSON that are shown as such; to print very many would overflow the stack."""


def letter_facts(letter: StoredLetter) -> dict[str, Any]:
    """All that is known of it; ``record`` is the value, ``read_as`` says how far it was read."""
    facts = letter._asdict()
    read_as, record = read_value(letter.value)
    encoded = None if letter.value is None else base64.b64encode(letter.value).decode()
    headers = {name: _text(base64.b64decode(value)) for name, value in letter.headers}
    key = None if letter.key is None else _text(letter.key)
    return facts | {
        "key": key,
        "headers": headers,
        "value": encoded,
        "read_as": read_as,
        "record": record,
    }


def read_value(value: bytes | None) -> tuple[str, Any]:
    """What the value is taken for, and that: an event, JSON, text, or the bytes as they print."""
    if not value:
        return "nothing", ""
    try:
        return "an event", decode(value).model_dump(mode="json", exclude_none=True)
    except InvalidEvent:
        pass
    try:
        found = json.loads(
            value, parse_int=_integer, parse_float=_number, parse_constant=lambda name: name
        )
        if _depth(found) <= MAX_DEPTH:
            return "JSON", found
    except (ValueError, RecursionError):
        pass
    try:
        return "text", value.decode()
    except UnicodeDecodeError:
        return "bytes", _text(value)


def _integer(digits: str) -> int | str:
    # Python refuses to convert more than 4,300 digits.
    return int(digits) if len(digits) < 4_000 else digits


def _number(digits: str) -> float | str:
    number = float(digits)
    return number if isfinite(number) else digits


def _depth(value: Any) -> int:
    """Levels of objects and arrays, without recursion."""
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
