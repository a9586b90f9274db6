"""The two logs that one contract binds: Kafka, and the one in memory that stands in for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol

from kafka import (  # type: ignore[import-untyped]  # kafka-python has no type hints
    KafkaAdminClient,
    KafkaProducer,
    TopicPartition,
)

from consumers.kafka_log import (
    GroupSettings,
    KafkaGroupLog,
    KafkaLogReader,
    add_partitions,
    create_topic,
    topic_id,
)
from consumers.log import GroupLog, LogReader
from producers.kafka_publisher import KafkaPublisher, PublisherSettings
from producers.publisher import Publisher, PublishError
from schemas.kafka_connection import KafkaConnection
from tests.plugins.own_broker import OwnBroker
from tests.support.builders import generated
from tests.support.memory_log import MemoryGroup, MemoryGroupLog, MemoryLogReader, MemoryTopic
from tests.support.memory_publisher import MemoryPublisher
from tests.support.topics import recreate
from tests.support.waiting import eventually

Headers = tuple[tuple[str, bytes], ...]


class World(Protocol):
    """A topic and what can happen to it."""

    topic: str

    def group_log(self, *, topic_id: str | None = None, topic: str | None = None) -> GroupLog:
        """A new member of the group."""
        ...

    def reader(self, topic: str | None = None) -> LogReader: ...

    def publisher(self) -> Publisher: ...

    def deaf_publisher(self, *, deadline_s: float, max_outstanding: int) -> Publisher:
        """One whose events are never acknowledged."""
        ...

    def append(
        self,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
    ) -> None:
        """Write a record behind the publisher's back."""
        ...

    def append_transaction(self, partition: int, value: bytes, *, commit: bool) -> None:
        """A record and a marker, which is none; an aborted record is none either."""
        ...

    def forget_before(self, partition: int, offset: int) -> None:
        """Retention takes the older records."""
        ...

    def add_partitions(self, total: int) -> None: ...

    def topic_id(self) -> str: ...

    def recreate(self) -> None: ...


class MemoryWorld:
    """The log in memory."""

    def __init__(self) -> None:
        self.log = MemoryTopic(partitions=6)
        self.topic = self.log.name
        self.group = MemoryGroup(self.log)

    def group_log(self, *, topic_id: str | None = None, topic: str | None = None) -> GroupLog:
        group = self.group if topic is None else MemoryGroup(self._absent())
        return MemoryGroupLog(group, topic_id=topic_id)

    def reader(self, topic: str | None = None) -> LogReader:
        return MemoryLogReader(self.log if topic is None else self._absent())

    def publisher(self) -> Publisher:
        return MemoryPublisher(self.log)

    def deaf_publisher(self, *, deadline_s: float, max_outstanding: int) -> Publisher:
        publisher = MemoryPublisher(
            self.log, deadline_s=deadline_s, max_outstanding=max_outstanding
        )
        publisher.withhold()
        return publisher

    def append(
        self, partition: int, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> None:
        self.log.append(key, value, partition=partition, headers=headers)

    def append_transaction(self, partition: int, value: bytes, *, commit: bool) -> None:
        if commit:
            self.log.append(b"k", value, partition=partition)
        else:
            self.log.skip(partition)
        self.log.skip(partition)

    def forget_before(self, partition: int, offset: int) -> None:
        self.log.forget_before(partition, offset)

    def add_partitions(self, total: int) -> None:
        self.log.add_partitions(total)

    def topic_id(self) -> str:
        return self.log.topic_id

    def recreate(self) -> None:
        self.log.recreate()

    def _absent(self) -> MemoryTopic:
        absent = MemoryTopic("absent")
        absent.exists = False
        return absent


class KafkaWorld:
    """A real broker."""

    SETTINGS = GroupSettings(heartbeat_s=0.2, metadata_age_s=0.5, missing_after_s=2)

    def __init__(
        self, bootstrap: str, topic: str, own_broker: Callable[[], OwnBroker], stack: ExitStack
    ) -> None:
        self.connection = KafkaConnection(bootstrap)
        self._own_broker = own_broker
        self.bootstrap = bootstrap
        self.topic = topic
        self._stack = stack
        self._producers: dict[bool, Any] = {}

    def group_log(self, *, topic_id: str | None = None, topic: str | None = None) -> GroupLog:
        log = KafkaGroupLog(
            self.connection,
            topic or self.topic,
            f"group-of-{self.topic}",
            topic_id=topic_id,
            settings=self.SETTINGS,
        )
        self._stack.callback(log.close)
        return log

    def reader(self, topic: str | None = None) -> LogReader:
        reader = KafkaLogReader(self.connection, topic or self.topic)
        self._stack.callback(reader.close)
        return reader

    def publisher(self) -> Publisher:
        return self._closing(KafkaPublisher(self.connection, self.topic))

    def deaf_publisher(self, *, deadline_s: float, max_outstanding: int) -> Publisher:
        broker = self._own_broker()
        create_topic(broker.connection, self.topic, partitions=6)
        settings = PublisherSettings(deadline_s=deadline_s, max_outstanding=max_outstanding)
        publisher = self._closing(KafkaPublisher(broker.connection, self.topic, settings))
        # A broker that has just started may take longer than the deadline under test.
        eventually(partial(_takes, publisher), timeout_s=30, what="an acknowledgement")
        broker.freeze()
        return publisher

    def append(
        self, partition: int, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> None:
        producer = self._producer(transactional=False)
        sent = producer.send(
            self.topic, key=key, value=value, partition=partition, headers=list(headers)
        )
        sent.get(10)

    def append_transaction(self, partition: int, value: bytes, *, commit: bool) -> None:
        producer = self._producer(transactional=True)
        producer.begin_transaction()
        producer.send(self.topic, key=b"k", value=value, partition=partition)
        producer.flush(10)
        if commit:
            producer.commit_transaction()
        else:
            producer.abort_transaction()

    def forget_before(self, partition: int, offset: int) -> None:
        place = TopicPartition(self.topic, partition)
        self._admin(lambda admin: admin.delete_records({place: offset}))

    def add_partitions(self, total: int) -> None:
        add_partitions(self.connection, self.topic, total)

    def topic_id(self) -> str:
        return topic_id(self.connection, self.topic)

    def recreate(self) -> None:
        recreate(self.connection, self.topic, partitions=6)

    def _producer(self, *, transactional: bool) -> Any:
        if transactional not in self._producers:
            name = f"tx-{self.topic}" if transactional else None
            producer = KafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=name)
            self._stack.callback(producer.close, 5)
            if transactional:
                producer.init_transactions()
            self._producers[transactional] = producer
        return self._producers[transactional]

    def _closing(self, publisher: KafkaPublisher) -> KafkaPublisher:
        self._stack.callback(publisher.close, 0.1)
        return publisher

    def _admin(self, call: Callable[[Any], object]) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            call(admin)
        finally:
            admin.close()


def _takes(publisher: Publisher) -> bool:
    try:
        publisher.publish(generated("before the broker hangs"))
    except PublishError:
        return False
    return True
