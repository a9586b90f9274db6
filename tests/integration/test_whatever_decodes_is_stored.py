"""The contract's limits are tight enough: Postgres takes every event that decodes, unchanged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import dict_row

from projections.image_table import TableProjection
from projections.pipelining import pipeline
from projections.projection import Decoded
from schemas.codec import decode_record
from schemas.events import Event, ImageFailed, ImageGenerated, new_event
from schemas.json_values import MAX_DIGITS, MAX_METADATA_BYTES, MAX_METADATA_DEPTH
from schemas.limits import BYTE_LIMITS, INT4_MAX, MAX_TAGS
from tests.support.builders import any_data, events, failed, generated, moved, record

pytestmark = pytest.mark.postgres

_FIELDS = [
    *("user_id", "username", "tool_name", "prompt", "model", "size", "quality", "style", "n"),
    *("message_id", "metadata"),
]
_STORAGE = ["storage_url", "storage_provider", "mime_type", "bytes", "sha256"]


def stored(
    connection: Connection[Any], event: Event, *, in_pipeline: bool = False
) -> dict[str, Any] | None:
    """The row that this event alone makes. Nothing is left of it afterwards."""
    rows: list[dict[str, Any]] = []
    with connection.transaction(force_rollback=True):
        once = Decoded(record(event), decode_record(record(event)))
        with pipeline(connection) if in_pipeline else nullcontext():
            TableProjection().apply(connection, [once], exclusive=True)
        with connection.cursor(row_factory=dict_row) as cursor:
            rows += cursor.execute("SELECT *, metadata::text FROM generated_images")
    return rows[0] if rows else None


def numbers_by_digits(metadata: object) -> Any:
    """As jsonb has them: it keeps decimal digits, and writes 1e23 as an integer."""
    text = metadata if isinstance(metadata, str | None) else json.dumps(metadata)
    return text and json.loads(text, parse_int=Decimal, parse_float=Decimal)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events(), st.booleans())
def test_any_event(connection: Connection[Any], event: Event, in_pipeline: bool) -> None:
    row = stored(connection, event, in_pipeline=in_pipeline)
    data = event.data
    if not isinstance(data, ImageGenerated | ImageFailed):
        assert row is None
        return
    assert row is not None
    assert (row["request_id"], row["event_id"]) == (data.request_id, event.id)
    assert row["created_at"] == event.time
    assert row["tags"] == (None if data.tags is None else list(data.tags))
    wanted = {name: getattr(data, name) for name in _FIELDS}
    if isinstance(data, ImageFailed):
        assert row["error"] == data.error
        if data.error_code is not None:
            wanted["metadata"] = {**(data.metadata or {}), "error_code": data.error_code}
    else:
        wanted |= {name: getattr(data, name) for name in _STORAGE}
    row["metadata"], wanted["metadata"] = map(
        numbers_by_digits, (row["metadata"], wanted["metadata"])
    )
    assert {name: row[name] for name in wanted} == wanted


def widest(fields: Sequence[tuple[str, int]], letter: str) -> dict[str, str]:
    return {name: letter * limit for name, limit in fields}


@pytest.mark.parametrize("letter", ["x", "ü", "👩"])
def test_an_event_at_all_its_limits(connection: Connection[Any], letter: str) -> None:
    """Hardly compressible texts, so that an index entry that is too long is found out."""

    def noise(size: int) -> str:
        hexadecimal = "".join(f"{(i * 2654435761) % 2**32:08x}" for i in range(size // 8 + 1))
        return hexadecimal[:size]

    width = len(letter.encode())
    characters = [("user_id", 32), ("username", 255), ("tool_name", 255), ("model", 255)]
    characters += [("size", 20), ("quality", 20), ("style", 20), ("message_id", 255)]
    fields: dict[str, Any] = widest(characters, letter)
    fields |= {"n": INT4_MAX, "prompt": noise(BYTE_LIMITS["prompt"] // 2)}
    fields["tags"] = [noise(200) + letter * 55 for _ in range(MAX_TAGS)]
    fields["metadata"] = {noise(10_000): noise(10_000), "wide": letter * (100_000 // width)}
    request_id = noise(BYTE_LIMITS["request_id"])
    url = "https://h.test/"
    url += noise(BYTE_LIMITS["storage_url"] - len(url))
    storage: dict[str, Any] = {"storage_url": url, "bytes": INT4_MAX, "sha256": "f" * 64}
    storage |= widest([("storage_provider", 50), ("mime_type", 50)], letter)
    event = generated(request_id, **fields, **storage)
    for in_pipeline in (False, True):
        assert stored(connection, event, in_pipeline=in_pipeline) is not None
    error: dict[str, Any] = {
        "error": letter * (BYTE_LIMITS["error"] // width),
        "error_code": letter * 100,
    }
    assert stored(connection, failed(request_id, **fields, **error)) is not None
    assert stored(connection, moved(request_id, **storage)) is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": 10**MAX_DIGITS - 1, "b": 1 - 10**MAX_DIGITS},
        {"a": 5e-324, "b": 1.7976931348623157e308, "c": -0.0},
        {"a": json.loads("[" * (MAX_METADATA_DEPTH - 1) + "]" * (MAX_METADATA_DEPTH - 1))},
        {"a": "x" * (MAX_METADATA_BYTES - 8)},
        {str(number): number for number in range(10_000)},
        {"": {"": ""}},
    ],
    ids=["digits", "floats", "depth", "bytes", "keys", "empty"],
)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_metadata_at_its_limits(
    connection: Connection[Any], metadata: dict[str, Any], in_pipeline: bool
) -> None:
    row = stored(connection, generated(metadata=metadata), in_pipeline=in_pipeline)
    assert row is not None
    assert numbers_by_digits(row["metadata"]) == numbers_by_digits(metadata)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(any_data(), st.sampled_from(["1970-01-01T00:00:00Z", "9999-12-30T23:59:59.999999Z"]))
def test_times_at_their_limits(connection: Connection[Any], data: Any, time: str) -> None:
    event = new_event(data, time=datetime.fromisoformat(time))
    for in_pipeline in (False, True):
        row = stored(connection, event, in_pipeline=in_pipeline)
        assert row is None or row["created_at"] == datetime.fromisoformat(time)
