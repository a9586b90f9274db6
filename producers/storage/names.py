"""File names: made from tool and request id, the same on every store, safe on every file system."""

from __future__ import annotations

import hashlib
import re

from producers.storage.storage import InvalidName

EXTENSIONS = {
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/tiff": ".tiff",
    "image/webp": ".webp",
}

MAX_NAME = 200
MAX_TOOL = 48
MAX_ID = 96

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLAIN_ID = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


def file_name(tool: str, request_id: str, mime_type: str) -> str:
    """The name of a request's image: ``generate-user-image_019ab0c4.png``.

    Nothing in it is random, so that a retry of the same request meets its own file. Two request
    ids never share a name, not even where a file system folds upper and lower case: an id that is
    not already lower-case letters, digits and single hyphens gets a part of its SHA-256 behind it.
    """
    extension = EXTENSIONS.get(mime_type.partition(";")[0].strip().lower(), ".bin")
    return f"{_tool_part(tool)}_{_id_part(request_id)}{extension}"


def check_name(filename: str) -> str:
    """The name itself, when it names a plain file in a flat folder. Raises InvalidName.

    Refused: anything but ASCII letters, digits, dot, hyphen and underscore, a first character that
    is neither letter nor digit (so no hidden files and no ``..``), two dots in a row, a dot at the
    end, the device names of Windows, more than 200 characters.
    """
    if len(filename) > MAX_NAME:
        raise InvalidName(f"file name has {len(filename)} characters, {MAX_NAME} are allowed")
    if not _ALLOWED.fullmatch(filename) or ".." in filename or filename.endswith("."):
        raise InvalidName(
            f"file name {filename!r} is not made of ASCII letters, digits and single . _ - "
            "beginning with a letter or digit"
        )
    if filename.partition(".")[0].lower() in _WINDOWS_DEVICES:
        raise InvalidName(f"file name {filename!r} is the name of a device on Windows")
    return filename


def _tool_part(tool: str) -> str:
    """``generateUserImage`` as ``generate-user-image``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", tool)
    return _slug(words)[:MAX_TOOL].rstrip("-") or "image"


def _id_part(request_id: str) -> str:
    if len(request_id) <= MAX_ID and _PLAIN_ID.fullmatch(request_id):
        return request_id
    digest = hashlib.sha256(request_id.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    return f"{_slug(request_id)[:MAX_ID].rstrip('-')}_{digest}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
