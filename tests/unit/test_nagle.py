"""Records that come while others are under way gather, and leave in their order."""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import count
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from producers.nagle import FEW, LONGEST_S, PER_RECORD_S, Nagle, Outgoing

FOREVER_S = 3_600.0


def nobody(_error: Any, _message: Any) -> None:
    pass


def record(number: int) -> Outgoing:
    return Outgoing("topic", b"key", str(number).encode(), nobody)


def number_of(one: Outgoing) -> int:
    return int(one.value)


class Gathering(RuleBasedStateMachine):
    """A caller, a log that answers when it likes and refuses what it likes, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.nagle = Nagle(self.produce, self.failed, lambda: self.now)
        self.numbers = count()
        self.sent: deque[tuple[int, float]] = deque()
        self.under_way = 0
        self.refuses = False
        self.earliest = 0.0

    def produce(self, one: Outgoing) -> None:
        assert number_of(one) == self.sent.popleft()[0]
        if self.refuses:
            raise BufferError("full")
        self.under_way += 1

    def failed(self, _one: Outgoing, error: Exception) -> None:
        assert self.refuses
        assert isinstance(error, BufferError)

    @rule(refuses=st.integers(0, 9).map(lambda number: not number))
    def send(self, refuses: bool) -> None:
        alone = self.nobody_is_there()
        number = next(self.numbers)
        self.sent.append((number, self.now))
        self.refuses = refuses
        try:
            self.nagle.send(record(number))
        except BufferError:
            assert alone
            assert refuses
        # The lone one has left, or was refused; the others wait.
        assert bool(self.sent) != alone

    @rule(size=st.integers(0, 30), refuses=st.integers(0, 9).map(lambda number: not number))
    def send_all(self, size: int, refuses: bool) -> None:
        alone = self.nobody_is_there()
        numbers = [next(self.numbers) for _ in range(size)]
        self.sent.extend((number, self.now) for number in numbers)
        self.refuses = refuses
        self.nagle.send_all([record(number) for number in numbers])
        if alone:
            assert not self.sent
            self.leave_together(size)

    def nobody_is_there(self) -> bool:
        return not self.sent and not self.under_way and self.now >= self.earliest

    def leave_together(self, size: int) -> None:
        if size >= FEW:
            self.earliest = self.now + min(LONGEST_S, PER_RECORD_S * size)

    @precondition(lambda self: self.under_way)
    @rule(part=st.floats(0, 1))
    def land(self, part: float) -> None:
        for _ in range(max(1, round(part * self.under_way))):
            self.under_way -= 1
            self.nagle.landed()

    @rule(seconds=st.sampled_from([0.0, PER_RECORD_S, 0.001, 0.005, LONGEST_S]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(refuses=st.integers(0, 9).map(lambda number: not number))
    def look(self, refuses: bool) -> None:
        self.refuses = refuses
        waiting = len(self.sent)
        self.nagle.look()
        if waiting and not self.sent:
            self.leave_together(waiting)
        if self.sent:
            assert len(self.sent) == waiting
            assert self.now < self.sent[0][1] + LONGEST_S
            assert self.under_way or self.now < self.earliest

    @invariant()
    def nothing_is_forgotten(self) -> None:
        wait_s = self.nagle.wait_s(FOREVER_S)
        if self.sent:
            assert wait_s <= max(0.0, self.sent[0][1] + LONGEST_S - self.now) + 1e-9
        elif self.under_way:
            assert wait_s == LONGEST_S
        else:
            paused = self.now < self.earliest
            assert wait_s == (self.earliest - self.now if paused else FOREVER_S)


TestGathering = Gathering.TestCase


def test_what_has_waited_for_its_time_leaves_at_once_when_the_others_have_landed() -> None:
    gone: list[int] = []
    nagle = Nagle(lambda one: gone.append(number_of(one)), lambda *_: None, lambda: 0.0)
    for number in range(5):
        nagle.send(record(number))
    nagle.look()
    assert gone == [0]
    nagle.landed()
    nagle.look()
    assert gone == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("size", "pause_s"), [(9, 0.0), (50, 0.005), (5_000, LONGEST_S)])
def test_many_have_the_next_one_wait_and_few_do_not(size: int, pause_s: float) -> None:
    now = 0.0
    gone: list[int] = []
    nagle = Nagle(lambda one: gone.append(number_of(one)), lambda *_: None, lambda: now)
    nagle.send_all([record(number) for number in range(size)])
    assert len(gone) == size
    for _ in range(size):
        nagle.landed()
    if pause_s:
        assert nagle.wait_s(FOREVER_S) == pytest.approx(pause_s)
        nagle.send(record(size))
        nagle.look()
        assert len(gone) == size
        now = pause_s
        nagle.look()
    else:
        nagle.send(record(size))
    assert len(gone) == size + 1


def test_a_closed_one_gives_back_what_waits_and_takes_nothing() -> None:
    nagle = Nagle(lambda _: None, lambda *_: None)
    for number in range(3):
        nagle.send(record(number))
    assert [number_of(one) for one in nagle.close()] == [1, 2]
    assert nagle.close() == []
    with pytest.raises(RuntimeError, match="closed"):
        nagle.send(record(3))


def test_who_is_about_to_wait_for_the_last_that_lands_is_not_left_waiting() -> None:
    gone: list[int] = []
    about_to_wait, go_on = threading.Event(), threading.Event()

    def clock() -> float:
        if threading.current_thread() is sender:
            about_to_wait.set()
            assert go_on.wait(10)
        return 0.0

    nagle = Nagle(lambda one: gone.append(number_of(one)), lambda *_: None, clock)
    sender = threading.Thread(target=nagle.send, args=(record(1),))
    nagle.send(record(0))
    sender.start()
    assert about_to_wait.wait(10)
    nagle.landed()
    looker = threading.Thread(target=nagle.look)
    looker.start()
    # It waits for the sender; were it to look at once, it would be done with it.
    looker.join(0.2)
    go_on.set()
    sender.join(10)
    looker.join(10)
    assert gone == [0, 1]


def test_threads_that_send_lose_nothing_and_each_keeps_its_order() -> None:
    queue: deque[int] = deque()
    gone: list[int] = []

    def produce(one: Outgoing) -> None:
        gone.append(number_of(one))
        queue.append(1)

    nagle = Nagle(produce, lambda *_: None)
    each, threads = 2_000, 4

    def send(thread: int) -> None:
        for number in range(each):
            nagle.send(record(thread * each + number))

    senders = [threading.Thread(target=send, args=(number,)) for number in range(threads)]
    for sender in senders:
        sender.start()
    deadline = time.monotonic() + 30
    while len(gone) < each * threads:
        assert time.monotonic() < deadline, f"{len(gone)} have left"
        while queue:
            queue.pop()
            nagle.landed()
        nagle.look()
    assert sorted(gone) == list(range(each * threads))
    for thread in range(threads):
        own = [number for number in gone if number // each == thread]
        assert own == sorted(own)
