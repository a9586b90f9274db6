"""A publisher whose Kafka, or whose librdkafka, is not as it should be."""

from __future__ import annotations

import time
from typing import Any

import pytest
from confluent_kafka import KafkaError

from consumers.kafka_topics import create_topic
from producers.kafka_producer import refusal
from producers.kafka_publisher import KafkaPublisher, PublisherSettings
from producers.publisher import PublishUnavailable
from schemas.kafka_connection import KafkaConnection
from tests.support.builders import generated

pytestmark = pytest.mark.kafka

SHORT = PublisherSettings(deadline_s=1.5)


def test_a_producer_that_takes_nothing_any_more_is_replaced(kafka_server: str, topic: str) -> None:
    with KafkaPublisher(KafkaConnection(kafka_server), topic) as publisher:
        publisher.publish(generated("before"))
        first: Any = publisher._producer
        # What an idempotent producer says when its numbers and the broker's do not agree.
        first._note(KafkaError(KafkaError._FATAL, "sequence", fatal=True))
        publisher.publish(generated("after"))
        assert publisher._producer is not first
        assert not first._thread.is_alive()
        # Who was about to send by it.
        with pytest.raises(RuntimeError) as caught:
            first.send(topic, b"k", b"v", lambda *_: None)
        assert type(refusal(caught.value, "1")) is PublishUnavailable


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
