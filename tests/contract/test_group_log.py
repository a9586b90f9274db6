"""The contract of GroupLog."""

from __future__ import annotations

import pytest

from consumers.log import Assignment, GroupLog, OffsetOutOfRange, TopicMissing
from tests.contract.members import (
    Positions,
    members,
    poll_records,
    poll_until_assigned,
    shared_evenly,
)
from tests.contract.worlds import World
from tests.support.waiting import eventually

ALL = frozenset(range(6))
FROM_THE_START = dict.fromkeys(range(6), 0)


def poll_for_change(log: GroupLog) -> Assignment | None:
    assert not log.poll(0.01, 10)
    change = log.rebalanced()
    return None if change == Assignment() else change


def fill(world: World, each: int, partitions: int = 6) -> None:
    for number in range(each):
        for partition in range(partitions):
            world.append(partition, b"key", b"%d-%d" % (partition, number))


def test_a_new_partition_is_held_back_until_it_is_started(world: World) -> None:
    fill(world, 2)
    log = world.group_log()

    assert poll_until_assigned(log) == Assignment(ALL, frozenset())
    assert log.rebalanced() == Assignment()
    assert not log.poll(0.5, 100)
    assert log.positions() == {}

    log.start({0: 0, 4: 1})
    assert {(r.partition, r.offset) for r in poll_records(log, 3)} == {(0, 0), (0, 1), (4, 1)}
    assert not log.poll(0.3, 100)
    assert log.positions() == {0: 2, 4: 2}


def test_a_record_comes_as_it_was_written(world: World) -> None:
    headers = (("content-type", b"application/json"), ("x", b""), ("x", b"\xff"))
    world.append(3, b"\x00key\xff", b"value\n", headers)
    world.append(3, None, b"no key")
    world.append(3, b"no value", None)
    log = world.group_log()
    poll_until_assigned(log)
    log.start({3: 0})

    first, second, third = poll_records(log, 3)

    assert first[:3] == (world.topic, 3, 0)
    assert first.timestamp_ms > 1_700_000_000_000
    assert first[4:] == (b"\x00key\xff", b"value\n", headers)
    assert (second.key, second.value, second.headers) == (None, b"no key", ())
    assert (third.key, third.value) == (b"no value", None)


def test_polls_are_bounded_and_keep_the_order_within_a_partition(world: World) -> None:
    fill(world, 20)
    log = world.group_log()
    poll_until_assigned(log)
    log.start(FROM_THE_START)

    found = poll_records(log, 120, max_records=7)

    for partition in range(6):
        assert [r.offset for r in found if r.partition == partition] == list(range(20))
    assert log.positions() == dict.fromkeys(range(6), 20)
    assert log.end_offsets() == dict.fromkeys(range(6), 20)


def test_starting_again_reads_again_from_there(world: World) -> None:
    fill(world, 10)
    log = world.group_log()
    poll_until_assigned(log)
    log.start(FROM_THE_START)
    poll_records(log, 60)

    log.start({2: 7})

    assert [(r.partition, r.offset) for r in poll_records(log, 3)] == [(2, 7), (2, 8), (2, 9)]


def test_what_is_paused_returns_nothing_and_loses_nothing(world: World) -> None:
    fill(world, 10)
    log = world.group_log()
    log.pause()
    poll_until_assigned(log)
    log.start(FROM_THE_START)
    assert not log.poll(0.3, 100)

    log.resume()
    found = poll_records(log, 5, max_records=5)
    log.pause()
    fill(world, 10)
    assert not log.poll(0.3, 100)
    assert log.contact().joined
    log.resume()
    found += poll_records(log, 115)

    assert sorted((r.partition, r.offset) for r in found) == [
        (partition, offset) for partition in range(6) for offset in range(20)
    ]


def test_ends_are_known_before_anything_is_read_and_while_paused(world: World) -> None:
    fill(world, 3)
    log = world.group_log()
    assert log.end_offsets() == {}
    poll_until_assigned(log)

    assert log.end_offsets() == dict.fromkeys(range(6), 3)


