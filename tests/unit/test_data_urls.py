"""Images that stand in URLs."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.data_urls import BrokenDataUrl, Embedded, embedded, is_data_url

PNG = b"\x89PNG\r\n\x1a\n"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


@given(st.binary(), st.booleans(), st.booleans())
def test_what_was_put_in_comes_out(rest: bytes, spaced: bool, padded: bool) -> None:
    data = PNG + rest
    text = b64encode(data).decode()
    if not padded:
        text = text.rstrip("=")
    if spaced:
        text = text[:5] + "\r\n " + text[5:] + "\n"
    assert embedded(f"data:image/png;base64,{text}") == Embedded("image/png", data)
    assert embedded(f"data:image/png,{quote_from_bytes(data)}") == Embedded("image/png", data)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:;base64,iVBORw0KGgo=", Embedded("image/png", PNG)),
        ("data:application/octet-stream;base64,iVBORw0KGgo%3D", Embedded("image/png", PNG)),
        ("DATA:IMAGE/PNG;Base64,iVBORw0KGgo", Embedded("image/png", PNG)),
        (
            "data:image/svg+xml;charset=utf-8," + quote_from_bytes(SVG),
            Embedded("image/svg+xml", SVG),
        ),
        ("data:image/svg+xml;utf8," + SVG.decode(), Embedded("image/svg+xml", SVG)),
    ],
)
def test_forms_that_are_met(url: str, expected: Embedded) -> None:
    assert is_data_url(url)
    assert embedded(url) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("data:image/png;base64", "without a comma"),
        ("data:image/png;base64,iVBOR*w0KGgo=", "base64 is broken"),
        ("data:image/png;base64,iVBORw0KG", "base64 is broken"),
        ("data:image/png,%8", "hexadecimal"),
        ("data:image/png,%zz", "hexadecimal"),
        ("data:text/html,<b>no</b>", "'text/html', which is no image"),
        ("data:,hello", "'no type', which is no image"),
    ],
)
def test_what_is_broken_is_told(url: str, why: str) -> None:
    with pytest.raises(BrokenDataUrl, match=why):
        embedded(url)


@pytest.mark.parametrize("url", ["", "dat", "https://h.test/data:", "/data:x"])
def test_other_urls_are_none(url: str) -> None:
    assert not is_data_url(url)
