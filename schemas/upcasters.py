"""Upcasters: pure functions from one version of an event to the next, so that none goes unread.

To change an event incompatibly: raise its version in ``schemas.events`` and in CURRENT, add the
step from the old version to UPCASTERS, and run ``python -m schemas.freeze``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import InvalidEvent
from schemas.json_values import excerpt

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes ``data`` of one version and returns ``data`` of the next; changes nothing in place."""

CURRENT: Mapping[str, int] = {
    "ImageGenerated": 1,
    "ImageFailed": 1,
    "ImageMoved": 1,
    "ImageDeleted": 1,
}

_UNSAID = 1
"""The version of an event without dataschema: fixed, so that it is read the same way for ever."""

_parse_dataschema = re.compile("urn:omega-images:([A-Za-z]+):(0|[1-9][0-9]{0,8})").fullmatch


def dataschema_of(name: str, version: int) -> str:
    """The ``dataschema`` of an event of this type and version."""
    return f"urn:omega-images:{name}:{version}"


class Upcasters:
    """A chain of upcasters for each type: ``steps[type, n]`` leads from version n to n + 1."""

    def __init__(
        self, steps: Mapping[tuple[str, int], Upcaster], current: Mapping[str, int] = CURRENT
    ) -> None:
        self._steps = dict(steps)
        self._current = dict(current)

    def upcast(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The event, as JSON was parsed, with data and dataschema of its type's current version.

        Raises InvalidEvent when it is no CloudEvent, or of a type or version that nobody knows.
        """
        name = self._type_of(event)
        newest = self._current[name]
        data = event.get("data")
        for version in range(self._version(name, event.get("dataschema")), newest):
            data = self._step(name, version, data)
        current = {**event, "dataschema": dataschema_of(name, newest)}
        if "data" in event:
            current["data"] = data
        # application/json is written in several ways, and with parameters that mean nothing.
        content_type = event.get("datacontenttype")
        if isinstance(content_type, str) and _is_json(content_type):
            current["datacontenttype"] = "application/json"
        elif content_type is None:
            current.pop("datacontenttype", None)
        return current

    def _type_of(self, event: Mapping[str, Any]) -> str:
        spec, name = event.get("specversion"), event.get("type")
        if spec != "1.0":
            said = f"{excerpt(spec, 20)} is not 1.0" if "specversion" in event else "is missing"
            raise InvalidEvent("NotCloudEvent", f"specversion: {said}")
        if not isinstance(name, str):
            said = "is not a text" if "type" in event else "is missing"
            raise InvalidEvent("NotCloudEvent", f"type: {said}")
        if name not in self._current:
            known = ", ".join(self._current)
            raise InvalidEvent("UnknownType", f"type: {excerpt(name)} is none of {known}")
        return name

    def _version(self, name: str, dataschema: object) -> int:
        if dataschema is None:
            return _UNSAID
        newest = self._current[name]
        match = _parse_dataschema(dataschema) if isinstance(dataschema, str) else None
        if match is None or match[1] != name:
            said = f"{excerpt(dataschema, 60)} is not {dataschema_of(name, newest)}"
            raise InvalidEvent("UnknownVersion", f"dataschema: {said}")
        version = int(match[2])
        if version > newest:
            raise self._unknown(name, version)
        return version

    def _step(self, name: str, version: int, data: object) -> dict[str, Any]:
        step = self._steps.get((name, version))
        if step is None:
            raise self._unknown(name, version)
        if not isinstance(data, dict):
            raise InvalidEvent("WrongType", "data: must be an object")
        try:
            return step(dict(data))
        # A step may fail in any way on data that is not what its version promised.
        except Exception as exc:
            reason = f"{type(exc).__name__} {excerpt(exc, 60)}"
            message = f"data: {name} {version} was not brought to {version + 1}: {reason}"
            raise InvalidEvent("UpcastFailed", message) from exc

    def _unknown(self, name: str, version: int) -> InvalidEvent:
        known = f"newest known {self._current[name]}"
        return InvalidEvent("UnknownVersion", f"dataschema: version {version} of {name}, {known}")


def _is_json(content_type: str) -> bool:
    return content_type.split(";", 1)[0].strip().lower() == "application/json"


UPCASTERS = Upcasters({})
"""Every type is at its first version."""
