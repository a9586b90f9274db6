"""Upcasters: pure functions from one version of an event to the next, so that none goes unread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import to_json

from schemas.diagnosis import parse_object
from schemas.errors import InvalidEvent

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes ``data`` of one version and returns ``data`` of the next."""

CURRENT: Mapping[str, int] = {
    "ImageGenerated": 1,
    "ImageFailed": 1,
    "ImageMoved": 1,
    "ImageDeleted": 1,
}

_PREFIX = "urn:omega-images:"


class Upcasters:
    """A chain of upcasters for each type: ``steps[type, n]`` leads from version n to n + 1."""

    def __init__(self, steps: Mapping[tuple[str, int], Upcaster]) -> None:
        self._steps = dict(steps)

    def upcast(self, value: bytes) -> bytes:
        """The value, brought to the current version of its type.

        An event without a dataschema is taken for the current version. Raises InvalidEvent when
        it is not JSON, not a CloudEvent, or of a type or version that nobody knows.
        """
        event = parse_object(value)
        name = event.get("type")
        if event.get("specversion") != "1.0" or not isinstance(name, str):
            raise InvalidEvent("NotCloudEvent", "is no CloudEvent: no specversion 1.0 or no type")
        if name not in CURRENT:
            raise InvalidEvent("UnknownType", f"type: {name[:50]!r} is none of {sorted(CURRENT)}")
        version = _version(name, event.get("dataschema"))
        data = event.get("data")
        if version < CURRENT[name] and not isinstance(data, dict):
            raise InvalidEvent("WrongType", "data: is not an object")
        while version < CURRENT[name]:
            step = self._steps.get((name, version))
            if step is None:
                raise _unknown(name, version)
            data = step(dict(data or {}))
            version += 1
        event |= {"data": data, "dataschema": f"{_PREFIX}{name}:{version}"}
        if str(event.get("datacontenttype", "")).lower().startswith("application/json"):
            event["datacontenttype"] = "application/json"
        return to_json(event)


def _version(name: str, dataschema: object) -> int:
    if dataschema is None:
        return CURRENT[name]
    prefix = f"{_PREFIX}{name}:"
    number = dataschema.removeprefix(prefix) if isinstance(dataschema, str) else ""
    if not (isinstance(dataschema, str) and dataschema.startswith(prefix) and number.isdecimal()):
        raise InvalidEvent("UnknownVersion", f"dataschema: is not {prefix}<version>")
    if int(number[:9]) > CURRENT[name]:
        raise _unknown(name, int(number[:9]))
    return int(number[:9])


def _unknown(name: str, version: int) -> InvalidEvent:
    known = CURRENT[name]
    return InvalidEvent(
        "UnknownVersion", f"dataschema: version {version} of {name}, known: {known}"
    )


UPCASTERS = Upcasters({})
"""Every type is at its first version."""
