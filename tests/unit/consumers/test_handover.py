"""The handover, one interleaving after another, without threads."""

from __future__ import annotations

import threading
import time

import pytest

from consumers.decoding import Draft, decode
from consumers.handover import MAX_POLL_RECORDS, Handover, Pace
from tests.unit.consumers.fakes import good_record

NO_PAUSE = Pace(0, 0)


def drafted(partition: int, first: int, count: int) -> Draft:
    return decode([good_record(partition, offset) for offset in range(first, first + count)])


def claimed(handover: Handover, positions: dict[int, int]) -> None:
    """The writer claims what is wanted and the poller starts it."""
    work = handover.next_work()
    assert work is not None
    assert work.claim
    handover.grant(handover.tickets(), positions)
    handover.started(handover.news().granted)


def reading(*partitions: int, pace: Pace = NO_PAUSE) -> Handover:
    handover = Handover(100, 10**6, pace)
    if partitions:
        handover.want(partitions)
        claimed(handover, dict.fromkeys(partitions, 0))
    return handover


def taken(handover: Handover) -> Draft:
    work = handover.next_work()
    assert work is not None
    assert work.draft is not None
    return work.draft


def test_the_slot_grows_until_it_is_taken() -> None:
    handover = reading(0, 1)
    handover.add(drafted(0, 0, 3))
    handover.add(drafted(1, 0, 2))
    handover.add(drafted(0, 3, 1))
    draft = taken(handover)
    assert draft.records == 6
    assert draft.next_offsets == {0: 4, 1: 2}


def paused(pace: Pace) -> Handover:
    """A batch of ten was taken, and the next record is there."""
    handover = reading(0, pace=pace)
    handover.add(drafted(0, 0, 10))
    taken(handover)
    handover.add(drafted(0, 10, 1))
    return handover


@pytest.mark.parametrize("pace", [Pace(0.01, 60), Pace(60, 0.1)])
def test_after_many_records_the_writer_waits_for_more(pace: Pace) -> None:
    began = time.monotonic()
    handover = paused(pace)
    assert taken(handover).records == 1
    assert time.monotonic() - began >= 0.1


@pytest.mark.timeout(30)
def test_a_full_slot_is_waited_for_by_nobody() -> None:
    handover = paused(Pace(60, 60))
    handover.add(drafted(0, 11, 99))
    assert taken(handover).records == 100


@pytest.mark.timeout(30)
def test_a_stop_and_what_the_group_wants_wait_for_no_batch() -> None:
    handover = paused(Pace(60, 60))
    handover.want([1])
    work = handover.next_work()
    assert work is not None
    assert work.claim
    handover.grant(handover.tickets(), {1: 0})
    handover.revoke([1])
    work = handover.next_work()
    assert work is not None
    assert work.forget == {1}
    handover.stop()
    assert handover.next_work() is None


@pytest.mark.timeout(30)
def test_a_waiting_writer_is_told_of_a_slot_that_gets_full() -> None:
    handover = paused(Pace(60, 60))
    found: list[int] = []
    writer = threading.Thread(target=lambda: found.append(taken(handover).records))
    writer.start()
    handover.add(drafted(0, 11, 99))
    writer.join(20)
    assert found == [100]


def test_what_is_done_is_freed_by_the_poller_whatever_comes_next() -> None:
    handover = reading(0)
    for first, free in ((0, handover.skip_gaps), (2, lambda _: handover.add(drafted(1, 0, 1)))):
        handover.add(drafted(0, first, 1))
        taken(handover)
        handover.skip_gaps({0: first + 2})
        taken(handover)
        assert len(handover._done) == 1, "the first; the other is in flight"
        free({0: first + 2})
        assert handover._done == []


def test_records_of_a_partition_that_is_not_live_are_dropped() -> None:
    handover = reading(0)
    handover.want([1])
    handover.add(drafted(1, 0, 2))
    handover.add(drafted(0, 0, 1))
    claimed(handover, {1: 0})
    assert taken(handover).next_offsets == {0: 1}


def test_what_was_revoked_leaves_the_slot_and_is_forgotten_first() -> None:
    handover = reading(0, 1)
    handover.add(drafted(0, 0, 2))
    handover.add(drafted(1, 0, 2))
    handover.revoke([0])
    work = handover.next_work()
    assert work is not None
    assert work.forget == {0}
    assert not work.claim
    assert work.draft is None
    assert taken(handover).next_offsets == {1: 2}


def test_a_claim_that_was_revoked_meanwhile_is_not_granted() -> None:
    handover = reading()
    handover.want([0, 1])
    handover.next_work()
    tickets = handover.tickets()
    handover.revoke([1])
    handover.grant(tickets, {0: 5, 1: 6})
    assert handover.news().granted == {0: 5}
    assert handover.wanted() == set()


def test_a_claim_from_before_a_rebalance_does_not_stand_for_the_one_after_it() -> None:
    handover = reading()
    handover.want([0])
    handover.next_work()
    early = handover.tickets()
    handover.revoke([0])
    handover.want([0])
    handover.grant(early, {0: 5})
    assert handover.news().granted == {}
    handover.grant(handover.tickets(), {0: 7})
    assert handover.news().granted == {0: 7}


