"""Constraints on fields, as pydantic annotations with two doors.

Events come in by two doors. Python values, from a producer's code, meet every check here. JSON, a
hundred thousand times a second, meets only those that pydantic-core makes by itself; the rest
(NUL, sizes in bytes, metadata) follows from a few tests on the record's bytes, so it is made there,
in ``schemas.codec``. Hence JSON enters through ``schemas.codec`` only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema, from_json, to_json

from schemas.json_values import (
    MAX_DIGITS,
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    dotted,
    first_fault,
)

NO_NUL = r"^[^\u0000]*$"
RFC3339 = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of so many characters, or of so many bytes in UTF-8, without NUL or lone surrogates.

    ``pattern`` has to mean the same to Rust's regex crate and to ECMA 262, for JSON Schema.
    """

    max_length: int | None = None
    min_length: int = 0
    max_bytes: int | None = None
    pattern: str | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        # A character takes at least a byte, so a limit in bytes is one in characters, too.
        from_json = core_schema.str_schema(
            strict=True,
            min_length=self.min_length or None,
            max_length=self.max_length or self.max_bytes,
            pattern=self.pattern,
        )
        from_python = core_schema.no_info_after_validator_function(self._check, from_json)
        return core_schema.json_or_python_schema(from_json, from_python)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = {"pattern": NO_NUL, **handler(schema)}
        return described if self.max_bytes is None else described | {"x-maxBytes": self.max_bytes}

    def _check(self, value: str) -> str:
        if "\0" in value:
            raise PydanticCustomError("NulCharacter", "contains NUL (U+0000)")
        if self.max_bytes is not None and (size := len(value.encode())) > self.max_bytes:
            raise too_long(f"{size} bytes, limit {self.max_bytes}")
        return value


class Moment:
    """A time with an offset, cut to microseconds, in UTC, in a year that Postgres and Python hold.

    The bounds leave a day, so that no conversion between offsets can leave Python's years.
    """

    EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
    BEFORE = datetime(9999, 12, 31, tzinfo=UTC)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        limits: dict[str, Any] = {"ge": self.EARLIEST, "lt": self.BEFORE}
        aware = core_schema.datetime_schema(
            strict=True, tz_constraint="aware", microseconds_precision="truncate", **limits
        )
        # On its own, pydantic takes a text of digits for seconds since 1970.
        rfc3339 = core_schema.chain_schema(
            [core_schema.str_schema(strict=True, pattern=RFC3339), {**aware, "strict": False}]
        )
        in_utc = core_schema.no_info_after_validator_function(_in_utc, aware)
        return core_schema.json_or_python_schema(rfc3339, in_utc)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        limits = {"x-minimum": self.EARLIEST.isoformat(), "x-before": self.BEFORE.isoformat()}
        return {"type": "string", "format": "date-time", "pattern": RFC3339, **limits}


class JsonObject:
    """An object of JSON values, each of which jsonb can hold.

    Built from Python it is copied, so that what the caller does to his own afterwards is nothing
    to the event, and a tuple becomes the list that a reader of the JSON will find.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        plain = handler(source)
        checked = core_schema.no_info_after_validator_function(_json_copy, plain)
        return core_schema.json_or_python_schema(plain, checked)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {
            "x-maxBytes": MAX_METADATA_BYTES,
            "x-maxDepth": MAX_METADATA_DEPTH,
            "x-maxDigits": MAX_DIGITS,
        }


def too_long(reason: str) -> PydanticCustomError:
    """The error of a value over its limit; the reason gives size and limit."""
    return PydanticCustomError("FieldTooLong", "{reason}", {"reason": reason})


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _json_copy(value: dict[str, Any]) -> dict[str, Any]:
    if fault := first_fault(value):
        context = {"reason": fault.reason, "within": dotted(fault.path)}
        raise PydanticCustomError(fault.error_class, "{reason}", context)
    text = to_json(value)
    if len(text) > MAX_METADATA_BYTES:
        raise too_long(f"{len(text)} bytes as JSON, limit {MAX_METADATA_BYTES}")
    copy: dict[str, Any] = from_json(text)
    return copy
