"""A publisher whose Kafka, or whose librdkafka, is not as it should be."""

from __future__ import annotations

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from consumers.kafka_topics import create_topic
from producers.kafka_producer import KafkaProducer, outcome, refusal
from producers.kafka_publisher import KafkaPublisher, PublisherSettings
from producers.nagle import Outgoing
from producers.publisher import PublishUnavailable, TooManyOutstanding
from schemas.kafka_connection import KafkaConnection
from tests.support.builders import generated
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

PURGED = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}
SHORT = PublisherSettings(deadline_s=1.5)


def fail_for_good(producer: Producer) -> None:
    """As when the sequence numbers of an idempotent producer and its broker do not agree."""
    packages = Path(confluent_kafka.__file__).parent.parent
    (library,) = packages.glob("confluent_kafka.libs/librdkafka*")
    # The first that an object of the extension has is its handle in the library (rd_kafka_t).
    handle = ctypes.c_void_p.from_address(id(producer) + object.__basicsize__)
    code = KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER
    ctypes.CDLL(str(library)).rd_kafka_test_fatal_error(handle, code, b"made by a test")


def test_a_producer_that_takes_nothing_any_more_is_replaced(kafka_server: str, topic: str) -> None:
    with KafkaPublisher(KafkaConnection(kafka_server), topic) as publisher:
        publisher.publish(generated("before"))
        first: Any = publisher._producer
        fail_for_good(first._producer)
        eventually(lambda: first.broken)
        publisher.publish(generated("after"))
        assert publisher._producer is not first
        eventually(lambda: not first._thread.is_alive())
        # Who was about to send by it.
        with pytest.raises(RuntimeError) as caught:
            first.send(topic, b"k", b"v", lambda *_: None)
        assert type(refusal(caught.value, "1")) is PublishUnavailable


def test_of_a_producer_that_fails_everybody_is_told(kafka_server: str, topic: str) -> None:
    producer = KafkaProducer(KafkaConnection(kafka_server), 5)
    producer.find(topic, time.monotonic() + 10)
    taken, told = 0, list[Any]()
    for number in range(2_000):
        if number == 1_000:
            fail_for_good(producer._producer)
        # Who is alone is told at once, the others when it is their turn.
        with suppress(KafkaException):
            producer.send(topic, b"k", b"v", lambda *answer: told.append(answer))
            taken += 1
    eventually(lambda: len(told) == taken)
    assert {error.code() for error, _ in told if error} <= {KafkaError._FATAL, *PURGED}
    assert producer.broken
    producer.end()
    assert len(told) == taken


def test_who_waited_is_told_as_who_did_not_that_the_library_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    producer = KafkaProducer(KafkaConnection("127.0.0.1:9"), 30)
    told: list[Any] = []

    def full(_: Outgoing) -> None:
        raise BufferError("Local: Queue full")

    producer.send("topic", b"k", b"v", lambda *_: None)
    monkeypatch.setattr(producer._nagle, "_produce", full)
    producer.send("topic", b"k", b"v", lambda *answer: told.append(answer))
    eventually(lambda: told)
    ((error, message),) = told
    found = outcome(error, message, "1")
    assert type(found) is type(refusal(BufferError(), "1")) is TooManyOutstanding
    producer.end()


def test_of_a_producer_that_ends_everybody_is_told_once() -> None:
    producer = KafkaProducer(KafkaConnection("127.0.0.1:9"), 30)
    told: list[KafkaError] = []

    def send() -> int:
        for number in count():
            try:
                producer.send("topic", b"k", b"v", lambda error, _: told.append(error))
            except RuntimeError:
                return number
        raise AssertionError

    with ThreadPoolExecutor(2) as pool:
        sending = [pool.submit(send) for _ in range(2)]
        eventually(lambda: producer._nagle._left > 100)
        producer.end()
        taken = sum(one.result(10) for one in sending)
    assert len(told) == taken
    assert {error.code() for error in told} <= PURGED


def test_a_topic_that_is_missing_is_told_in_time(kafka_server: str, topic: str) -> None:
    began = time.monotonic()
    with (
        KafkaPublisher(KafkaConnection(kafka_server), f"{topic}-not", SHORT) as publisher,
        pytest.raises(PublishUnavailable, match=f"{topic}-not is within .* does it exist"),
    ):
        publisher.publish(generated())
    assert time.monotonic() - began < 4


def test_a_topic_that_is_made_late_is_found(kafka_server: str, topic: str) -> None:
    connection, late = KafkaConnection(kafka_server), f"{topic}-late"
    with KafkaPublisher(connection, late, SHORT) as publisher:
        with pytest.raises(PublishUnavailable):
            publisher.publish(generated())
        create_topic(connection, late, partitions=3)
        assert publisher.publish(generated()).offset == 0


def test_a_server_that_is_not_there_is_told_in_time() -> None:
    began = time.monotonic()
    with (
        KafkaPublisher(KafkaConnection("127.0.0.1:9"), "topic", SHORT) as publisher,
        pytest.raises(PublishUnavailable, match=r"no Kafka broker answered at 127\.0\.0\.1:9"),
    ):
        publisher.publish(generated())
    assert time.monotonic() - began < 4


def test_a_file_that_is_not_there_is_told_in_a_line() -> None:
    connection = KafkaConnection("127.0.0.1:9", "SSL", tls_ca_file="/nowhere/ca.pem")
    with (
        KafkaPublisher(connection, "topic", SHORT) as publisher,
        pytest.raises(PublishUnavailable, match=r"Kafka's settings: .*ssl.ca.location"),
    ):
        publisher.publish(generated())


def test_closing_waits_for_nobody_who_looks_for_a_broker() -> None:
    patient = PublisherSettings(deadline_s=30)
    publisher = KafkaPublisher(KafkaConnection("127.0.0.1:9"), "topic", patient)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(publisher.publish, generated())
        eventually(lambda: publisher._producer is not None)
        began = time.monotonic()
        publisher.close(0.1)
        assert time.monotonic() - began < 10
        with pytest.raises(PublishUnavailable):
            waiting.result(10)
