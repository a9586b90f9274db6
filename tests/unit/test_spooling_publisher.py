"""Publishing through the spool: nothing is lost, nobody waits for a dead Kafka."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from producers.breaker import FIRST_WAIT_S, LONGEST_WAIT_S, Breaker
from producers.publisher import (
    Acknowledgement,
    PublisherClosed,
    PublishRefused,
    PublishTimeout,
    Spooled,
)
from producers.spool import Spool
from producers.spool_errors import SpoolFull
from producers.spool_rows import SpoolLimits
from producers.spooling_publisher import SpoolingPublisher, SpoolingSettings
from schemas.codec import decode
from tests.support.builders import generated
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic
from tests.support.waiting import eventually

DEADLINE_S = 0.3


class World:
    """A topic, a spool's file, and publishers over them."""

    def __init__(self, folder: Path) -> None:
        self.topic = MemoryTopic()
        self.path = folder / "spool.db"
        self.kafka = MemoryPublisher(self.topic)
        self.publishers: list[SpoolingPublisher] = []

    def open(self, limits: SpoolLimits = SpoolLimits()) -> SpoolingPublisher:  # noqa: B008  # frozen
        self.kafka = MemoryPublisher(self.topic)
        publisher = SpoolingPublisher(
            Spool(self.path, limits), self.kafka, SpoolingSettings(DEADLINE_S)
        )
        self.publishers.append(publisher)
        return publisher

    def in_the_log(self) -> list[str]:
        return [
            decode(record.value).data.request_id
            for partition in self.topic.partitions
            for record in partition.records
        ]

    def close(self) -> None:
        for publisher in self.publishers:
            publisher.close(1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def empty(publisher: SpoolingPublisher) -> Callable[[], bool]:
    return lambda: publisher.spool.status().waiting == 0


def test_kafkas_answer_is_returned_and_the_spool_is_empty_again(world: World) -> None:
    publisher = world.open()
    receipt = publisher.publish(generated("r-1"))
    assert isinstance(receipt, Acknowledgement)
    assert receipt.request_id == "r-1"
    assert world.in_the_log() == ["r-1"]
    assert publisher.spool.status().waiting == 0


def test_the_event_is_on_disk_before_it_is_sent(world: World) -> None:
    publisher = world.open()
    waiting: list[int] = []
    send = world.kafka.publish_async

    def note(event):  # type: ignore[no-untyped-def]  # as send
        waiting.append(publisher.spool.status().waiting)
        return send(event)

    world.kafka.publish_async = note  # type: ignore[method-assign]
    publisher.publish(generated("r-1"))
    assert waiting == [1]


def test_a_dead_kafka_costs_no_call_more_than_the_deadline_and_loses_nothing(world: World) -> None:
    world.topic.set_available(False)
    publisher = world.open()
    took = []
    for number in range(50):
        began = time.monotonic()
        receipt = publisher.publish(generated(f"r-{number}"))
        took.append(time.monotonic() - began)
        assert isinstance(receipt, Spooled)
        assert receipt.reason == "no broker answers"
    assert statistics.median(took) < DEADLINE_S, "the first may wait, and those that look again"
    assert publisher.spool.status().waiting == 50

    world.topic.set_available(True)
    eventually(empty(publisher))
    assert sorted(world.in_the_log()) == sorted(f"r-{number}" for number in range(50))


def test_a_silent_kafka_lets_the_caller_go_at_the_deadline(world: World) -> None:
    publisher = world.open()
    world.kafka.withhold()
    first = publisher.publish(generated("r-1"))
    second = publisher.publish(generated("r-2"))
    assert "r-2" not in world.in_the_log(), "it is known to be silent: nobody waits for an answer"
    assert isinstance(first, Spooled)
    assert isinstance(second, Spooled)
    assert "within 0.3 s" in first.reason

    world.kafka.release()
    eventually(empty(publisher))
    assert sorted(world.in_the_log()) == ["r-1", "r-2"]
    assert isinstance(publisher.publish(generated("r-3")), Acknowledgement)


def test_an_acknowledgement_that_was_lost_means_sent_twice(world: World) -> None:
    publisher = world.open()
    world.kafka.lost_acknowledgements = 1
    assert isinstance(publisher.publish(generated("r-1")), Spooled)
    eventually(empty(publisher))
    assert world.in_the_log() == ["r-1", "r-1"]


def test_what_a_closed_publisher_left_is_delivered_by_the_next(world: World) -> None:
    world.topic.set_available(False)
    publisher = world.open()
    for number in range(3):
        publisher.publish(generated(f"r-{number}"))
    publisher.close()
    world.topic.set_available(True)
    again = world.open()
    eventually(empty(again))
    assert sorted(world.in_the_log()) == ["r-0", "r-1", "r-2"]


def test_a_refused_event_is_kept_and_stops_nothing(world: World) -> None:
    world.topic.set_available(False)
    publisher = world.open()
    publisher.publish(generated("r-1"))
    publisher.publish(generated("r-2"))
    world.kafka.failures.append(PublishRefused("too large"))
    world.topic.set_available(True)
    eventually(empty(publisher))
    assert len(world.in_the_log()) == 1
    (refused,) = publisher.spool.list_refused()
    assert refused.reason == "too large"
    assert {refused.request_id, *world.in_the_log()} == {"r-1", "r-2"}


def test_a_refusal_is_told_to_the_caller(world: World) -> None:
    publisher = world.open()
    world.kafka.failures.append(PublishRefused("too large"))
    with pytest.raises(PublishRefused, match="too large"):
        publisher.publish(generated("r-1"))
    assert publisher.spool.status()[:3] == (0, 0, 1)


def test_an_event_that_always_fails_does_not_hold_up_the_others(world: World) -> None:
    publisher = world.open()
    send = world.kafka.publish_async

    def fail_one(event):  # type: ignore[no-untyped-def]  # as send
        if event.data.request_id == "r-0":
            raise PublishTimeout("it always fails")
        return send(event)

    world.kafka.publish_async = fail_one  # type: ignore[method-assign]
    for number in range(20):
        publisher.publish(generated(f"r-{number}"))
    eventually(lambda: publisher.spool.status().waiting == 1)
    assert sorted(world.in_the_log()) == sorted(f"r-{number}" for number in range(1, 20))


def test_a_full_spool_is_an_error_while_kafka_is_away_and_none_while_it_is_there(
    world: World,
) -> None:
    world.topic.set_available(False)
    publisher = world.open(SpoolLimits(max_events=2))
    publisher.publish(generated("r-0"))
    publisher.publish(generated("r-1"))
    with pytest.raises(SpoolFull, match="limit 2 events"):
        publisher.publish(generated("r-2"))
    world.topic.set_available(True)
    eventually(empty(publisher))
    assert isinstance(publisher.publish(generated("r-2")), Acknowledgement)


def test_without_a_spool_kafka_alone_takes_the_event(world: World) -> None:
    publisher = world.open(SpoolLimits(max_events=0))
    assert isinstance(publisher.publish(generated("r-1")), Acknowledgement)
    world.topic.set_available(False)
    with pytest.raises(PublishTimeout, match="no broker answers"):
        publisher.publish(generated("r-2"))
    assert world.in_the_log() == ["r-1"]


def test_flush_waits_for_everything_or_says_what_is_left(world: World) -> None:
    world.topic.set_available(False)
    publisher = world.open()
    for number in range(5):
        publisher.publish(generated(f"r-{number}"))
    with pytest.raises(PublishTimeout, match=r"5 events still wait .*: no broker answers"):
        publisher.flush(0.2)
    world.topic.set_available(True)
    publisher.flush(10)
    assert len(world.in_the_log()) == 5


def test_a_closed_publisher_takes_nothing(world: World) -> None:
    publisher = world.open()
    publisher.close()
    publisher.close()
    with pytest.raises(PublisherClosed):
        publisher.publish(generated("r-1"))


def test_waits_grow_with_jitter_to_a_longest_one() -> None:
    now = 0.0
    waits = []
    breaker = Breaker(clock=lambda: now, jitter=lambda: 1.0)
    assert breaker.may_try()
    for _ in range(12):
        breaker.failed("away")
        breaker.failed("away")
        began = now
        while not breaker.may_try():
            now += 0.05
        waits.append(now - began)
    assert waits[0] == pytest.approx(FIRST_WAIT_S, abs=0.06)
    assert waits[1] == pytest.approx(2 * FIRST_WAIT_S, abs=0.06)
    assert waits[-1] == pytest.approx(LONGEST_WAIT_S, abs=0.06)
    breaker.succeeded()
    assert breaker.reason is None
