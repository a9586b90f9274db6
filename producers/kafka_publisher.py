"""Publishing to Kafka: acks from all in-sync replicas, idempotent, bounded, every answer heeded."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

from producers.kafka_producer import KafkaProducer, outcome, refusal
from producers.nagle import Outgoing
from producers.outstanding import Delivery, GroupDelivery, Outstanding
from producers.publisher import (
    Acknowledgement,
    Answered,
    Prepared,
    PublisherClosed,
    PublishError,
    PublishRefused,
    PublishTimeout,
    PublishUnavailable,
)
from schemas.codec import encode, key_of
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.kafka_connection import KafkaConnection
from schemas.limits import MAX_VALUE_BYTES

_GRACE_S = 0.5
"""So much later than the client itself, a delivery that it has forgotten is given up."""


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """How events are sent."""

    deadline_s: float = 10.0
    """After this time an event is acknowledged, or has failed."""
    max_outstanding: int = 10_000
    max_outstanding_bytes: int = 64 * 2**20


class KafkaPublisher:
    """Publisher on a Kafka topic. Connects when it is first used."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        settings: PublisherSettings = PublisherSettings(),
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._settings = settings
        self._outstanding = Outstanding(settings.max_outstanding, settings.max_outstanding_bytes)
        self._producer: KafkaProducer | None = None
        self._connecting = threading.Lock()
        self._closed = False

    def publish(self, event: Event) -> Acknowledgement:
        return self.publish_async(event).result()

    def publish_async(self, event: Event) -> Future[Acknowledgement]:
        try:
            key, value = key_of(event), encode(event)
        except InvalidEvent as exc:
            raise PublishRefused(f"event {event.id}: {exc.message}") from exc
        if len(value) > MAX_VALUE_BYTES:
            raise PublishRefused(
                f"event {event.id}: {len(value)} bytes, limit {MAX_VALUE_BYTES}; send less metadata"
            )
        due = time.monotonic() + self._settings.deadline_s
        producer = self._connected(due)
        delivery = Delivery(event.data.request_id, event.id, len(value))
        self._outstanding.admit(delivery, due + _GRACE_S)
        try:
            producer.send(self._topic, key, value, partial(self._answered, delivery))
        except BaseException as exc:
            self._outstanding.settle(delivery)
            if isinstance(exc, Exception):
                raise self._not_taken(exc, event.id) from exc
            raise
        return delivery

    def publish_many(self, events: Sequence[Prepared], answered: Answered) -> None:
        if not events:
            return
        due = time.monotonic() + self._settings.deadline_s
        producer = self._connected(due)
        group = GroupDelivery(events, answered)
        self._outstanding.admit(group, due + _GRACE_S)
        topic, told = self._topic, partial(partial, self._group_answered, group)
        try:
            producer.send_all(
                [
                    Outgoing(topic, event.request_id.encode(), event.value, told(index))
                    for index, event in enumerate(events)
                ]
            )
        except Exception as exc:  # noqa: BLE001  # told of each
            for index, event in enumerate(events):
                self._leave(group)
                group.fail_one(index, self._not_taken(exc, event.event_id))

    def flush(self, timeout_s: float) -> None:
        if not self._outstanding.wait_until_empty(timeout_s):
            raise PublishTimeout(f"some events were not acknowledged within {timeout_s:g} s")

    def close(self, timeout_s: float = 5.0) -> None:
        """Takes at most two seconds longer than ``timeout_s``."""
        self._closed = True
        if (connecting := self._producer) is not None:
            connecting.leave()
        with self._connecting:
            producer, self._producer = self._producer, None
        if producer is None:
            return
        self._outstanding.wait_until_empty(timeout_s)
        self._outstanding.fail_all("the publisher was closed before the event was acknowledged")
        producer.end()

    def __enter__(self) -> KafkaPublisher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _connected(self, due: float) -> KafkaProducer:
        producer = self._producer
        return producer if producer is not None and producer.ready else self._connect(due)

    def _connect(self, due: float) -> KafkaProducer:
        """The producer, opened by the first who needs it. Raises PublishError."""
        if not self._connecting.acquire(timeout=max(0.0, due - time.monotonic())):
            servers = ", ".join(self._connection.servers)
            raise PublishUnavailable(
                f"no Kafka broker answered at {servers} within {self._settings.deadline_s:g} s"
            )
        try:
            if self._closed:
                raise PublisherClosed("the publisher is closed")
            if self._producer is not None and self._producer.broken:
                # Its end tells of what was under way, to whom may want to publish then.
                threading.Thread(target=self._producer.end, name="kafka end", daemon=True).start()
                self._producer = None
            if self._producer is None:
                self._producer = KafkaProducer(self._connection, self._settings.deadline_s)
            if not self._producer.ready:
                self._producer.find(self._topic, due)
            return self._producer
        finally:
            self._connecting.release()

    def _answered(self, delivery: Delivery, error: Any, message: Any) -> None:
        """On the producer's thread."""
        self._outstanding.settle(delivery)
        found = outcome(error, message, delivery.event_id)
        if isinstance(found, PublishError):
            delivery.fail(found)
        else:
            delivery.acknowledge(*found)

    def _group_answered(self, group: GroupDelivery, index: int, error: Any, message: Any) -> None:
        """On the producer's thread."""
        self._leave(group)
        found = outcome(error, message, group.event_id(index))
        if isinstance(found, PublishError):
            group.fail_one(index, found)
        else:
            group.acknowledge(index, *found)

    def _leave(self, group: GroupDelivery) -> None:
        """Of a group's last the place is free before it is told."""
        if group.leave():
            self._outstanding.settle(group)

    def _not_taken(self, error: Exception, event_id: str) -> PublishError:
        """What the producer says before it has taken the event."""
        if self._closed:
            return PublisherClosed("the publisher is closed")
        return refusal(error, event_id)
