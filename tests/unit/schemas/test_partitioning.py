"""Partitions of many keys at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioning import home_partition, home_partitions


@given(st.lists(st.binary(max_size=50), max_size=30), st.integers(1, 1_000))
def test_many_keys_are_at_home_where_each_of_them_is(keys: list[bytes], partitions: int) -> None:
    assert home_partitions(keys, partitions) == [home_partition(key, partitions) for key in keys]


def test_no_partitions_are_refused() -> None:
    with pytest.raises(ValueError, match="0 partitions"):
        home_partitions([b"key"], 0)
