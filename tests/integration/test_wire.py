"""What is handed to PostgreSQL in its own binary format comes back as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from projections.wire import (
    CopyRows,
    Int8Array,
    TextArray,
    TextArrays,
    text_array,
    time_of_wire,
    wire_time,
)

pytestmark = pytest.mark.postgres

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
integers = st.integers(-(2**63), 2**63 - 1)
DAYS = (datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("9999-12-30"))
times = st.datetimes(*DAYS, timezones=st.just(UTC))
quietly = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

ROUND_TRIP = "SELECT %b::text[], %b::bigint[]"
OF_TIME = "SELECT extract(epoch FROM %s - timestamptz '2000-01-01 00:00:00Z') * 1000000 = %s"


@quietly
@given(words=st.lists(texts | st.none(), max_size=12), numbers=st.lists(integers, max_size=12))
def test_arrays_come_back(
    connection: Connection[Any], words: list[str | None], numbers: list[int]
) -> None:
    found = connection.execute(ROUND_TRIP, (TextArray(words), Int8Array(numbers))).fetchone()
    assert found == (words, numbers)


@quietly
@given(time=times)
def test_times_are_those_of_the_server(connection: Connection[Any], time: datetime) -> None:
    assert connection.execute(OF_TIME, (time, wire_time(time))).fetchone() == (True,)
    assert time_of_wire(wire_time(time)) == time


WRONG = [(0, "half a surrogate: \ud800"), (2**70, "too large"), (0, "long" * 3_000 + "\ud800")]


@pytest.mark.parametrize("values", WRONG)
def test_a_row_that_cannot_be_made_leaves_the_others_as_they_were(values: tuple[int, str]) -> None:
    made, rows = CopyRows(("int8", "text")), bytearray()
    made.add((1, "a"), rows)
    with pytest.raises((ValueError, OverflowError)):
        made.add(values, rows)
    made.add((2, "b"), rows)
    assert bytes(rows) == made.of((1, "a")) + made.of((2, "b"))


@given(lists=st.lists(st.lists(st.sampled_from("abcd"), max_size=10), max_size=30))
def test_arrays_that_are_remembered_are_the_same(lists: list[list[str]]) -> None:
    arrays = TextArrays()
    arrays.MOST = 5  # so that it forgets some
    assert [arrays.of(one) for one in lists] == [text_array(one) for one in lists]
