"""A row that becomes an event, and a row again, is the same row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.old_rows import KEPT, NotCarried, event_of
from producers.storage import Stored
from projections.backfill import OldRow
from projections.image_rows import COLUMNS, row_values
from projections.lift import lift
from projections.projection import Decoded
from schemas.codec import decode, encode
from schemas.events import ImageFailed, ImageGenerated
from tests.support.builders import TIME, any_data, json_values, record, texts, times

PLAIN: dict[str, Any] = dict.fromkeys(OldRow._fields) | {
    "id": 7,
    "user_id": "123",
    "tool_name": "generateComic",
    "prompt": "p",
    "n": 1,
    "storage_url": "https://h.test/a.png",
    "url_bytes": 20,
    "storage_provider": "github",
    "status": "success",
    "created_at": TIME,
    "deleted": False,
    "taken": False,
}
FIELDS = [name for name in OldRow._fields if name in COLUMNS]


def old_row(**fields: Any) -> OldRow:
    return OldRow(**(PLAIN | fields))


def row_of(data: Any, number: int, time: Any) -> OldRow:
    """As an old table would hold it."""
    fields = {name: value for name, value in data.model_dump().items() if name in FIELDS}
    fields["metadata"] = None if data.metadata is None else json.dumps(data.metadata)
    fields["tags"] = None if data.tags is None else list(data.tags)
    if isinstance(data, ImageFailed):
        fields |= {"status": "failed", "storage_url": "", "storage_provider": None}
    return old_row(**fields | {"id": number, "created_at": time})


def again(row: OldRow) -> tuple[Mapping[str, Any], list[str]]:
    """The row that its event makes, and what it says otherwise."""
    event, changes = event_of(row)
    decoded = Decoded(record(event, 5, 99), decode(encode(event)))
    values = row_values(event.data.request_id, lift(decoded))
    return dict(zip(COLUMNS, values, strict=True)), changes


outcomes = any_data().filter(lambda data: isinstance(data, ImageGenerated | ImageFailed))


@given(outcomes, st.integers(1, 2**32 - 1), times, st.booleans())
def test_nothing_is_changed_on_the_way(data: Any, number: int, time: Any, named: bool) -> None:
    row = row_of(data, number, time)
    if not named:
        row = row._replace(request_id=None)
    made, changes = again(row)
    assert changes == []
    assert made["event_id"] == f"backfill-{number}"
    assert made["request_id"] == (row.request_id if named else f"backfill-{number}")
    metadata = made["metadata"] and json.loads(made["metadata"])
    assert metadata == (row.metadata and json.loads(row.metadata))
    for name in set(FIELDS) - {"request_id", "metadata"}:
        assert made[name] == getattr(row, name), name


@given(
    st.sampled_from(["success", "failed", "pending"]),
    st.none() | texts(40),
    st.none() | json_values.map(json.dumps),
    st.none() | st.integers(0, 9),
)
def test_what_has_no_field_of_its_own_is_kept(
    status: str, error: str | None, metadata: str | None, size: int | None
) -> None:
    made, changes = again(old_row(status=status, error=error, metadata=metadata, bytes=size))
    whole, had = json.loads(made["metadata"] or "null"), json.loads(metadata or "null")
    kept = whole.pop(KEPT, {}) if isinstance(whole, dict) else {}
    if isinstance(had, dict):
        assert whole == had
    else:
        assert kept.get("metadata") == had
        assert not whole
    if status == "success":
        assert kept.get("error") == error
    else:
        assert made["error"] == (status if error is None else error)
    assert kept.get("bytes", made["bytes"]) == size
    assert kept.get("status", made["status"]) == status
    assert changes or not kept


column = st.one_of(st.none(), texts(300), st.integers(-(2**40), 2**70), st.lists(texts(5)))


@given(st.dictionaries(st.sampled_from(FIELDS), column))
def test_whatever_a_row_holds_it_is_carried_or_refused(fields: dict[str, Any]) -> None:
    fields = {name: value for name, value in fields.items() if _fits(name, value)}
    row = old_row(**fields)
    with suppress(NotCarried):
        event, _ = event_of(row)
        assert decode(encode(event)) == event


def _fits(name: str, value: Any) -> bool:
    """Whether the column's type may hold it."""
    if name in ("id", "n", "bytes"):
        return isinstance(value, int)
    if name == "tags":
        return value is None or isinstance(value, list)
    return isinstance(value, str) and name not in ("created_at", "metadata")


@pytest.mark.parametrize("number", ["0.1234567890123456789", "1" + "0" * 400 + ".5", "1" * 4_400])
def test_numbers_that_would_lose_digits_are_refused(number: str) -> None:
    with pytest.raises(NotCarried, match="metadata: "):
        event_of(old_row(metadata=f'{{"x": {number}}}'))


@pytest.mark.parametrize("number", ["0.1", "2.50000000", "1e-7", "100000000000000000000", "-0.0"])
def test_numbers_that_a_double_holds_are_carried(number: str) -> None:
    event, changes = event_of(old_row(metadata=f'{{"x": {number}}}'))
    assert isinstance(event.data, ImageGenerated)
    assert (event.data.metadata, changes) == ({"x": float(number)}, [])


def test_a_key_that_is_taken_is_not_overwritten() -> None:
    with pytest.raises(NotCarried, match="metadata has a key 'backfill'"):
        event_of(old_row(error="slow", metadata='{"backfill": 1}'))


def test_an_image_that_was_stored_is_what_the_event_tells_of() -> None:
    stored = Stored("https://h.test/new.png", "s3", 9, "b" * 64)
    event, _ = event_of(old_row(storage_url="data:,", mime_type="image/png", bytes=1), stored)
    data = event.data
    assert isinstance(data, ImageGenerated)
    assert (data.storage_url, data.storage_provider, data.bytes, data.sha256) == stored_in(stored)


def stored_in(stored: Stored) -> tuple[str, str, int, str]:
    return stored.url, stored.provider, stored.bytes, stored.sha256
