"""Each limit holds exactly: what is at it passes, what is over it does not, at both doors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from schemas.codec import decode, encode
from schemas.errors import InvalidEvent
from schemas.json_values import MAX_DIGITS, MAX_METADATA_BYTES, MAX_METADATA_DEPTH
from schemas.limits import BYTE_LIMITS, INT4_MAX, MAX_TAGS
from tests.support.builders import deleted, failed, generated
from tests.support.malformed import document

CHARACTERS = [
    *(("user_id", 32), ("username", 255), ("tool_name", 255), ("model", 255), ("message_id", 255)),
    *(("size", 20), ("quality", 20), ("style", 20), ("storage_provider", 50), ("mime_type", 50)),
]
URL = "https://h.test/"


def accepts(make: Any, name: str, value: object, kind: str = "ImageGenerated") -> bool:
    """Whether a model takes it; JSON has to be of the same opinion, quickly read or with care."""
    value_as_json = document(kind, **{f"data_{name}": value})
    try:
        event = make(**{name: value})
    except InvalidEvent as error:
        message = f"data.{error}"
        with pytest.raises(InvalidEvent, match=f"^{re.escape(message)}$"):
            decode(value_as_json)
        return False
    assert decode(encode(event)) == event
    assert decode(value_as_json).data == event.data
    assert decode(document(kind, **{f"data_{name}": value}, unknown=1)).data == event.data
    return True


@pytest.mark.parametrize("letter", ["x", "ü", "👩"])
@pytest.mark.parametrize(("name", "limit"), CHARACTERS)
def test_texts_are_limited_in_characters(name: str, limit: int, letter: str) -> None:
    assert accepts(_generated, name, letter * limit)
    assert not accepts(_generated, name, letter * (limit + 1))


def _generated(**fields: Any) -> Any:
    """As ``document``: without any field that is not required."""
    required = {"user_id": "123", "prompt": "A quiet harbour", "storage_url": URL + "x.png"}
    return generated(**({"mime_type": None, "bytes": None} | required | fields))


@pytest.mark.parametrize("letter", ["x", "ü", "👩"])
@pytest.mark.parametrize(
    ("make", "kind", "name", "prefix"),
    [
        (_generated, "ImageGenerated", "request_id", ""),
        (_generated, "ImageGenerated", "storage_url", URL),
        (_generated, "ImageGenerated", "prompt", ""),
        (lambda **fields: failed(prompt="A quiet harbour", **fields), "ImageFailed", "error", ""),
    ],
    ids=["request_id", "storage_url", "prompt", "error"],
)
def test_texts_are_limited_in_bytes(
    make: Any, kind: str, name: str, prefix: str, letter: str
) -> None:
    room = BYTE_LIMITS[name] - len(prefix)
    most, rest = divmod(room, len(letter.encode()))
    assert accepts(make, name, prefix + letter * most + "x" * rest, kind)
    assert not accepts(make, name, prefix + letter * most + "x" * (rest + 1), kind)
    if room < 100_000:  # not more bytes than a whole value may have
        assert not accepts(make, name, prefix + letter * (room + 1), kind)


@pytest.mark.parametrize("name", ["id", "source"])
@pytest.mark.parametrize("letter", ["x", "ü"])
def test_the_envelopes_texts_are_limited_in_bytes(name: str, letter: str) -> None:
    most = letter * (BYTE_LIMITS[name] // len(letter.encode()))
    assert getattr(decode(document(**{name: most})), name) == most
    with pytest.raises(InvalidEvent, match=rf"^{name}: \d+ bytes, limit {BYTE_LIMITS[name]}$"):
        decode(document(**{name: most + letter}))


def test_numbers_are_int4() -> None:
    assert accepts(_generated, "n", 1)
    assert accepts(_generated, "n", INT4_MAX)
    assert not accepts(_generated, "n", 0)
    assert not accepts(_generated, "n", INT4_MAX + 1)
    assert accepts(_generated, "bytes", 0)
    assert accepts(_generated, "bytes", INT4_MAX)
    assert not accepts(_generated, "bytes", -1)
    assert not accepts(_generated, "bytes", INT4_MAX + 1)


def test_tags_are_limited_in_number_and_length() -> None:
    assert accepts(_generated, "tags", ["ü" * 255] * MAX_TAGS)
    assert accepts(_generated, "tags", [])
    assert not accepts(_generated, "tags", ["x"] * (MAX_TAGS + 1))
    assert not accepts(_generated, "tags", ["x", "ü" * 256])


def test_metadata_is_limited_in_bytes_as_compact_json() -> None:
    frame = len(b'{"a":""}')
    assert accepts(_generated, "metadata", {"a": "x" * (MAX_METADATA_BYTES - frame)})
    assert not accepts(_generated, "metadata", {"a": "x" * (MAX_METADATA_BYTES - frame + 1)})
    assert not accepts(_generated, "metadata", {"a": "ü" * (MAX_METADATA_BYTES // 2)})
    # White space is not stored, so it does not count.
    assert decode(document(data_metadata={}).replace(b"{}}", b"{" + b" " * 300_000 + b"}}"))


def test_metadata_is_limited_in_depth() -> None:
    def deep(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for level in range(levels - 1):
            value = {"a": [value]} if level % 2 and levels - level > 2 else {"a": value}
        return value

    def flat(levels: int) -> dict[str, Any]:
        value: list[Any] = []
        for _ in range(levels - 2):
            value = [value]
        return {"a": value}

    assert accepts(_generated, "metadata", flat(MAX_METADATA_DEPTH))
    assert not accepts(_generated, "metadata", flat(MAX_METADATA_DEPTH + 1))
    assert accepts(_generated, "metadata", deep(30))
    assert not accepts(_generated, "metadata", deep(MAX_METADATA_DEPTH + 1))


def test_integers_in_metadata_are_limited_in_digits() -> None:
    for sign in (1, -1):
        assert accepts(_generated, "metadata", {"a": [sign * (10**MAX_DIGITS - 1)]})
        assert not accepts(_generated, "metadata", {"a": [sign * 10**MAX_DIGITS]})


@pytest.mark.parametrize("number", [5e-324, 1.7976931348623157e308, -0.0, 0.1, 1e22, 2**63])
def test_extreme_numbers_in_metadata_are_kept_exactly(number: float) -> None:
    assert accepts(_generated, "metadata", {"a": number})


@pytest.mark.parametrize(
    "url",
    [
        *("http://h", "https://h.test", "HTTPS://H.TEST/X", "https://h.test:8080/x?y#z"),
        *("https://127.0.0.1/x", "https://[::1]:80/x", "https://u:p@h.test/x", "https://h.test?x"),
        *("https://münchen.test/größe.png", "https://h.test/a%20b", "https://h.test:/x"),
        "https://raw.githubusercontent.com/thomasdavis/omega/main/file-library/{x}.png",
    ],
)
def test_urls_that_are_storage(url: str) -> None:
    assert accepts(_generated, "storage_url", url)


def test_reasons_of_a_deletion() -> None:
    for reason in ("retention", "user", "erasure"):
        assert accepts(deleted, "reason", reason, "ImageDeleted")
    assert not accepts(deleted, "reason", "because", "ImageDeleted")
