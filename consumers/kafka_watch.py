"""Whether a topic is still the one that it was, of the same id (KIP-516).

librdkafka reads on in a new topic of the same name. kafka-python's fetches name the topic by its
id, so the broker answers one that is under way as soon as the topic is deleted. Such a fetch is
kept up for one partition; what it brings, now and then, is not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import suppress

from consumers.kafka_client import Consumer, TopicPartition
from consumers.kafka_topics import must_be_same
from consumers.kafka_topics import topic_id as ask_topic_id
from consumers.log import LogUnavailable, TopicMissing
from schemas.kafka_connection import KafkaConnection

_DOUBT_S = 1.0
"""So long is waited for metadata that are asked for."""


class TopicWatch:
    """Watches one topic, for whoever holds the kafka-python consumer that is passed in.

    ``topic_id``: what its id has to be; None takes any. ``missing_after_s``: so long may the topic
    be absent from the cluster's metadata.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        topic_id: str | None,
        missing_after_s: float,
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._topic_id = topic_id
        self._missing_after_s = missing_after_s
        self._seen_at = time.monotonic()
        self._partition: int | None = None

    def begin(self) -> None:
        """There is a new consumer."""
        self._seen_at = time.monotonic()
        self._partition = None

    def aimed(self, numbers: Collection[int]) -> bool:
        """Whether one of these partitions is watched."""
        return self._partition in numbers

    def aim(self, consumer: Consumer, positions: Mapping[int, int], held: Collection[int]) -> None:
        """Watch one of these partitions from its offset on; of those ``held`` no other."""
        self._partition = min(positions, default=None)
        if self._partition is not None:
            others = [TopicPartition(self._topic, n) for n in held if n != self._partition]
            place = TopicPartition(self._topic, self._partition)
            consumer.kafka.pause(*others)
            consumer.kafka.seek(place, positions[self._partition])
            consumer.kafka.resume(place)
            # By which the fetch is sent.
            consumer.tend(0)

    def holds(self, consumer: Consumer) -> bool:
        """Whether nothing that was heard speaks against the topic's being the one that it was.

        Waits for metadata that are asked for. Raises TopicMissing, OffsetOutOfRange.
        """
        deadline = time.monotonic() + _DOUBT_S
        while consumer.unsure() and time.monotonic() < deadline:
            consumer.tend(10)
        return self.known(consumer) and not consumer.unsure()

    def known(self, consumer: Consumer) -> bool:
        """Whether the cluster's metadata has the topic. Raises TopicMissing, OffsetOutOfRange."""
        now, topic = time.monotonic(), self._topic
        if consumer.cluster.partitions_for_topic(topic) is None:
            if now - self._seen_at > self._missing_after_s:
                raise TopicMissing(f"topic {topic} does not exist")
            return False
        self._seen_at = now
        self._compare(str(consumer.cluster.topic_id(topic)))
        return True

    def ask(self) -> None:
        """Ask for the id: a fetch may tell of a recreation before the metadata does.

        Raises OffsetOutOfRange.
        """
        with suppress(LogUnavailable, TopicMissing):
            self._compare(ask_topic_id(self._connection, self._topic))

    def _compare(self, topic_id: str) -> None:
        if self._topic_id is not None:
            must_be_same(self._topic, topic_id, self._topic_id)
