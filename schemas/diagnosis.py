"""Why a value is no event: the reason in one line, with field, limit and size."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from schemas.errors import ERROR_CLASSES, InvalidEvent
from schemas.json_values import as_invalid, dotted, excerpt, first_fault
from schemas.limits import BYTE_LIMITS


def parse_object(value: bytes) -> dict[str, Any]:
    """The JSON object that the value is. Raises InvalidEvent.

    Of a key that stands twice the last value counts, as for Postgres, Python and JavaScript.
    """
    try:
        parsed = from_json(value, allow_inf_nan=False)
    except ValueError as exc:
        raise _not_json(value, str(exc)) from None
    if not isinstance(parsed, dict):
        raise InvalidEvent("NotCloudEvent", f"value: is {_json_type(parsed)}, not an object")
    return parsed


def _not_json(value: bytes, why: str) -> InvalidEvent:
    """Python's own parser takes NaN, surrogates and longer numbers, so it can tell where they are.

    ``why`` is the strict parser's reason.
    """
    if "recursion limit" in why:
        return InvalidEvent("TooDeep", "value: nested too deeply")
    try:
        text = value.decode("utf-8", "surrogatepass")
        fault = first_fault(json.loads(text, parse_int=_int))
    except (ValueError, RecursionError):
        fault = None
    if fault is not None:
        return as_invalid(fault)
    return InvalidEvent("NotJson", f"value: is not JSON: {excerpt(why, 200)} ({len(value)} bytes)")


def _int(digits: str) -> int | float:
    # Python refuses to convert 4,301 digits; none of these numbers is small enough anyhow.
    return int(digits) if len(digits) < 4_000 else 10**4_000


def explain(error: ValidationError) -> InvalidEvent:
    """The first of pydantic's errors in our words, and how many more there are."""
    details = error.errors(include_url=False)
    first = details[0]
    kind, reason = _reason(first)
    parts = (dotted(_path(first)), first.get("ctx", {}).get("within"))
    path = ".".join(part for part in parts if part) or "value"
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return InvalidEvent(kind, f"{path}: {reason}{more}")


def _path(detail: ErrorDetails) -> tuple[int | str, ...]:
    # The discriminated union puts the event's type in front of the path.
    path = detail["loc"]
    return path[1:] if path and str(path[0]).startswith("Image") else path


def _reason(detail: ErrorDetails) -> tuple[str, str]:
    kind, value = detail["type"], detail["input"]
    if kind in ERROR_CLASSES:  # one of our own, from schemas.constraints
        return kind, detail["msg"]
    if say := _REASONS.get(kind):
        return say(detail, value)
    said = " ".join(detail["msg"].split())
    if kind.endswith("_type"):
        must = said.removeprefix("Input should be ")
        return "WrongType", f"is {_json_type(value)}, must be {must}"
    if kind.startswith("datetime") or kind == "timezone_aware":
        return _time(detail, value)
    return "InvalidField", f"{excerpt(said, 120)} ({excerpt(value)})"


def _too_long(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    limit = detail.get("ctx", {}).get("max_length")
    if not isinstance(value, str):
        return "FieldTooLong", f"{len(value)} items, limit {limit}"
    if BYTE_LIMITS.get(str(detail["loc"][-1])) == limit:
        return "FieldTooLong", f"{len(value.encode(errors='replace'))} bytes, limit {limit}"
    return "FieldTooLong", f"{len(value)} characters, limit {limit}"


def _pattern(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    field, size = detail["loc"][-1], f"{len(value)} characters"
    if "\0" in value:
        return "NulCharacter", "contains NUL (U+0000)"
    if field == "storage_url":
        scheme = excerpt(value.split(":", 1)[0], 20)
        return "InvalidUrl", f"is not an http(s) URL with a host (scheme {scheme}, {size})"
    if field == "sha256":
        return "InvalidField", f"{size}, must be 64 hexadecimal digits"
    if field == "time":
        return _time(detail, value)
    return "InvalidField", f"{excerpt(value)} ({size}) is not of the form that it must have"


def _time(_: ErrorDetails, value: Any) -> tuple[str, str]:
    return "InvalidTime", f"{excerpt(value)} is not an RFC 3339 date-time with an offset"


def _range(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    must = detail["msg"].removeprefix("Input should be ")
    return "OutOfRange", f"{excerpt(value)} is out of range, must be {must}"


def _literal(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    must = detail["msg"].removeprefix("Input should be ")
    return "InvalidField", f"{excerpt(value)} is not {must}"


_REASONS: dict[str, Callable[[ErrorDetails, Any], tuple[str, str]]] = {
    "missing": lambda *_: ("MissingField", "is missing"),
    "extra_forbidden": lambda *_: ("UnknownField", "is not a field of this event"),
    "string_too_long": _too_long,
    "too_long": _too_long,
    "string_too_short": lambda *_: ("EmptyField", "0 characters, at least 1 is needed"),
    "string_pattern_mismatch": _pattern,
    "string_unicode": lambda *_: ("LoneSurrogate", "contains a lone surrogate"),
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "less_than": _range,
    "literal_error": _literal,
}


def _json_type(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    kinds = ((str, "a text"), (int | float, "a number"), (dict, "an object"))
    for kind, said in kinds:
        if isinstance(value, kind):
            return said
    return "an array" if isinstance(value, list | tuple) else f"a {type(value).__name__}"
