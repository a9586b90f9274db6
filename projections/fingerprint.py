"""What kind of error a text tells of: the text without whatever differs from case to case."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

MAX_TEXT = 2_000
"""Characters of an error that are looked at; stack traces and payloads follow after."""

MAX_LABEL = 200
DIGITS = 12

_VARYING = re.compile(
    r"""
      (?P<url>    \b[a-z][a-z0-9+.-]{1,20}://[^\s"'<>]+ )
    | (?P<id>     \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b
                | (?<![\w-])(?=[a-z_-]*[0-9])[0-9a-z_-]{16,}\b )
    | (?P<text>   "[^"\n]*" | `[^`\n]*` | “[^”\n]*” | «[^»\n]*» | (?<!\w)'[^'\n]*'(?!\w) )
    | (?P<number> 0x[0-9a-f]+ | [0-9]+(?:[.,:/][0-9]+)* | \b(?=[a-f]*[0-9])[0-9a-f]{6,}\b )
    """,
    re.VERBOSE,
)
_SPACE = re.compile(r"\s+")


class Fingerprint(NamedTuple):
    """The kind of an error: ``digest`` is twelve hex digits, ``label`` says it to people."""

    digest: str
    label: str


@lru_cache(maxsize=4_096)
def fingerprint(error: str | None, error_code: str | None) -> Fingerprint:
    """Equal for errors of one code that differ only in ids, numbers, URLs or quoted text."""
    kind = normalised(error or "")
    digest = hashlib.sha256(f"{error_code or ''}\n{kind}".encode()).hexdigest()[:DIGITS]
    label = f"{error_code}: {kind}" if error_code and kind else error_code or kind
    return Fingerprint(digest, label[:MAX_LABEL])


def normalised(error: str) -> str:
    """The error in lower case, one line, with a word in angle brackets for what varies."""
    text = _VARYING.sub(_name_of, error[:MAX_TEXT].lower())
    return _SPACE.sub(" ", text).strip()


def error_code_of(error_code: str | None, metadata: Mapping[str, Any] | None) -> str | None:
    """The event's own error_code, else the one in its metadata: where the table's row has it."""
    if error_code is not None or metadata is None:
        return error_code
    code = metadata.get("error_code")
    return code if isinstance(code, str) else None


def _name_of(match: re.Match[str]) -> str:
    return f"<{match.lastgroup}>"
