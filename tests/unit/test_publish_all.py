"""Publishing many events at once: as one by one, but written and waited for together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from producers.metrics import ProducerMetrics
from producers.publisher import (
    Acknowledgement,
    PublisherClosed,
    PublishRefused,
    PublishTimeout,
    Spooled,
)
from producers.sealing import Sealer, SealingPublisher
from producers.spool import Spool
from producers.spool_errors import SpoolFull
from producers.spool_rows import SpoolLimits
from producers.spooling_publisher import SpoolingPublisher, SpoolingSettings
from schemas.codec import decode
from schemas.events import RequestData
from schemas.limits import MAX_VALUE_BYTES
from schemas.sealing import KeysUnavailable, SealingKey, new_key
from tests.support.builders import deleted, failed, generated
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic
from tests.support.waiting import eventually


class Keys:
    """Keys in memory, that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.available = True

    def provide(self, user_ids: Collection[str]) -> Mapping[str, SealingKey]:
        self.asked.append(set(user_ids))
        if not self.available:
            raise KeysUnavailable("the database is away")
        return {user: new_key() for user in user_ids}

    def destroyed(self) -> frozenset[bytes]:
        return frozenset()

    def close(self) -> None:
        return None


@pytest.fixture
def topic() -> MemoryTopic:
    return MemoryTopic("events", 1)


@pytest.fixture
def publisher(topic: MemoryTopic, tmp_path: Path) -> Iterator[SpoolingPublisher]:
    spool = Spool(tmp_path / "spool.db", SpoolLimits(max_events=50))
    settings = SpoolingSettings(deadline_s=1.0)
    with SpoolingPublisher(spool, MemoryPublisher(topic), settings) as publisher:
        yield publisher


def test_each_has_its_own_place_in_the_order_they_came(
    publisher: SpoolingPublisher, topic: MemoryTopic
) -> None:
    events = [generated(f"r{number}") for number in range(40)]
    receipts = publisher.publish_all(events)
    assert [receipt for receipt in receipts if not isinstance(receipt, Acknowledgement)] == []
    records, _ = topic.read(0, 0, 100)
    assert [decode(record.value) for record in records] == events
    told = [(r.event_id, r.offset) for r in receipts if isinstance(r, Acknowledgement)]
    assert told == [(event.id, place) for place, event in enumerate(events)]


def test_one_that_is_refused_stops_no_other(publisher: SpoolingPublisher) -> None:
    large = generated("large")
    # Larger than any event that could be made.
    object.__setattr__(large.data, "prompt", "y" * MAX_VALUE_BYTES)
    one, two, three = publisher.publish_all([generated("a"), large, failed("b")])
    assert isinstance(one, Acknowledgement)
    assert isinstance(two, PublishRefused)
    assert isinstance(three, Acknowledgement)


def test_what_has_no_room_is_told_so_and_the_rest_is_kept(
    publisher: SpoolingPublisher, topic: MemoryTopic
) -> None:
    topic.set_available(False)
    receipts = publisher.publish_all([generated(f"r{number}") for number in range(60)])
    assert {type(receipt) for receipt in receipts[:50]} == {Spooled}
    # Until it is known that Kafka does not answer, what has no room is sent to it alone.
    assert {type(receipt) for receipt in receipts[50:]} <= {SpoolFull, PublishTimeout}
    assert {type(one) for one in publisher.publish_all([generated("late")])} == {SpoolFull}
    topic.set_available(True)
    publisher.flush(10)
    eventually(lambda: len(topic.read(0, 0, 100)[0]) == 50)


def test_all_are_waited_for_no_longer_than_one(
    topic: MemoryTopic, tmp_path: Path, publisher: SpoolingPublisher
) -> None:
    kafka = MemoryPublisher(topic)
    kafka.withhold()
    settings = SpoolingSettings(deadline_s=0.2)
    with SpoolingPublisher(Spool(tmp_path / "other.db"), kafka, settings) as slow:
        receipts = slow.publish_all([generated(f"r{number}") for number in range(30)])
        kafka.release()
    assert {type(receipt) for receipt in receipts} == {Spooled}


def test_after_the_close_none_is_taken(publisher: SpoolingPublisher) -> None:
    publisher.close()
    receipts = publisher.publish_all([generated("a"), deleted("b")])
    assert [type(receipt) for receipt in receipts] == [PublisherClosed] * 2


