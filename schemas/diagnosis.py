"""Why a value is no event: the reason in one line, with field, limit and size."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from schemas.errors import InvalidEvent
from schemas.limits import MAX_VALUE_BYTES

MAX_MESSAGE = 500

_CLASSES = {
    "missing": "MissingField",
    "extra_forbidden": "UnknownField",
    "string_too_long": "FieldTooLong",
    "too_long_bytes": "FieldTooLong",
    "too_long": "FieldTooLong",
    "too_deep": "TooDeep",
    "string_too_short": "EmptyField",
    "greater_than_equal": "OutOfRange",
    "less_than_equal": "OutOfRange",
    "less_than": "OutOfRange",
    "timezone_aware": "InvalidTime",
    "string_unicode": "LoneSurrogate",
    "nul": "NulCharacter",
    "finite_number": "NotFinite",
    "union_tag_invalid": "UnknownType",
    "union_tag_not_found": "NotCloudEvent",
}


def parse_object(value: bytes) -> dict[str, Any]:
    """The JSON object that the value is. Raises InvalidEvent."""
    try:
        parsed = from_json(value, allow_inf_nan=False)
    except ValueError as exc:
        raise _not_json(value, str(exc)) from None
    if not isinstance(parsed, dict):
        raise InvalidEvent("NotCloudEvent", f"is a JSON {type(parsed).__name__}, not an object")
    return parsed


def diagnose(value: bytes | None, error: ValidationError | None = None) -> InvalidEvent:
    """What to say of a value, given pydantic's error where there is one."""
    if not value:
        return InvalidEvent("EmptyValue", "value: is empty")
    if len(value) > MAX_VALUE_BYTES:
        return InvalidEvent("ValueTooLarge", f"value: {len(value)} bytes, limit {MAX_VALUE_BYTES}")
    if error is None:
        return InvalidEvent("InvalidEvent", "is not an event")
    return explain(error)


def explain(error: ValidationError) -> InvalidEvent:
    """The first of pydantic's errors in our words, and how many more there are."""
    details = error.errors(include_url=False)
    first = details[0]
    kind = _kind(first)
    path = ".".join(str(part) for part in _path(first))
    message = f"{path}: {_say(first, kind)}"
    if len(details) > 1:
        message += f" (and {len(details) - 1} more)"
    return InvalidEvent(kind, message[:MAX_MESSAGE])


def _path(detail: ErrorDetails) -> tuple[int | str, ...]:
    # The discriminated union puts the event's type in front of the path.
    path = detail["loc"]
    return path[1:] if path and str(path[0]).startswith("Image") else path


def _kind(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == "string_pattern_mismatch":
        field = detail["loc"][-1]
        if isinstance(detail["input"], str) and "\0" in detail["input"]:
            return "NulCharacter"
        return "InvalidUrl" if field == "storage_url" else "InvalidField"
    if kind.startswith("datetime"):
        return "InvalidTime"
    if kind.startswith("int_parsing"):
        return "OutOfRange"
    known = _CLASSES.get(kind)
    return known or ("WrongType" if kind.endswith("_type") else "InvalidField")


def _say(detail: ErrorDetails, kind: str) -> str:
    value, said = detail["input"], " ".join(detail["msg"].split())
    limit = detail.get("ctx", {}).get("max_length")
    if kind == "FieldTooLong" and limit is not None:
        unit = "characters" if detail["type"] == "string_too_long" else "items"
        return f"{len(value)} {unit}, limit {limit}"
    if kind == "OutOfRange":
        return f"{_excerpt(value)} is out of range: {said[0].lower()}{said[1:]}"
    if kind == "InvalidUrl":
        scheme = str(value).split(":", 1)[0][:20]
        return f"is not an http(s) URL (scheme {_excerpt(scheme)}, {len(value)} characters)"
    return {"NulCharacter": "contains NUL (U+0000)", "MissingField": "is missing"}.get(kind, said)


def _excerpt(value: object) -> str:
    """At most 40 characters, printable ASCII only."""
    try:
        text = str(value)[:40]
    except ValueError:
        text = "a very long number"
    return ascii(text)[1:-1]


def _not_json(value: bytes, why: str) -> InvalidEvent:
    lowered = why.lower()
    if "recursion" in lowered:
        return InvalidEvent("TooDeep", "value: is nested too deeply")
    if "number out of range" in lowered:
        return InvalidEvent("OutOfRange", "value: holds a number of too many digits")
    if re.search(rb"\\u[dD][89a-fA-F]", value) and ("surrogate" in lowered or "hex" in lowered):
        return InvalidEvent("LoneSurrogate", f"value: holds a lone surrogate: {why[:200]}")
    if re.search(rb"\b(NaN|Infinity)\b", value) and "expected" in lowered:
        return InvalidEvent("NotFinite", f"value: holds NaN or Infinity: {why[:200]}")
    return InvalidEvent("NotJson", f"value: is not JSON: {ascii(why)[1:-1][:200]}")
