"""A request's body, taken apart into CloudEvents, each as the bytes that its sender wrote."""

from __future__ import annotations

from http import HTTPStatus
from json import JSONDecoder

import msgspec

from web.errors import ApiError

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")
TYPES = (ONE, BATCH, *LINES)

_WHITE = " \t\n\r"

# Numbers are only passed over here, and a very long one would take very long to read.
_decoder = JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)

_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode

Item = tuple[int, bytes]
"""An event's index (of lines: the line's, from 0) and its JSON."""


def items_of(content_type: str, body: bytes) -> list[Item]:
    """The events of a body. Raises ApiError, when it cannot be taken apart."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind not in TYPES or ("charset" in parameters and "utf-8" not in parameters.lower()):
        error = f"Content-Type: must be one of {', '.join(TYPES)}, in UTF-8"
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error)
    if kind == ONE:
        return [(0, body)]
    if kind in LINES:
        lines = enumerate(body.split(b"\n"))
        return [(number, line) for number, line in lines if line.strip()]
    return list(enumerate(_elements(body)))


def _elements(body: bytes) -> list[bytes]:
    """The elements of a JSON array; whether each is an event, nobody asks here."""
    try:
        found = _raw(body)
        body.decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _with_care(body)
    return [bytes(one) for one in found]


def _with_care(body: bytes) -> list[bytes]:
    """As _elements, thirty times as slowly. Raises ApiError that says what is wrong, and where."""
    try:
        text = body.decode()
    except UnicodeDecodeError as exc:
        raise _bad("is not UTF-8", exc.start) from None
    place = _skip(text, 0)
    if not text.startswith("[", place):
        raise _bad("must be a JSON array of events", place)
    found: list[bytes] = []
    place = _skip(text, place + 1)
    closed = text.startswith("]", place)
    while not closed:
        end = _end_of_value(text, place)
        found.append(text[place:end].encode())
        place = _skip(text, end)
        closed = text.startswith("]", place)
        if not closed and not text.startswith(",", place):
            raise _bad("must have , or ] behind an event", place)
        if not closed:
            place = _skip(text, place + 1)
    if _skip(text, place + 1) != len(text):
        raise _bad("has something behind its array", place + 1)
    return found


def _end_of_value(text: str, place: int) -> int:
    try:
        return _decoder.raw_decode(text, place)[1]
    except ValueError:
        raise _bad("is not JSON", place) from None
    except RecursionError:
        raise _bad("is nested too deeply", place) from None


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in _WHITE:
        place += 1
    return place


def _bad(why: str, place: int) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, f"The body {why}, at {place}")
