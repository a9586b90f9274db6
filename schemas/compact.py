"""Events as few, flat objects, read several times as fast as the models.

Consumers hold them so, and so does who takes in many at once. msgspec parses and checks in one
pass. Whatever is accepted here, ``schemas.codec`` reads with care to the same event; whatever is
unusual in any way is left to it, and its answer comes in the same form. Attributes have the
models' names.
"""

from __future__ import annotations

import functools
import operator
import re
from binascii import unhexlify
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin
from typing import get_type_hints as hints_of

import msgspec
from msgspec import NODEFAULT, Meta, Struct
from pydantic import BaseModel

from schemas import events, limits
from schemas.codec import (
    check_key,
    check_size,
    check_subject,
    decode,
    decode_strict,
    is_peculiar,
    metadata_fits,
    texts_fit,
)
from schemas.events import ENVELOPES, Event
from schemas.limits import BYTE_LIMITS
from schemas.record import FIRST_LOG_ID, Record

_is_time = re.compile(
    r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:[0-5]\d)", re.ASCII
).fullmatch
_is_url = re.compile(r"https?://[0-9A-Za-z.-]+(?::\d{1,5})?/[!-\[\]-~]*", re.ASCII).fullmatch
_is_sealed = re.compile(r"[0-9A-Za-z+/]+=*").fullmatch
_time_of = datetime.fromisoformat
_Number = int | float
"""To msgspec 1.0 is an integer, too; of this it tells how it was written."""


def _text(most: int, least: int = 0, pattern: str | None = None) -> Any:
    return Annotated[str, Meta(max_length=most, min_length=least, pattern=pattern)]


_TYPES: dict[Any, Any] = {
    limits.RequestId: _text(BYTE_LIMITS["request_id"], 1),
    limits.EventId: _text(BYTE_LIMITS["id"], 1),
    limits.Source: _text(BYTE_LIMITS["source"], 1),
    limits.StorageUrl: _text(BYTE_LIMITS["storage_url"]),
    limits.ErrorText: _text(BYTE_LIMITS["error"]),
    limits.Prompt: _text(BYTE_LIMITS["prompt"]),
    limits.TraceContext: _text(512, 1, r"^[ -~]+\Z"),
    limits.UserId: _text(limits.MAX_USER_ID, 1),
    limits.Username: _text(255),
    limits.ToolName: _text(255, 1),
    limits.ModelName: _text(255),
    limits.Short: _text(20),
    limits.Medium: _text(50, 1),
    limits.MessageId: _text(255),
    limits.Sealed: _text(limits.MAX_VALUE_BYTES, 52),
    limits.ErrorCode: _text(100),
    limits.Tags: Annotated[
        tuple[Annotated[str, Meta(max_length=255)], ...], Meta(max_length=limits.MAX_TAGS)
    ],
    limits.Sha256: _text(64, 64),
    limits.Count: _Number,
    limits.Bytes: _Number,
    limits.OldId: _Number,
    limits.Time: str,
    limits.Metadata: dict[str, Any],
}
"""What each of the limits is here: the same, or narrower with the patterns that are common; to
call a pattern costs msgspec three times as much."""


class CompactEvent(Struct):
    """An event of any type. ``data`` is a Generated, Failed, Moved or Deleted."""

    @property
    def type(self) -> str:
        """The event's type, by which msgspec tells the structs apart."""
        return str(self.__struct_config__.tag)

    if TYPE_CHECKING:
        id: str
        source: str
        subject: str | None
        time: datetime
        traceparent: str | None
        data: Any


def _type_of(hint: Any) -> Any:
    """A field's type for msgspec. Raises KeyError for one that has none."""
    if get_origin(hint) is Literal:
        return hint
    parts = (hint,) if hint in _TYPES else get_args(hint)
    kinds = [None if part is NoneType else _TYPES[part] for part in parts]
    return functools.reduce(operator.or_, kinds)


def _struct(
    model: type[BaseModel],
    names: Iterable[str],
    base: type = Struct,
    tag: str | None = None,
    **given: Any,
) -> Any:
    """A type of these fields, parsed as the model is; ``tag`` is what its field type says."""
    hints = hints_of(model, include_extras=True)
    fields = []
    for name in names:
        default = model.model_fields[name].default
        required = model.model_fields[name].is_required()
        kind = given.get(name) or _type_of(hints[name])
        fields.append((name, kind, NODEFAULT if required else default))
    return msgspec.defstruct(
        model.__name__,
        fields,
        bases=(base,),
        tag_field=None if tag is None else "type",
        tag=tag,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
    )


