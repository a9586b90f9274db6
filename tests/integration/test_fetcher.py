"""What librdkafka does otherwise than one would like, and what is made of it, on a real broker."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Message
from kafka import KafkaProducer  # type: ignore[import-untyped]  # no type hints

from consumers.kafka_fetcher import Fetcher
from consumers.kafka_log import KafkaGroupLog
from consumers.kafka_reader import KafkaLogReader
from consumers.kafka_topics import create_topic
from consumers.log import LogError, LogUnavailable, OffsetOutOfRange
from producers.kafka_publisher import KafkaPublisher
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record
from tests.contract.members import poll_until_assigned
from tests.plugins.own_broker import OwnBroker
from tests.support.builders import generated
from tests.support.fetching import Commanded
from tests.support.topics import recreate, spread
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

SIZE = 2**16


def fill(connection: KafkaConnection, topic: str, count: int) -> None:
    """So many batches of one record, in one partition."""
    create_topic(connection, topic, partitions=1)
    with KafkaPublisher(connection, topic) as publisher:
        for number in range(count):
            publisher.publish(generated(f"req-{number}"))


def read(
    fetcher: Fetcher, until: int, found: list[Record], *, patient: bool = False
) -> list[Record]:
    """Add all records to ``found``, up to this position or, if not ``patient``, an error."""

    def there() -> bool:
        with suppress(LogUnavailable) if patient else nullcontext():
            found.extend(fetcher.poll(0.2, 100))
        return fetcher.positions()[0] >= until

    eventually(there, timeout_s=20, what=f"position {until}")
    return found


def damage(home: Path, topic: str, number: int) -> None:
    """Change a bit of a batch that the broker has on its disk; and back, the second time.

    Kafka's documentation, "Record Batch": an offset, the length of what follows it, 49 bytes of
    head, the records.
    """
    (segment,) = home.rglob(f"{topic}-0/*.log")
    content, at = bytearray(segment.read_bytes()), 0
    for _ in range(number):
        at += 12 + int.from_bytes(content[at + 8 : at + 12])
    content[at + 61] ^= 1
    segment.write_bytes(content)


def test_what_is_damaged_is_not_passed_over(own_broker: OwnBroker, topic: str) -> None:
    """The library goes on behind a batch whose checksum is wrong."""
    fill(own_broker.connection, topic, 3)
    own_broker.stop()
    damage(own_broker.home, topic, 1)
    own_broker.restart()
    fetcher, found = Fetcher(own_broker.connection, topic, SIZE), list[Record]()
    fetcher.start({0: 0})

    for number in range(100):
        # Not for anything to happen: at another moment of what the library goes on with meanwhile.
        time.sleep(number / 10_000)
        with pytest.raises(LogUnavailable, match="CRC"):
            read(fetcher, 3, found)
        assert [record.offset for record in found] == [0]
        assert fetcher.positions() == {0: 1}

    own_broker.stop()
    damage(own_broker.home, topic, 1)
    own_broker.restart()
    assert [record.offset for record in read(fetcher, 3, found, patient=True)] == [0, 1, 2]
    fetcher.close()


def out_of_range(at: int) -> Message:
    """As the library tells it among records."""
    error = KafkaError(KafkaError._AUTO_OFFSET_RESET, "out of range")
    return Message(topic="omega", partition=0, offset=at, error=error)


def test_what_the_library_asked_for_by_mistake_is_not_out_of_range() -> None:
    """Now and then seen behind a damaged batch: see the test above."""
    fetcher = Fetcher(KafkaConnection("127.0.0.1:1"), "omega", SIZE)
    fetcher.start({0: 5})
    assert fetcher._records([out_of_range(2**60)]) == []
    assert fetcher.poll(0, 10) == []
    fetcher._records([out_of_range(5)])
    with pytest.raises(OffsetOutOfRange, match="out of range"):
        fetcher.poll(0, 10)
    assert fetcher.positions() == {0: 5}
    fetcher.close()


def that_has_read_one(connection: KafkaConnection, topic: str) -> Fetcher:
    """And knows how the brokers are."""
    fill(connection, topic, 1)
    fetcher = Fetcher(connection, topic, SIZE, watch=True)
    fetcher.start({0: 0})
    assert len(read(fetcher, 1, [])) == 1
    return fetcher


def test_a_silent_broker_is_noticed_and_one_that_answers_again(
    own_broker: OwnBroker, topic: str
) -> None:
    fetcher = that_has_read_one(own_broker.connection, topic)

    def connected() -> bool:
        fetcher.poll(0.1, 10)
        return fetcher.connected()

    eventually(connected, timeout_s=5)
    own_broker.freeze()
    # Usually after 7 to 8 s.
    eventually(lambda: not connected(), timeout_s=30, what="the silence")
    own_broker.thaw()
    eventually(connected, timeout_s=20, what="an answer")
    own_broker.freeze()
    began = time.monotonic()
    fetcher.close()
    assert time.monotonic() - began < 5


def test_while_nothing_is_read_it_is_noticed_that_the_broker_goes_and_comes(
    own_broker: OwnBroker, topic: str
) -> None:
    fetcher = that_has_read_one(own_broker.connection, topic)
    fetcher.pause()

    def connected() -> bool:
        fetcher.serve()
        return fetcher.connected()

    eventually(connected, timeout_s=5)
    own_broker.kill()
    eventually(lambda: not connected(), timeout_s=10, what="its end")
    own_broker.restart()
    eventually(connected, timeout_s=20, what="its return")
    fetcher.close()


def test_what_is_stopped_returns_nothing_more(kafka_server: str, topic: str) -> None:
    connection = KafkaConnection(kafka_server)
    spread(connection, topic, 100)
    fetcher = Fetcher(connection, topic, SIZE)
    fetcher.start(dict.fromkeys(range(6), 0))
    eventually(lambda: fetcher.poll(0.1, 1))
    fetcher.stop([0, 1, 2])
    later: list[Record] = []

    def all_of_the_others() -> bool:
        later.extend(fetcher.poll(0.1, 100))
        ends = fetcher.ends()
        return len(ends) == 3 and fetcher.positions() == ends

    eventually(all_of_the_others, timeout_s=10)
    assert {record.partition for record in later} <= {3, 4, 5}
    fetcher.close()
    fetcher.close()


def test_a_lone_record_waits_at_the_broker_where_records_gather(
    kafka_server: str, topic: str
) -> None:
    connection = KafkaConnection(kafka_server)
    fetcher = Fetcher(connection, topic, SIZE, pace=Commanded(0.2))
    fetcher.start(dict.fromkeys(range(6), 0))
    fetcher.poll(0, 1)
    with KafkaPublisher(connection, topic) as publisher:
        began = time.monotonic()
        for number in range(6):
            publisher.publish(generated(f"req-{number}"))
            eventually(lambda: fetcher.poll(1, 1))
        # But for the first, each comes when a fetch has just been answered.
        assert time.monotonic() - began >= 5 * 0.2 * 0.8
    fetcher.close()


def test_a_paused_fetcher_reads_nothing_whatever_its_pace(kafka_server: str, topic: str) -> None:
    connection, pace = KafkaConnection(kafka_server), Commanded()
    ends = spread(connection, topic, 10)
    fetcher = Fetcher(connection, topic, SIZE, pace=pace)
    fetcher.start(dict.fromkeys(ends, 0))
    eventually(lambda: fetcher.poll(0.1, 1))
    fetcher.pause()
    pace.wait_s = 0.1
    assert fetcher.poll(0, 1) == []
    assert fetcher.poll(0.5, 10) == []
    fetcher.resume()
    found: list[Record] = []
    gather(found, lambda: fetcher.poll(0.1, 10), 9)
    assert len(found) == 9
    assert fetcher.positions() == ends
    fetcher.close()


def test_settings_that_can_no_longer_be_used_leave_the_fetcher_as_it_is(
    kafka_server: str,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As when a file of certificates is being exchanged while the way of fetching changes."""
    connection, pace = KafkaConnection(kafka_server), Commanded()
    ends = spread(connection, topic, 10)
    fetcher, found = Fetcher(connection, topic, SIZE, pace=pace), list[Record]()
    fetcher.start(dict.fromkeys(ends, 0))
    eventually(lambda: fetcher.poll(0.1, 1))

    def refused(*_: object, **__: object) -> None:
        raise KafkaException(KafkaError(KafkaError._INVALID_ARG, "ssl.ca.location failed"))

    pace.wait_s = 0.1
    with monkeypatch.context() as patch:
        patch.setattr("consumers.kafka_fetcher.Consumer", refused)
        gather(found, lambda: fetcher.poll(0.1, 1), 5)
    assert caplog.text.count("fetching as before: Kafka's settings: ssl.ca.location failed") == 1
    gather(found, lambda: fetcher.poll(0.1, 10), 9)
    assert fetcher.positions() == ends
    fetcher.close()


