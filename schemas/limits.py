"""The limits of every field, as types.

They are the columns' own (see projections/tables.py) where a column has one; the others follow
from what an index entry can hold (2,704 bytes in a btree), or bound what one event may weigh.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from schemas.constraints import JsonObject, Moment, Text
from schemas.record import FIRST_LOG_ID

MAX_VALUE_BYTES = 1_048_576
"""Of a record's value. The topic's max.message.bytes has to leave room for key and headers."""

MAX_TAGS = 100
MAX_USER_ID = 32
"""Characters; Discord's ids have at most 20."""
INT4_MAX = 2**31 - 1

BYTE_LIMITS: Mapping[str, int] = {
    "id": 512,
    "source": 2_048,
    "subject": 512,
    "request_id": 512,
    "storage_url": 2_048,
    "error": 16_384,
    "prompt": 262_144,
}
"""By field: those whose limit counts bytes of UTF-8. All others count characters."""

URL = (
    r"^[hH][tT][tT][pP][sS]?://"
    r"([^\x00-\x20\x7f\\/?#@]*@)?"  # a user
    r"(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f\\/?#@:\[\]]+)"  # an IPv6 address, or a name
    r"(:[0-9]{0,5})?"
    r"([/?#][^\x00-\x20\x7f\\]*)?$"
)


def _bytes_of(field: str, *, min_length: int = 0, pattern: str | None = None) -> Text:
    return Text(max_bytes=BYTE_LIMITS[field], min_length=min_length, pattern=pattern)


RequestId = Annotated[str, _bytes_of("request_id", min_length=1)]
EventId = Annotated[str, _bytes_of("id", min_length=1)]
Source = Annotated[str, _bytes_of("source", min_length=1)]
StorageUrl = Annotated[str, _bytes_of("storage_url", pattern=URL)]
ErrorText = Annotated[str, _bytes_of("error")]
Prompt = Annotated[str, _bytes_of("prompt")]

TraceContext = Annotated[str, Text(512, min_length=1, pattern=r"^[\x20-\x7e]*$")]
UserId = Annotated[str, Text(MAX_USER_ID, min_length=1)]
Username = Annotated[str, Text(255)]
ToolName = Annotated[str, Text(255, min_length=1)]
ModelName = Annotated[str, Text(255)]
Short = Annotated[str, Text(20)]
Medium = Annotated[str, Text(50, min_length=1)]
MessageId = Annotated[str, Text(255)]
Sealed = Annotated[str, Text(MAX_VALUE_BYTES, min_length=52, pattern=r"^[0-9A-Za-z+/]+=*$")]
ErrorCode = Annotated[str, Text(100)]
Tags = Annotated[tuple[Annotated[str, Text(255)], ...], Field(max_length=MAX_TAGS, strict=False)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
Count = Annotated[int, Field(ge=1, le=INT4_MAX)]
Bytes = Annotated[int, Field(ge=0, le=INT4_MAX)]
OldId = Annotated[int, Field(ge=1, lt=FIRST_LOG_ID)]
Time = Annotated[datetime, Moment()]
Metadata = Annotated[dict[str, Any], JsonObject()]
