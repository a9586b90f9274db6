"""Which images: the filters of a search, checked before they reach the database."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

MAX_WORDS = 10
MAX_TEXT = 500
"""Characters of a text to look for."""

MAX_METADATA_DEPTH = 20

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_WORD = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))')


class InvalidFilter(ValueError):
    """A filter cannot be met by any image; the message says why."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which images; what is None does not matter. ``until`` is not included.

    ``status`` failed means all that are not a success. ``text``: words that must all stand in the
    prompt, in any order and case, within longer words too; "words in quotes" stand together, and
    a -word must not be there. ``metadata``: what must be contained in the metadata, as jsonb's @>
    has it. Raises InvalidFilter.
    """

    user_id: str | None = None
    tool_name: str | None = None
    status: str | None = None
    model: str | None = None
    storage_provider: str | None = None
    tag: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    metadata: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                _check_text(field.name, value)
        for name in ("since", "until"):
            if (time := getattr(self, name)) is not None and time.tzinfo is None:
                raise InvalidFilter(f"{name} {time}: has no zone; end it with Z")
        self.parameters()

    def parameters(self) -> dict[str, Any]:
        """What is given, as parameters of the search's statements."""
        given = {
            field.name: value
            for field in fields(self)
            if field.name not in {"text", "metadata"}
            and (value := getattr(self, field.name)) is not None
        }
        if self.text is not None:
            given |= _patterns(self.text)
        if self.metadata is not None:
            given["metadata"] = _as_json(self.metadata)
        return given


EVERYTHING = Filters()


def _patterns(text: str) -> dict[str, list[str]]:
    """The patterns of LIKE for what must, and what must not, stand in the prompt."""
    if len(text) > MAX_TEXT:
        raise InvalidFilter(f"text: has {len(text)} characters; at most {MAX_TEXT}")
    found: dict[str, list[str]] = {"with_words": [], "without_words": []}
    for match in _WORD.finditer(text):
        word = (match["phrase"] if match["word"] is None else match["word"]).strip()
        if word:
            found["without_words" if match["minus"] else "with_words"].append(_pattern(word))
    if sum(map(len, found.values())) > MAX_WORDS:
        raise InvalidFilter(f"text: has over {MAX_WORDS} words")
    return {name: patterns for name, patterns in found.items() if patterns}


def _pattern(word: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", word)
    return f"%{escaped}%"


def _as_json(metadata: Mapping[str, Any]) -> str:
    if _depth(metadata) > MAX_METADATA_DEPTH:
        raise InvalidFilter(f"metadata: has over {MAX_METADATA_DEPTH} levels")
    try:
        text = json.dumps(dict(metadata), ensure_ascii=False, allow_nan=False)
    except ValueError as exc:
        raise InvalidFilter("metadata: NaN and Infinity are no JSON") from exc
    _check_text("metadata", text)
    if _ESCAPED_NUL.search(text):
        raise InvalidFilter("metadata: has a NUL character, which no image has")
    return text


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        if depth > MAX_METADATA_DEPTH:
            break
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def _check_text(name: str, text: str) -> None:
    if "\0" in text:
        raise InvalidFilter(f"{name}: has a NUL character, which no image has")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidFilter(f"{name}: has half a character, which no image has") from exc
