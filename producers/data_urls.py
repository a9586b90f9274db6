"""Images that stand in a URL themselves: ``data:`` URLs, base64 or percent-encoded (RFC 2397)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from producers.image_kind import UNKNOWN, mime_type_of
from producers.storage.names import EXTENSIONS

_SCHEME = "data:"
_PERCENT_ALONE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SPACES = re.compile(rb"[\t\n\f\r ]+")


class Embedded(NamedTuple):
    """What a data: URL holds."""

    mime_type: str
    data: bytes


class BrokenDataUrl(ValueError):
    """The URL does not hold what it says; the message says why, without the data."""


def is_data_url(url: str) -> bool:
    """Whether it is of this scheme, right or wrong."""
    return url[: len(_SCHEME)].lower() == _SCHEME


def embedded(url: str) -> Embedded:
    """The image in a data: URL. Raises BrokenDataUrl.

    Where the URL names no kind of image, its bytes tell. Base64 is read as browsers do (the
    WHATWG's forgiving-base64): spaces are passed over, and the padding may be missing.
    """
    head, comma, body = url[len(_SCHEME) :].partition(",")
    if not comma:
        raise BrokenDataUrl("a data: URL without a comma, so without data")
    if _PERCENT_ALONE.search(body):
        raise BrokenDataUrl("a data: URL with a % that two hexadecimal digits do not follow")
    mime_type, *parameters = (part.strip().lower() for part in head.split(";"))
    data = unquote_to_bytes(body)
    if parameters and parameters[-1] == "base64":
        data = _from_base64(data)
    return Embedded(mime_type if mime_type in EXTENSIONS else _kind_of(mime_type, data), data)


def _from_base64(text: bytes) -> bytes:
    bare = _SPACES.sub(b"", text).rstrip(b"=")
    try:
        return b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except binascii.Error as exc:
        raise BrokenDataUrl(f"a data: URL whose base64 is broken: {exc}") from None


def _kind_of(declared: str, data: bytes) -> str:
    found = mime_type_of(data)
    if found == UNKNOWN:
        raise BrokenDataUrl(f"a data: URL of {declared[:50] or 'no type'!r}, which is no image")
    return found
