"""Hypothesis strategies for any event that there may be, and for what became of requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from hypothesis import strategies as st

from schemas.events import (
    Data,
    Event,
    ImageDeleted,
    ImageFailed,
    ImageGenerated,
    ImageMoved,
    new_event,
)
from schemas.limits import BYTE_LIMITS, INT4_MAX

TIME = datetime(2026, 11, 23, tzinfo=UTC)

# What has broken text handling somewhere: quotes and escapes, text that looks like an escape or a
# number, a byte order mark, joiners, right-to-left, combining marks, plane 16, line separators.
_NASTY = (
    *('"', "\\", "\\u0000", "\\ud800", "\n\t\r", "\x01\x7f\x85", "NaN", "-Infinity", "null", "{}"),
    *("\ufeff", "👩‍👩‍👧", "\u202eabc", "e\u0301\u0327", "\U0010ffff", "\ufffe", "\u2028\u2029"),
    *(
        "ß",
        "İ",
        "\uff46",
        "'; DROP TABLE generated_images; --",
        "%s",
        "{0}",
        "\\N",
        "\\.",
        " ",
        "\u3000",
    ),
)
_characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


def texts(max_chars: int, *, min_chars: int = 0, max_bytes: int | None = None) -> Any:
    """Any text within the limits: nasty ones and the longest often, others short, to be quick."""
    most = max_bytes or 4 * max_chars
    longest = ("x" * min(max_chars, most), "ü" * min(max_chars, most // 2))
    fixed = [text[:max_chars] for text in (*_NASTY, *longest)]
    short = min(max_chars, most // 4, 8)
    return st.one_of(
        st.sampled_from([t for t in fixed if len(t) >= min_chars and len(t.encode()) <= most]),
        st.text(_characters, min_size=min_chars, max_size=short),
    )


def ids(name: str = "request_id") -> Any:
    """Any text for an id; ``name`` is a field of BYTE_LIMITS."""
    return texts(512, min_chars=1, max_bytes=BYTE_LIMITS[name])


_numbers = st.one_of(
    st.integers(-(2**80), 2**80),
    st.sampled_from([0, -1, 2**63, 10**1000 - 1, 1 - 10**1000]),
    st.floats(allow_nan=False, allow_infinity=False),
)
json_values: Any = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, texts(60)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(texts(20), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Any JSON value that jsonb holds."""

metadata: Any = st.dictionaries(texts(20), json_values, max_size=3)
urls: Any = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["https", "http", "HTTPS"]),
    st.sampled_from(["h.test", "raw.githubusercontent.com", "127.0.0.1:8080", "[::1]", "u:p@h"]),
    st.sampled_from(["", "a.png", "größe.png?x=1#y", "%20", "a/b/../c.png", "x" * 900]),
)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = (datetime(9999, 12, 31, tzinfo=UTC) - EARLIEST) // timedelta(microseconds=1) - 1
# A short span with few steps, so that ties and neighbours are common.
times: Any = st.one_of(
    st.integers(0, 5).map(lambda step: TIME + timedelta(microseconds=step)),
    st.integers(0, _MICROSECONDS).map(lambda step: EARLIEST + timedelta(microseconds=step)),
)


def _optional(**strategies: Any) -> dict[str, Any]:
    return {name: st.none() | strategy for name, strategy in strategies.items()}


def _request(request_ids: Any) -> dict[str, Any]:
    return {
        "request_id": request_ids,
        "user_id": st.sampled_from(["123", "456"]) | texts(32, min_chars=1),
        "tool_name": st.sampled_from(["generateComic", "renderChart"]) | texts(255, min_chars=1),
        "prompt": texts(200),
        "n": st.integers(1, 10) | st.just(INT4_MAX),
        "tags": st.none() | st.lists(texts(40), max_size=4).map(tuple),
    } | _optional(
        username=texts(255),
        model=texts(255),
        size=texts(20),
        quality=texts(20),
        style=texts(20),
        metadata=metadata,
        message_id=texts(255),
    )


def _storage() -> dict[str, Any]:
    return {"storage_url": urls, "storage_provider": texts(50, min_chars=1)} | _optional(
        mime_type=texts(50, min_chars=1),
        bytes=st.integers(0, INT4_MAX),
        sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    )


def _with_old_id(data: Any) -> Any:
    """Half of all requests have one: no two the same, and all events of a request the same."""
    digest = crc32(data.request_id.encode())
    return data.model_copy(update={"row_id": digest}) if digest % 2 else data


def any_data(request_ids: Any = None) -> st.SearchStrategy[Data]:
    """Data of any of the four types."""
    named = ids() if request_ids is None else request_ids
    fail = {"error": texts(200, max_bytes=BYTE_LIMITS["error"])} | _optional(error_code=texts(100))
    gone = {"reason": st.sampled_from(["retention", "user", "erasure"])}
    return st.one_of(
        st.builds(_with_old_id, st.builds(ImageGenerated, **_request(named), **_storage())),
        st.builds(_with_old_id, st.builds(ImageFailed, **_request(named), **fail)),
        st.builds(ImageMoved, request_id=named, **_storage()),
        st.builds(ImageDeleted, request_id=named, **gone, deleted_by=st.none() | texts(255)),
    )


def events(request_ids: Any = None, event_ids: Any = None) -> st.SearchStrategy[Event]:
    """Events of any type, of any request."""
    return st.builds(
        new_event,
        any_data(request_ids),
        source=st.none() | ids("source"),
        time=times,
        event_id=ids("id") if event_ids is None else event_ids,
        extensions=st.none() | st.just({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}),
    )


def histories(requests: int = 4, max_events: int = 12) -> st.SearchStrategy[Sequence[Event]]:
    """Events of some requests (1: of a single one), in any order, exact duplicates among them.

    Two different events never have one id, which is what CloudEvents asks of producers.
    """
    names = st.sampled_from([f"req-{number}" for number in range(requests)])
    # Ids in no order of time, since ties in time are broken by them.
    unique = st.lists(
        events(names, st.uuids().map(str)), max_size=max_events, unique_by=lambda each: each.id
    )
    return unique.flatmap(_with_duplicates)


def _with_duplicates(unique: Sequence[Event]) -> st.SearchStrategy[Sequence[Event]]:
    if not unique:
        return st.just(unique)
    again = st.lists(st.sampled_from(unique), max_size=3)
    return again.flatmap(lambda more: st.permutations([*unique, *more]))
