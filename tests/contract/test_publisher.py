"""The contract of Publisher."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress

import pytest

from producers.publisher import (
    Acknowledgement,
    Prepared,
    PublisherClosed,
    PublishError,
    PublishRefused,
    PublishTimeout,
    TooManyOutstanding,
)
from schemas.codec import HEADERS, decode_record, encode
from schemas.events import Event
from schemas.limits import MAX_VALUE_BYTES
from schemas.partitioning import home_partition
from schemas.record import Record, row_id
from tests.contract.worlds import World
from tests.support.builders import failed, generated
from tests.support.waiting import eventually


def everything(world: World) -> dict[tuple[int, int], Record]:
    """All records of the topic by their places."""
    reader = world.reader()
    state = reader.describe()
    batches = reader.read(state.begin, state.end)
    return {(r.partition, r.offset): r for batch in batches for r in batch}


def test_an_acknowledgement_names_the_events_place(world: World) -> None:
    event = generated("req-ä", metadata={"größe": [1, 2.5, None]})

    acknowledgement = world.publisher().publish(event)

    place = (acknowledgement.partition, acknowledgement.offset)
    record = everything(world)[place]
    assert decode_record(record) == event
    assert record.key == "req-ä".encode()
    assert record.headers == HEADERS
    assert acknowledgement.row_id == row_id(*place)
    assert acknowledgement.position == place
    assert (acknowledgement.request_id, acknowledgement.event_id) == ("req-ä", event.id)
    assert acknowledgement.token == f"{place[0]}:{place[1]}"


def test_a_request_stays_in_its_home_partition_in_order(world: World) -> None:
    publisher = world.publisher()
    first = publisher.publish(failed("req-7"))
    second = publisher.publish(generated("req-7"))

    assert first.partition == second.partition == home_partition(b"req-7", 6)
    assert second.offset == first.offset + 1


def test_many_are_published_without_waiting(world: World) -> None:
    events = [generated(f"req-{number}") for number in range(500)]
    publisher = world.publisher()

    futures = [publisher.publish_async(event) for event in events]
    publisher.flush(20)

    assert all(future.done() for future in futures)
    records = everything(world)
    assert len(records) == 500
    for event, future in zip(events, futures, strict=True):
        acknowledgement = future.result()
        record = records[acknowledgement.partition, acknowledgement.offset]
        assert decode_record(record) == event


def test_threads_share_a_publisher(world: World) -> None:
    publisher = world.publisher()
    places: list[tuple[int, int]] = []

    def publish(thread: int) -> None:
        for number in range(20):
            acknowledgement = publisher.publish(generated(f"req-{thread}-{number}"))
            places.append((acknowledgement.partition, acknowledgement.offset))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(set(places)) == 100
    assert everything(world).keys() == set(places)


def test_an_event_that_is_too_large_is_refused_and_nothing_else(world: World) -> None:
    publisher = world.publisher()
    # A control character takes six bytes in JSON.
    big = generated(prompt="\x01" * 262_144)

    with pytest.raises(PublishRefused, match=r"1\d{6} bytes, limit 1048576"):
        publisher.publish(big)

    publisher.publish(generated())
    assert len(everything(world)) == 1


def test_the_largest_event_is_taken(world: World) -> None:
    noise = random.Random(1).randbytes(120_000).hex()
    event = generated(prompt="\x01" * 134_000, metadata={"noise": noise})
    assert 1_040_000 < len(encode(event)) <= MAX_VALUE_BYTES

    world.publisher().publish(event)

    (record,) = everything(world).values()
    assert decode_record(record) == event


def test_what_is_not_acknowledged_in_time_fails(world: World) -> None:
    publisher = world.deaf_publisher(deadline_s=1.5, max_outstanding=10)
    began = time.monotonic()

    with pytest.raises(PublishTimeout):
        publisher.publish(generated())

    assert 1.0 < time.monotonic() - began < 6
    with pytest.raises(PublishTimeout):
        publisher.publish_async(generated()).result(6)


def test_what_is_outstanding_is_bounded(world: World) -> None:
    publisher = world.deaf_publisher(deadline_s=1.5, max_outstanding=3)
    futures = [publisher.publish_async(generated(f"req-{number}")) for number in range(3)]
    assert not any(future.cancel() for future in futures)
    began = time.monotonic()

    with pytest.raises((TooManyOutstanding, PublishTimeout)) as caught:
        publisher.publish(generated("one too many"))

    assert time.monotonic() - began > 1.0
    assert caught.type is TooManyOutstanding or all(future.done() for future in futures)


def test_flushing_says_when_something_is_left(world: World) -> None:
    publisher = world.deaf_publisher(deadline_s=20, max_outstanding=3)
    publisher.flush(0.1)
    publisher.publish_async(generated())

    with pytest.raises(PublishTimeout):
        publisher.flush(0.2)


def test_closing_fails_what_is_left_and_ends(world: World) -> None:
    publisher = world.deaf_publisher(deadline_s=20, max_outstanding=3)
    future = publisher.publish_async(generated())
    began = time.monotonic()

    publisher.close(0.2)
    publisher.close(0.2)

    assert time.monotonic() - began < 3
    with pytest.raises(PublishTimeout):
        future.result(0)
    with pytest.raises(PublisherClosed):
        publisher.publish(generated())


def test_closing_delivers_what_can_be_delivered(world: World) -> None:
    publisher = world.publisher()
    futures = [publisher.publish_async(generated(f"req-{number}")) for number in range(50)]

    publisher.close()

    assert len({future.result(0).token for future in futures}) == 50


def prepared(event: Event) -> Prepared:
    return Prepared(event.id, event.data.request_id, encode(event))


class Told:
    """What a publisher says of events that were sent together."""

    def __init__(self) -> None:
        self.answers: dict[int, list[Acknowledgement | PublishError]] = {}

    def __call__(self, index: int, answer: Acknowledgement | PublishError) -> None:
        self.answers.setdefault(index, []).append(answer)

    def once(self) -> list[Acknowledgement | PublishError]:
        """One answer for each, in their order."""
        assert sorted(self.answers) == list(range(len(self.answers)))
        return [answer for index in sorted(self.answers) for (answer,) in [self.answers[index]]]


def test_events_that_are_sent_together_are_as_if_sent_one_by_one(world: World) -> None:
    events = [generated(f"req-{number % 100}-ä", prompt=f"{number}") for number in range(700)]
    publisher, told = world.publisher(), Told()

    publisher.publish_many([], told)
    publisher.publish_many([prepared(event) for event in events], told)
    publisher.flush(20)
    eventually(lambda: len(told.answers) == 700)

    records = everything(world)
    assert len(records) == 700
    last: dict[int, int] = {}
    for event, answer in zip(events, told.once(), strict=True):
        assert isinstance(answer, Acknowledgement)
        record = records[answer.position]
        assert decode_record(record) == event
        assert (record.key, record.headers) == (event.data.request_id.encode(), HEADERS)
        assert (answer.request_id, answer.event_id) == (event.data.request_id, event.id)
        assert answer.partition == home_partition(event.data.request_id.encode(), 6)
        assert answer.offset > last.get(answer.partition, -1), "they keep their order"
        last[answer.partition] = answer.offset


def test_of_events_sent_together_those_not_acknowledged_in_time_fail(world: World) -> None:
    publisher, told = world.deaf_publisher(deadline_s=1.5, max_outstanding=10), Told()
    publisher.publish_many([prepared(generated(f"req-{number}")) for number in range(10)], told)
    with pytest.raises((TooManyOutstanding, PublishTimeout)):
        publisher.publish(generated("one too many"))
    eventually(lambda: len(told.answers) == 10)
    assert {type(answer) for answer in told.once()} == {PublishTimeout}


def test_closing_fails_what_is_left_of_those_sent_together(world: World) -> None:
    publisher, told = world.deaf_publisher(deadline_s=20, max_outstanding=30), Told()
    publisher.publish_many([prepared(generated(f"req-{number}")) for number in range(20)], told)
    publisher.close(0.2)
    assert len(told.answers) == 20
    assert {type(answer) for answer in told.once()} == {PublishTimeout}
    late = Told()
    with suppress(PublisherClosed):
        publisher.publish_many([prepared(generated())], late)
        assert {type(answer) for answer in late.once()} == {PublisherClosed}