@pytest.mark.parametrize("available", [True, False])
def test_keys_of_many_users_are_asked_for_at_once(
    topic: MemoryTopic, tmp_path: Path, available: bool
) -> None:
    keys = Keys()
    keys.available = available
    sealer = Sealer(keys)
    spool, kafka = Spool(tmp_path / "spool.db"), SealingPublisher(MemoryPublisher(topic), sealer)
    settings = SpoolingSettings(deadline_s=1.0)
    with SpoolingPublisher(spool, kafka, settings, sealer=sealer) as publisher:
        events = [generated(f"r{number}", user_id=f"user-{number}") for number in range(20)]
        receipts = publisher.publish_all([*events, deleted("r0")])
    assert keys.asked[0] == {f"user-{number}" for number in range(20)}
    assert len(keys.asked) == 1
    expected = [Acknowledgement if available else Spooled] * 20
    assert [type(receipt) for receipt in receipts[:20]] == expected
    logged = [decode(record.value) for record in topic.read(0, 0, 100)[0]]
    sealed = [event.data for event in logged if isinstance(event.data, RequestData)]
    assert len(sealed) == (20 if available else 0)
    assert all(data.sealed and not data.prompt for data in sealed)


def test_more_than_are_sent_at_once_keep_their_order_and_their_answers(
    topic: MemoryTopic, tmp_path: Path
) -> None:
    kafka, registry = MemoryPublisher(topic), CollectorRegistry()
    metrics = ProducerMetrics(registry)
    events = [generated(f"r{number}") for number in range(1_203)]
    with SpoolingPublisher(Spool(tmp_path / "s.db"), kafka, metrics=metrics) as publisher:
        assert publisher.publish_all([]) == []
        publisher.publish_all(events[:1])
        kafka.failures = [PublishRefused("this one never")]
        first, *others = publisher.publish_all(events[1:])
        eventually(lambda: publisher.spool.status()[:3] == (0, 0, 1))
    assert isinstance(first, PublishRefused)
    records, _ = topic.read(0, 0, 2_000)
    sent = [*events[:1], *events[2:]]
    assert [decode(record.value) for record in records] == sent
    places = [(r.event_id, r.offset) for r in others if isinstance(r, Acknowledgement)]
    assert places == [(event.id, place) for place, event in enumerate(sent)][1:]
    counted = "omega_images_producer_events_total"
    assert registry.get_sample_value(counted, {"outcome": "acknowledged"}) == 1_202
    assert registry.get_sample_value(counted, {"outcome": "refused"}) == 1
    seconds = "omega_images_producer_publish_seconds_count"
    assert registry.get_sample_value(seconds) == 1_202


def test_what_could_not_be_sealed_is_never_sent_as_it_is(
    topic: MemoryTopic, tmp_path: Path
) -> None:
    keys = Keys()
    sealer = Sealer(keys)
    kafka = SealingPublisher(MemoryPublisher(topic), sealer)
    settings = SpoolingSettings(deadline_s=1.0)
    known, unknown = generated("known", user_id="ada"), generated("unknown", user_id="bob")
    with SpoolingPublisher(Spool(tmp_path / "s.db"), kafka, settings, sealer=sealer) as publisher:
        sealer.prepare(["ada"])
        keys.available = False
        receipts = publisher.publish_all([unknown, known, deleted("gone")])
    assert [type(receipt) for receipt in receipts] == [Spooled, Acknowledgement, Acknowledgement]
    logged = [decode(record.value).data for record in topic.read(0, 0, 100)[0]]
    assert [data.request_id for data in logged] == ["known", "gone"]
    assert all(data.sealed for data in logged if isinstance(data, RequestData))


def test_with_a_sealer_behind_alone_all_are_sealed(topic: MemoryTopic, tmp_path: Path) -> None:
    kafka = SealingPublisher(MemoryPublisher(topic), Sealer(Keys()))
    with SpoolingPublisher(Spool(tmp_path / "s.db"), kafka) as publisher:
        receipts = publisher.publish_all([generated("a"), failed("b"), deleted("c")])
    assert {type(receipt) for receipt in receipts} == {Acknowledgement}
    logged = [decode(record.value).data for record in topic.read(0, 0, 100)[0]]
    assert [bool(d.sealed) for d in logged if isinstance(d, RequestData)] == [True, True]