def test_members_share_and_every_record_has_one_reader(world: World) -> None:
    positions = Positions()
    with members(*(world.group_log() for _ in range(3)), positions=positions) as running:
        eventually(lambda: shared_evenly(running, 6), timeout_s=30, what="even shares")
        fill(world, 10)
        eventually(lambda: len(positions.read) >= 60, timeout_s=20, what="all records")

    assert len({member for member, _ in positions.read}) == 3
    assert sorted((r.partition, r.offset) for _, r in positions.read) == [
        (partition, offset) for partition in range(6) for offset in range(10)
    ]


def test_who_leaves_is_replaced_at_once(world: World) -> None:
    positions = Positions()
    with members(world.group_log(), world.group_log(), positions=positions) as running:
        eventually(lambda: shared_evenly(running, 6), timeout_s=30, what="even shares")
        running[0].stop()
        # Well below the six seconds after which a session times out.
        eventually(lambda: running[1].held == ALL, timeout_s=4, what="the other's partitions")
        fill(world, 2)
        eventually(lambda: len(positions.read) == 12, what="all records")


def test_rejoining_takes_everything_away_and_gives_it_back(world: World) -> None:
    fill(world, 4)
    log = world.group_log()
    poll_until_assigned(log)
    log.start(FROM_THE_START)
    poll_records(log, 24)

    log.rejoin()

    assert log.rebalanced() == Assignment(frozenset(), ALL)
    assert log.positions() == {}
    log.start(FROM_THE_START)
    assert poll_until_assigned(log) == Assignment(ALL, frozenset())
    assert not log.poll(0.3, 100)
    log.start({1: 2})
    assert [r.offset for r in poll_records(log, 2)] == [2, 3]


def test_gaps_are_passed(world: World) -> None:
    world.append_transaction(0, b"committed", commit=True)
    world.append_transaction(0, b"aborted", commit=False)
    log = world.group_log()
    poll_until_assigned(log)
    log.start({0: 0})

    assert [r.value for r in poll_records(log, 1)] == [b"committed"]
    eventually(lambda: log.poll(0.1, 10) or log.positions() == {0: 4}, what="the gap's end")
    assert log.end_offsets()[0] == 4


@pytest.mark.parametrize("position", [1, 11])
def test_a_position_outside_the_log_is_an_error(world: World, position: int) -> None:
    fill(world, 10, partitions=1)
    world.forget_before(0, 2)
    log = world.group_log()
    poll_until_assigned(log)
    log.start({0: position})

    with pytest.raises(OffsetOutOfRange, match=rf"partition 0: {position}, the log has 2 to 10"):
        poll_records(log, 1)


def test_a_topic_that_does_not_exist_is_an_error(world: World) -> None:
    log = world.group_log(topic="absent")

    with pytest.raises(TopicMissing, match="absent does not exist"):
        poll_until_assigned(log)


def test_added_partitions_are_noticed(world: World) -> None:
    log = world.group_log()
    poll_until_assigned(log)
    log.start(FROM_THE_START)

    world.add_partitions(8)

    change = eventually(lambda: poll_for_change(log), what="more")
    assert change == Assignment(frozenset({6, 7}), frozenset())
    log.start({6: 0, 7: 0})
    world.append(7, b"k", b"v")
    world.append(0, b"k", b"v")
    assert {r.partition for r in poll_records(log, 2)} == {0, 7}


def test_a_topic_that_is_recreated_is_an_error(world: World) -> None:
    fill(world, 1)
    log = world.group_log(topic_id=world.topic_id())
    poll_until_assigned(log)
    log.start(FROM_THE_START)
    poll_records(log, 6)

    world.recreate()

    with pytest.raises(OffsetOutOfRange, match="recreated"):
        eventually(lambda: log.poll(0.1, 10), what="a record")


def test_contact_tells_of_joining_and_leaving(world: World) -> None:
    log = world.group_log()
    assert not log.contact().joined

    poll_until_assigned(log)
    log.start(FROM_THE_START)
    log.poll(0.1, 10)
    assert log.contact().joined
    assert log.contact().silent_s < 1

    log.close()
    log.close()
    assert not log.contact().joined