_FIRST = ("request_id", "row_id", "sealed")
_REQUEST = ("user_id", "username", "tool_name", "prompt", "model", "size", "quality", "style", "n")
_PLACE = ("storage_url", "storage_provider", "mime_type", "bytes", "sha256")
_LAST = ("tags", "metadata", "message_id")

Generated = _struct(events.ImageGenerated, (*_FIRST, *_REQUEST, *_PLACE, *_LAST))
Failed = _struct(events.ImageFailed, (*_FIRST, *_REQUEST, *_LAST, "error", "error_code"))
Moved = _struct(events.ImageMoved, ("request_id", *_PLACE))
Deleted = _struct(events.ImageDeleted, ("request_id", "reason", "deleted_by"))
"""The fields in the table's order, so that a row is made of them as they are."""

_DATA: dict[type, Any] = {
    events.ImageGenerated: Generated,
    events.ImageFailed: Failed,
    events.ImageMoved: Moved,
    events.ImageDeleted: Deleted,
}
_EVENTS = {
    model: _struct(
        model,
        [field for field in model.model_fields if field != "type"],
        CompactEvent,
        name,
        data=_DATA[hints_of(model)["data"]],
    )
    for name, model in ENVELOPES.items()
}
_write = msgspec.json.Encoder().encode
_parse: Callable[[bytes], Any] = msgspec.json.Decoder(
    functools.reduce(operator.or_, _EVENTS.values())
).decode


def read_record(record: Record) -> CompactEvent:
    """As codec.decode_record. Raises InvalidEvent."""
    check_key(record)
    event = read_quickly(record.value) if record.value else None
    return compact(decode(record.value)) if event is None else event


def read_strict(value: bytes) -> CompactEvent:
    """As codec.decode_strict. Raises InvalidEvent."""
    event = read_quickly(value)
    return compact(decode_strict(value)) if event is None else event


def encode_compact(event: CompactEvent) -> bytes:
    """As codec.encode, but that what is as it is by default is left out. Raises InvalidEvent."""
    check_subject(event.subject, event.data.request_id)
    value = _write(event)
    check_size(value)
    return value


def compact(event: Event) -> CompactEvent:
    """The event in this form, sharing its values."""
    attributes = {**event.__dict__, "data": _DATA[type(event.data)](**event.data.__dict__)}
    del attributes["type"]
    made: CompactEvent = _EVENTS[type(event)](**attributes)
    return made


def read_quickly(value: bytes) -> CompactEvent | None:
    """The event; None when there is anything to be looked at with care."""
    size = len(value)
    if size > limits.MAX_VALUE_BYTES:
        return None
    try:
        event = _parse(value)
        text = event.time
        if _is_time(text) is None:
            return None
        time = _time_of(text)
        event.time = time = time if text[-1] == "Z" else time.astimezone(UTC)
        data, subject = event.data, event.subject
        if (
            # Within schemas.constraints.Moment, whose last year is left to the careful.
            not 1970 <= time.year < 9999
            or (subject is not None and subject != data.request_id)
            or not _CHECKS[type(data)](data, size)
            or (is_peculiar(value) and not _texts_fit(value, event))
        ):
            return None
    except (ValueError, RecursionError, OverflowError, msgspec.MsgspecError):
        return None
    found: CompactEvent = event
    return found


def _texts_fit(value: bytes, event: Any) -> bool:
    # Of URLs only those in plain ASCII have come so far.
    return texts_fit(value, id=event.id, source=event.source, request_id=event.data.request_id)


def _checked_outcome(data: Any, size: int) -> bool:
    """Whether integers were written as such and are in range, and metadata can be stored."""
    n, old, metadata, sealed = data.n, data.row_id, data.metadata, data.sealed
    return (
        type(n) is int
        and 1 <= n <= limits.INT4_MAX
        and (old is None or (type(old) is int and 1 <= old < FIRST_LOG_ID))
        and (sealed is None or _is_sealed(sealed) is not None)
        and (not metadata or metadata_fits(metadata, size))
    )


def _checked_place(data: Any, size: int) -> bool:
    """Whether its URL and digest are such, and its size an integer in range; and, of an image that
    was generated, as ``_checked_outcome``, without one more call for each event.

    Raises ValueError for some that are not.
    """
    stored, sha256 = data.bytes, data.sha256
    return (
        _is_url(data.storage_url) is not None
        # Half of a pattern's time; msgspec has seen to its length.
        and (sha256 is None or unhexlify(sha256).hex() == sha256)
        and (stored is None or (type(stored) is int and 0 <= stored <= limits.INT4_MAX))
        and (type(data) is Moved or _checked_outcome(data, size))
    )


_CHECKS: dict[type, Callable[[Any, int], bool]] = {
    Generated: _checked_place,
    Failed: _checked_outcome,
    Moved: _checked_place,
    Deleted: lambda *_: True,
}
