"""The contract of LogReader."""

from __future__ import annotations

import pytest

from consumers.log import OffsetOutOfRange, TopicMissing
from tests.contract.worlds import World


def fill(world: World, each: int, partitions: int = 6) -> None:
    for number in range(each):
        for partition in range(partitions):
            world.append(partition, b"key", b"%d-%d" % (partition, number))


def test_a_description_has_the_id_and_the_bounds(world: World) -> None:
    fill(world, 5, partitions=2)
    world.forget_before(1, 3)

    state = world.reader().describe()

    assert (state.topic, state.topic_id) == (world.topic, world.topic_id())
    assert state.begin == {0: 0, 1: 3, 2: 0, 3: 0, 4: 0, 5: 0}
    assert state.end == {0: 5, 1: 5, 2: 0, 3: 0, 4: 0, 5: 0}


def test_a_recreated_topic_has_another_id(world: World) -> None:
    before = world.reader().describe()

    world.recreate()

    assert world.reader().describe().topic_id != before.topic_id


def test_everything_is_read_once_in_bounded_batches(world: World) -> None:
    fill(world, 20)
    reader = world.reader()
    state = reader.describe()
    batches = reader.read(state.begin, state.end, max_records=7)
    expected = dict.fromkeys(range(6), 0)
    for batch in batches:
        assert 0 < len(batch) <= 7
        for record in batch:
            assert record.offset == expected[record.partition]
            assert record.value == b"%d-%d" % (record.partition, record.offset)
            expected[record.partition] += 1
        assert batches.positions == expected

    assert batches.positions == state.end
    assert list(batches) == []


def test_a_range_is_cut_at_both_ends(world: World) -> None:
    fill(world, 20)
    start = {0: 3, 2: 19, 4: 5}
    end = {0: 17, 2: 20, 4: 5}

    found = [record for batch in world.reader().read(start, end) for record in batch]

    assert sorted((r.partition, r.offset) for r in found) == [
        *((0, offset) for offset in range(3, 17)),
        (2, 19),
    ]


def test_an_empty_range_has_no_batches(world: World) -> None:
    assert list(world.reader().read({0: 0, 1: 0}, {0: 0, 1: 0})) == []
    assert list(world.reader().read({}, {})) == []


def test_a_range_ends_past_the_gaps(world: World) -> None:
    world.append(0, b"k", b"first")
    world.append_transaction(0, b"committed", commit=True)
    world.append_transaction(0, b"aborted", commit=False)
    reader = world.reader()
    end = reader.describe().end[0]

    batches = reader.read({0: 0}, {0: end})

    assert end == 5
    assert [record.value for batch in batches for record in batch] == [b"first", b"committed"]
    assert batches.positions == {0: 5}


def test_a_range_of_nothing_but_a_gap_has_no_batches(world: World) -> None:
    world.append_transaction(0, b"aborted", commit=False)

    assert list(world.reader().read({0: 0}, {0: 2})) == []


@pytest.mark.parametrize(("first", "last"), [(1, 5), (3, 11), (12, 13)])
def test_a_range_outside_the_log_is_an_error(world: World, first: int, last: int) -> None:
    fill(world, 10, partitions=1)
    world.forget_before(0, 2)

    with pytest.raises(OffsetOutOfRange, match="2 to 10"):
        world.reader().read({0: first}, {0: last})


def test_a_partition_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(OffsetOutOfRange):
        world.reader().read({9: 0}, {9: 1})


def test_both_bounds_are_needed(world: World) -> None:
    with pytest.raises(ValueError, match="bound"):
        world.reader().read({0: 0}, {1: 0})


def test_two_ranges_can_be_read_at_once(world: World) -> None:
    fill(world, 4, partitions=2)
    reader = world.reader()
    one, other = reader.read({0: 0}, {0: 4}, 2), reader.read({1: 0}, {1: 4}, 2)

    pairs = list(zip(one, other, strict=True))

    assert [[r.offset for r in batch] for batch, _ in pairs] == [[0, 1], [2, 3]]
    assert {r.partition for _, batch in pairs for r in batch} == {1}


def test_a_topic_that_does_not_exist_is_an_error(world: World) -> None:
    with pytest.raises(TopicMissing, match="absent does not exist"):
        world.reader("absent").describe()
    with pytest.raises(TopicMissing):
        world.reader("absent").read({0: 0}, {0: 1})


def test_closing_ends_what_is_open(world: World) -> None:
    fill(world, 10)
    reader = world.reader()
    batches = reader.read(dict.fromkeys(range(6), 0), dict.fromkeys(range(6), 10), 5)
    next(batches)

    reader.close()
    reader.close()
