"""What is under way together takes its places together, and is told of once."""

from __future__ import annotations

import pytest

from producers.outstanding import Delivery, GroupDelivery, Outstanding
from producers.publisher import (
    Acknowledgement,
    Prepared,
    PublishError,
    PublishTimeout,
    TooManyOutstanding,
)

EVENTS = [Prepared(f"e{number}", f"r{number}", b"x" * 10) for number in range(3)]


class Told:
    """What was told, in order."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, type]] = []

    def __call__(self, index: int, answer: Acknowledgement | PublishError) -> None:
        self.answers.append((index, type(answer)))


@pytest.fixture
def outstanding() -> Outstanding:
    return Outstanding(4, 100, clock=lambda: 0.0)


def test_a_group_has_its_places_until_the_last_of_it_is_gone(outstanding: Outstanding) -> None:
    told = Told()
    group = GroupDelivery(EVENTS, told)
    outstanding.admit(group, 10)
    outstanding.admit(Delivery("r", "e", 10), 10)
    for index in range(3):
        with pytest.raises(TooManyOutstanding, match=r"4 events \(40 bytes\)"):
            outstanding.admit(Delivery("r", "e", 10), 0)
        group.acknowledge(index, 1, index)
        if group.leave():
            outstanding.settle(group)
    outstanding.admit(Delivery("r", "e", 10), 10)
    outstanding.admit(Delivery("r", "e", 10), 10)
    assert told.answers == [(index, Acknowledgement) for index in range(3)]
    outstanding.fail_all("the end")


def test_a_group_that_is_larger_than_the_bound_gets_in_alone(outstanding: Outstanding) -> None:
    large = GroupDelivery(EVENTS * 3, Told())
    outstanding.admit(large, 10)
    with pytest.raises(TooManyOutstanding):
        outstanding.admit(Delivery("r", "e", 1), 0)
    outstanding.fail_all("the end")


def test_who_was_told_once_is_not_told_again(outstanding: Outstanding) -> None:
    told = Told()
    group = GroupDelivery(EVENTS, told)
    outstanding.admit(group, -1)
    group.acknowledge(1, 0, 0)
    outstanding.fail_overdue()
    assert told.answers == [(1, Acknowledgement), (0, PublishTimeout), (2, PublishTimeout)]
    group.acknowledge(0, 0, 0)
    group.fail_one(2, PublishTimeout("late"))
    outstanding.fail_all("the end")
    assert len(told.answers) == 3