def test_a_revocation_is_not_carried_out_after_the_claim_that_followed_it() -> None:
    handover = reading(0)
    handover.want([0])
    handover.next_work()
    handover.revoke([0])
    handover.want([0])
    handover.grant(handover.tickets(), {0: 3})
    handover.started(handover.news().granted)
    handover.add(drafted(0, 3, 1))
    assert taken(handover).next_offsets == {0: 4}


def test_nothing_follows_a_batch_that_met_the_fence() -> None:
    handover = reading(0, 1)
    handover.add(drafted(0, 0, 2))
    taken(handover)
    handover.add(drafted(0, 2, 2))
    handover.lose_fence()
    handover.add(drafted(0, 4, 2))
    handover.add(drafted(1, 0, 2))
    handover.skip_gaps({0: 9, 1: 9})
    handover.want([0, 1])
    claimed(handover, {0: 4, 1: 0})
    handover.add(drafted(0, 4, 1))
    assert taken(handover).next_offsets == {0: 5}


def test_a_partition_started_across_a_lost_fence_is_not_live() -> None:
    handover = reading(0)
    handover.add(drafted(0, 0, 1))
    handover.want([1])
    handover.next_work()
    handover.grant(handover.tickets(), {1: 0})
    granted = handover.news().granted
    taken(handover)
    handover.lose_fence()
    handover.started(granted)
    handover.add(drafted(1, 0, 1))
    handover.want([0])
    claimed(handover, {0: 0})
    handover.add(drafted(0, 0, 1))
    assert taken(handover).next_offsets == {0: 1}


@pytest.mark.parametrize("rebalanced", [False, True])
def test_a_fence_is_explained_by_a_rebalance_since_the_batch_was_taken(rebalanced: bool) -> None:
    handover = reading(0, 1)
    handover.add(drafted(0, 0, 1))
    handover.revoke([1])
    handover.next_work()
    taken(handover)
    if rebalanced:
        handover.revoke([0])
    handover.lose_fence()
    news = handover.news()
    assert news.fence_lost
    assert news.explained is rebalanced
    assert not handover.news().fence_lost


def test_a_grant_is_told_again_until_its_partition_is_started() -> None:
    handover = reading()
    handover.want([0])
    handover.next_work()
    handover.grant(handover.tickets(), {0: 5})
    assert handover.news().granted == {0: 5}
    assert handover.news().granted == {0: 5}
    handover.started({0: 5})
    assert handover.news().granted == {}


def test_a_gap_moves_the_position_without_a_record() -> None:
    handover = reading(0, 1)
    handover.add(drafted(0, 0, 2))
    handover.skip_gaps({0: 4, 1: 0, 2: 9})
    draft = taken(handover)
    assert draft.next_offsets == {0: 4}
    handover.skip_gaps({0: 4})
    handover.skip_gaps({0: 6})
    draft = taken(handover)
    assert (draft.records, draft.next_offsets) == (0, {0: 6})


def test_room_is_bounded_by_records_and_by_bytes() -> None:
    handover = Handover(max_records=5000, max_bytes=100_000)
    assert handover.room() == MAX_POLL_RECORDS
    handover.want([0])
    claimed(handover, {0: 0})
    draft = drafted(0, 0, 10)
    draft.bytes = 60_000
    handover.add(draft)
    assert 1 <= handover.room() <= 40
    draft = drafted(0, 10, 10)
    draft.bytes = 60_000
    handover.add(draft)
    assert handover.room() == 0
    assert not handover.await_room(0.0)
    taken(handover)
    assert handover.room() > 0
    assert handover.await_room(0.0)


def test_room_ends_with_the_batch_size() -> None:
    handover = reading(0)
    handover.add(drafted(0, 0, 97))
    assert handover.room() == 3
    handover.add(drafted(0, 97, 3))
    assert handover.room() == 0


def test_after_a_stop_there_is_no_work() -> None:
    handover = reading(0)
    handover.add(drafted(0, 0, 1))
    handover.want([1])
    handover.stop()
    assert handover.next_work() is None
    assert handover.tickets() == {}


def test_what_ended_the_writer_is_raised_to_the_poller() -> None:
    handover = reading()
    handover.fail(ZeroDivisionError("why"))
    assert handover.await_room(0.0)
    with pytest.raises(ZeroDivisionError):
        handover.news()


def test_the_oldest_record_is_that_of_the_batch_in_flight() -> None:
    handover = reading(0)
    handover.add(decode([good_record(0, 0, 1000), good_record(0, 1, 2000)]))
    taken(handover)
    handover.add(decode([good_record(0, 2, 3000)]))
    assert handover.oldest_ms() == {0: 1000}
    handover.want([1])
    handover.next_work()
    assert handover.oldest_ms() == {0: 3000}


def test_the_wait_for_the_writer_ends_when_it_takes_the_slot_and_with_time() -> None:
    handover = reading(0)
    handover.await_taken(60)
    handover.add(drafted(0, 0, 1))
    began = time.monotonic()
    handover.await_taken(0.02)
    assert time.monotonic() - began >= 0.02
    writer = threading.Timer(0.02, lambda: taken(handover))
    writer.start()
    handover.await_taken(60)
    writer.join()
    assert time.monotonic() - began < 30


def test_news_and_the_end_are_not_waited_past() -> None:
    handover = reading(0)
    handover.add(drafted(0, 0, 1))
    handover.want([1])
    handover.grant(handover.tickets(), {1: 0})
    handover.await_taken(60)
    handover = reading(0)
    handover.add(drafted(0, 0, 1))
    handover.stop()
    handover.await_taken(60)
