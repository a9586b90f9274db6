"""The limits of every field, as constrained types.

They are the columns' own (see projections/tables.py) where a column has one; the others follow
from what an index entry can hold (2,704 bytes in a btree), or bound what one event may weigh.
Constraints that run once for every event are pydantic-core's own, because a validator in Python
costs more than the rest of a field.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints
from pydantic_core import PydanticCustomError, PydanticSerializationError, to_json

MAX_VALUE_BYTES = 1_048_576
MAX_KEY_BYTES = 512
MAX_URL_BYTES = 2_048
MAX_METADATA_BYTES = 262_144
MAX_METADATA_DEPTH = 64
MAX_DIGITS = 1_000
MAX_TAGS = 100
INT4_MAX = 2**31 - 1

_NO_NUL = r"^[^\x00]*$"


def text(max_length: int, *, min_length: int = 0) -> Any:
    """Text of so many characters, without NUL; pydantic-core itself refuses lone surrogates."""
    return Field(min_length=min_length, max_length=max_length, pattern=_NO_NUL)


def _within_bytes(limit: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) * 4 > limit and (size := len(value.encode())) > limit:
            raise PydanticCustomError(
                "too_long_bytes", "{size} bytes, limit {limit}", {"size": size, "limit": limit}
            )
        return value

    return AfterValidator(check)


def _check_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """Whether jsonb can hold it: cheap tests on the serialised form, and leaf by leaf in doubt."""
    try:
        text = to_json(value)
    except (PydanticSerializationError, ValueError, RecursionError) as exc:
        raise PydanticCustomError("metadata", "is not JSON") from exc
    if (
        len(text) > MAX_DIGITS
        or b"NaN" in text
        or b"Infinity" in text
        or b"\\u0000" in text
        or text.count(b"[") + text.count(b"{") > MAX_METADATA_DEPTH
    ):
        _check_size(len(text))
        _check_json(value, 1)
    return value


def _check_size(size: int) -> None:
    if size > MAX_METADATA_BYTES:
        raise PydanticCustomError(
            "too_long_bytes",
            "{size} bytes as JSON, limit {limit}",
            {"size": size, "limit": MAX_METADATA_BYTES},
        )


def _check_json(value: Any, depth: int) -> None:
    """Every leaf and key, one by one. Raises PydanticCustomError."""
    if depth > MAX_METADATA_DEPTH:
        raise PydanticCustomError(
            "too_deep", "is nested more than {limit} levels deep", {"limit": MAX_METADATA_DEPTH}
        )
    if isinstance(value, dict):
        for key, item in value.items():
            _check_leaf(key if isinstance(key, str) else object())
            _check_json(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_json(item, depth + 1)
    else:
        _check_leaf(value)


def _check_leaf(value: object) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise PydanticCustomError("nul", "contains NUL (U+0000)")
        if not value.isascii() and re.search("[\ud800-\udfff]", value):
            raise PydanticCustomError("string_unicode", "contains a lone surrogate")
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  NaN
            raise PydanticCustomError("finite_number", "contains NaN or Infinity")
    elif isinstance(value, int):
        # Bits rather than digits: str() of a long integer is slow, and refused beyond 4,300.
        if value.bit_length() > MAX_DIGITS * 3.32:
            raise PydanticCustomError(
                "too_long", "holds a number of over {limit} digits", {"limit": MAX_DIGITS}
            )
    elif value is not None:
        raise PydanticCustomError("metadata", "is not JSON")


RequestId = Annotated[str, text(MAX_KEY_BYTES, min_length=1), _within_bytes(MAX_KEY_BYTES)]
EventId = RequestId
Source = RequestId
TraceContext = Annotated[str, text(512)]
UserId = Annotated[str, text(32, min_length=1)]
Username = Annotated[str, text(255)]
ToolName = Annotated[str, text(255, min_length=1)]
ModelName = Annotated[str, text(255)]
Prompt = Annotated[str, text(262_144)]
Short = Annotated[str, text(20)]
Medium = Annotated[str, text(50, min_length=1)]
MessageId = Annotated[str, text(255)]
ErrorText = Annotated[str, text(16_384)]
ErrorCode = Annotated[str, text(100)]
Count = Annotated[int, Field(ge=1, le=INT4_MAX)]
Bytes = Annotated[int, Field(ge=0, le=INT4_MAX)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
Tag = Annotated[str, text(255)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS, strict=False)]
StorageUrl = Annotated[
    str,
    Field(
        max_length=MAX_URL_BYTES,
        pattern=r"^https?://[^\x00-\x20\x7f\\/?#][^\x00-\x20\x7f\\]*$",
    ),
    _within_bytes(MAX_URL_BYTES),
]
Time = Annotated[
    AwareDatetime,
    Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 12, 31, tzinfo=UTC)),
]
Metadata = Annotated[dict[str, Any], AfterValidator(_check_metadata)]
