"""Bodies taken apart: each event's own bytes, whatever stands around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import json_values
from web import batches
from web.batches import BATCH, LINES, ONE, items_of
from web.errors import ApiError

white = st.text(st.sampled_from(" \t\r\n"), max_size=3)


@given(st.lists(json_values, max_size=5), white)
def test_elements_come_out_as_they_were_written(values: list[Any], space: str) -> None:
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    body = space + "[" + space + f"{space},{space}".join(texts) + space + "]" + space
    found = items_of(BATCH, body.encode())
    assert found == list(enumerate(text.encode() for text in texts))


@given(st.binary(max_size=60), st.sampled_from([ONE, BATCH, *LINES]))
def test_whatever_comes_is_taken_apart_or_refused(body: bytes, kind: str) -> None:
    refused: list[int] = []
    items = []
    try:
        items = items_of(kind, body)
    except ApiError as exc:
        refused.append(exc.status_code)
    assert refused in ([], [400])
    assert all(value in body for _, value in items)


@given(st.lists(json_values, max_size=3), st.data())
def test_the_quick_way_takes_apart_as_the_careful_one(
    values: list[Any], data: st.DataObject
) -> None:
    escaped = data.draw(st.booleans())
    body = bytearray(b" " + json.dumps(values, ensure_ascii=escaped).encode() + b"\n")
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + 1] = data.draw(st.binary(max_size=2))
        body = body or bytearray(b" ")
    assert elements(batches._elements, bytes(body)) == elements(batches._with_care, bytes(body))


def elements(take_apart: Callable[[bytes], list[bytes]], body: bytes) -> list[bytes] | str:
    """What comes out, or the complaint."""
    try:
        return take_apart(body)
    except ApiError as exc:
        return str(exc.detail)


def test_lines_keep_their_numbers_and_empty_ones_are_none() -> None:
    assert items_of(LINES[0], b'{"a":1}\n\n \r\n{"b":2}\r\n') == [
        (0, b'{"a":1}'),
        (3, b'{"b":2}\r'),
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "must be a JSON array"),
        (b"{}", "must be a JSON array"),
        (b"[", "not JSON"),
        (b"[1", "must have"),
        (b"[1 2]", "must have"),
        (b"[1,]", "not JSON"),
        (b"[1]]", "behind its array"),
        (b"[tru]", "not JSON"),
        (b"[\xff]", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_array_is_refused_with_its_place(body: bytes, why: str) -> None:
    with pytest.raises(ApiError, match=why):
        items_of(BATCH, body)


def test_a_number_of_a_million_digits_takes_no_time() -> None:
    body = b"[" + b"9" * 1_000_000 + b"]"
    assert items_of(BATCH, body) == [(0, body[1:-1])]


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "text/plain", f"{ONE}; charset=latin-1", "multipart/form-data"],
)
def test_other_types_are_refused(content_type: str) -> None:
    with pytest.raises(ApiError) as caught:
        items_of(content_type, b"{}")
    assert caught.value.status_code == 415


@pytest.mark.parametrize("content_type", [f"{ONE}; charset=UTF-8", ONE.upper(), f"{ONE};a=b"])
def test_parameters_and_case_do_not_matter(content_type: str) -> None:
    assert items_of(content_type, b"{}") == [(0, b"{}")]