def gather(found: list[Record], poll: Callable[[], Sequence[Record]], count: int) -> None:
    """Poll until there are so many."""

    def there() -> bool:
        found.extend(poll())
        return len(found) >= count

    eventually(there, timeout_s=10, what=f"{count} records")


class NoText(str):
    """A header's name as other clients may write it."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"\xff\xfe"


def test_a_header_whose_name_is_no_text_stops_nobody(kafka_server: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka_server)
    for headers in ([(NoText("name"), b"value")], []):
        producer.send(topic, b"value", b"key", headers, partition=0).get(10)
    producer.close(5)
    log = KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}")
    poll_until_assigned(log)
    log.start({0: 0})
    found: list[Record] = []
    gather(found, lambda: log.poll(0.1, 10), 2)
    consumer: Any = log._consumer

    def fetched() -> bool:
        # Again, where the connection was not there yet.
        log._watch.aim(consumer, {0: 0}, set(range(6)))
        with suppress(AssertionError):
            eventually(consumer.heard, timeout_s=2)
            return True
        return False

    eventually(fetched, timeout_s=30, what="what watches the topic, and has fetched it, too")
    assert log.poll(0.3, 10) == []
    assert not consumer.heard()
    assert log.positions() == {0: 2}
    log.close()


def test_what_was_given_on_is_kept_by_nobody(kafka_server: str, topic: str) -> None:
    """kafka-python keeps errors that it has dealt with, and in them the frames of its callers."""
    connection = KafkaConnection(kafka_server)
    spread(connection, topic, 6_000)
    log = KafkaGroupLog(connection, topic, f"g-{topic}")
    poll_until_assigned(log)
    log.start(dict.fromkeys(range(6), 0))
    gc.collect()
    gc.disable()
    try:
        read = 0

        def all_read() -> bool:
            nonlocal read
            # Often enough for many a look at the membership.
            read += len(log.poll(0.1, 20))
            return read == 6_000

        eventually(all_read, timeout_s=60, what="all records")
        kept = sum(type(one) is Record and one.topic == topic for one in gc.get_objects())
    finally:
        gc.enable()
    assert kept < 200
    log.close()


def test_what_is_paused_is_given_up_and_read_again(kafka_server: str, topic: str) -> None:
    connection = KafkaConnection(kafka_server)
    spread(connection, topic, 100)
    fetcher = Fetcher(connection, topic, SIZE)
    fetcher.start(dict.fromkeys(range(6), 0))
    found: list[Record] = []
    for _ in range(3):
        gather(found, lambda: fetcher.poll(0.1, 7), len(found) + 1)
        at = fetcher.positions()
        fetcher.pause()
        fetcher.serve()
        assert fetcher.poll(0.3, 100) == []
        assert fetcher.positions() == at
        fetcher.resume()
    gather(found, lambda: fetcher.poll(0.1, 100), 100)
    assert len({(record.partition, record.offset) for record in found}) == len(found) == 100
    fetcher.close()


def test_a_file_that_is_not_there_is_told_in_a_line() -> None:
    connection = KafkaConnection("127.0.0.1:9", "SSL", tls_ca_file="/nowhere/ca.pem")
    with pytest.raises(LogError, match=r"Kafka's settings: .*ssl.ca.location"):
        Fetcher(connection, "topic", SIZE)


def test_a_topic_that_is_made_again_while_it_is_read_is_an_error(
    kafka_server: str, topic: str
) -> None:
    connection, name = KafkaConnection(kafka_server), f"{topic}-again"
    fill(connection, name, 10)
    reader = KafkaLogReader(connection, name)
    batches = reader.read({0: 0}, {0: 10}, 5)
    assert len(next(batches)) <= 5
    recreate(connection, name, partitions=1)
    with KafkaPublisher(connection, name) as publisher:
        for number in range(10):
            publisher.publish(generated(f"new-{number}"))
    with pytest.raises(OffsetOutOfRange, match="recreated"):
        list(batches)
    reader.close()
