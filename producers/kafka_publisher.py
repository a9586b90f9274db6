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

from kafka import KafkaProducer  # type: ignore[import-untyped]  # kafka-python has no type hints
from kafka import errors as kafka_errors
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]  # same
from kafka.partitioner.abc import Partitioner  # type: ignore[import-untyped]  # same
from kafka.structs import TopicPartition  # type: ignore[import-untyped]  # same

from producers.kafka_appending import Appender
from producers.outstanding import Delivery, GroupDelivery, Outstanding
from producers.pacing import pace
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
from schemas.codec import HEADERS, encode, key_of
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.kafka_connection import KafkaConnection
from schemas.limits import MAX_VALUE_BYTES
from schemas.partitioning import home_partition

_HEADERS = list(HEADERS)
_GRACE_S = 0.5
"""So much later than the client itself, a delivery that it has forgotten is given up."""

_NEVER = (
    kafka_errors.AuthorizationError,
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.InvalidTopicError,
    kafka_errors.InvalidRecordError,
    kafka_errors.InvalidTimestampError,
    kafka_errors.PolicyViolationError,
    kafka_errors.UnsupportedCompressionTypeError,
    kafka_errors.UnsupportedVersionError,
)


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """How events are sent."""

    deadline_s: float = 10.0
    """After this time an event is acknowledged, or has failed."""
    max_outstanding: int = 10_000
    max_outstanding_bytes: int = 64 * 2**20
    max_pause_ms: int = 8
    """The longest pause between two requests when there are many events; see producers.pacing."""
    batch_bytes: int = 256 * 1024
    compression: str = "zstd"


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
        self._producer: Any = None
        self._partitions: list[Any] = []
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
        producer = self._producer or self._connect(due)
        delivery = Delivery(event.data.request_id, event.id, len(value))
        self._outstanding.admit(delivery, due + _GRACE_S)
        try:
            sent = producer.send(self._topic, key=key, value=value, headers=_HEADERS)
        except BaseException as exc:
            self._outstanding.settle(delivery)
            raise self._not_sent(exc) from exc
        sent.add_callback(partial(self._answered, delivery))
        sent.add_errback(partial(self._failed, delivery))
        return delivery

    def publish_many(self, events: Sequence[Prepared], answered: Answered) -> None:
        if not events:
            return
        due = time.monotonic() + self._settings.deadline_s
        producer = self._producer or self._connect(due)
        group = GroupDelivery(events, answered)
        self._outstanding.admit(group, due + _GRACE_S)
        try:
            appender = self._appender(producer)
        except BaseException as exc:
            self._outstanding.settle(group)
            raise self._not_sent(exc) from exc
        for index, event in enumerate(events):
            try:
                sent = appender.append(event.request_id.encode(), event.value)
            except Exception as exc:  # noqa: BLE001  # of this one; the next may go
                self._group_failed(group, index, exc)
                continue
            sent.add_callback(partial(self._group_answered, group, index))
            sent.add_errback(partial(self._group_failed, group, index))

    def flush(self, timeout_s: float) -> None:
        if not self._outstanding.wait_until_empty(timeout_s):
            raise PublishTimeout(f"some events were not acknowledged within {timeout_s:g} s")

    def close(self, timeout_s: float = 5.0) -> None:
        """Takes at most two seconds longer than ``timeout_s``."""
        with self._connecting:
            self._closed = True
            producer, self._producer = self._producer, None
        if producer is None:
            return
        self._outstanding.wait_until_empty(timeout_s)
        _end(producer)
        self._outstanding.fail_all("the publisher was closed before the event was acknowledged")

    def __enter__(self) -> KafkaPublisher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self, due: float) -> Any:
        """The producer, opened by the first who needs it. Raises PublishError."""
        if not self._connecting.acquire(timeout=max(0.0, due - time.monotonic())):
            raise self._unreachable()
        try:
            if self._closed:
                raise PublisherClosed("the publisher is closed")
            if self._producer is None:
                self._producer = self._open(max(0.0, due - time.monotonic()))
            return self._producer
        finally:
            self._connecting.release()

    def _open(self, timeout_s: float) -> Any:
        opened: list[Any] = []

        def open_client(**arguments: Any) -> Any:
            opened.append(KafkaNetClient(**arguments))
            return opened[0]

        try:
            producer = KafkaProducer(
                kafka_client=open_client,
                bootstrap_timeout_ms=round(timeout_s * 1000),
                **self._connection.client_arguments(),
                **_producer_arguments(self._settings),
            )
        except BaseException as exc:
            # A constructor that fails leaves its sockets open.
            for client in opened:
                client.close()
            if isinstance(exc, kafka_errors.RetriableError):
                raise self._unreachable() from exc
            raise self._not_sent(exc) from exc
        pace(producer, self._settings.max_pause_ms / 1000)
        return producer

    def _answered(self, delivery: Delivery, metadata: Any) -> None:
        """On the producer's thread."""
        self._outstanding.settle(delivery)
        if metadata.offset < 0:
            delivery.fail(_placeless())
        else:
            delivery.acknowledge(metadata.partition, metadata.offset)

    def _failed(self, delivery: Delivery, error: BaseException) -> None:
        """On the producer's thread."""
        self._outstanding.settle(delivery)
        delivery.fail(_as_publish_error(error, delivery.event_id))

    def _appender(self, producer: Any) -> Appender:
        """Waits until it is known which partitions there are. Raises what ``send`` raises."""
        if producer._closed:
            raise kafka_errors.IllegalStateError("closed")
        count = len(producer.partitions_for(self._topic))
        if len(self._partitions) != count:
            self._partitions = [TopicPartition(self._topic, number) for number in range(count)]
        return Appender(producer, self._partitions, _HEADERS)

    def _group_answered(self, group: GroupDelivery, index: int, metadata: Any) -> None:
        """On the producer's thread. Of a group's last the place is free before it is told."""
        if group.leave():
            self._outstanding.settle(group)
        if metadata.offset < 0:
            group.fail_one(index, _placeless())
        else:
            group.acknowledge(index, metadata.partition, metadata.offset)

    def _group_failed(self, group: GroupDelivery, index: int, error: BaseException) -> None:
        """On the producer's thread, or on the one that sends."""
        if group.leave():
            self._outstanding.settle(group)
        group.fail_one(index, _as_publish_error(error, group.event_id(index)))

    def _not_sent(self, error: BaseException) -> BaseException:
        """For what the client says before it has taken the event."""
        if isinstance(error, kafka_errors.KafkaTimeoutError):
            return PublishUnavailable(
                f"no broker at {', '.join(self._connection.servers)} told where topic"
                f" {self._topic} is, within {self._settings.deadline_s:g} s; does it exist?"
            )
        if isinstance(error, kafka_errors.IllegalStateError):
            return PublisherClosed("the publisher is closed")
        if isinstance(error, kafka_errors.KafkaError):
            return _as_publish_error(error, None)
        return error

    def _unreachable(self) -> PublishUnavailable:
        servers, deadline_s = ", ".join(self._connection.servers), self._settings.deadline_s
        return PublishUnavailable(f"no Kafka broker answered at {servers} within {deadline_s:g} s")


class _HomePartitioner(Partitioner):  # type: ignore[misc]  # no type hints
    """As the default one, at a third of its cost."""

    def partition(self, *arguments: Any) -> int:
        topic, _, key, _, _, cluster = arguments
        return home_partition(key, len(cluster.partitions_for_topic(topic)))


def _producer_arguments(settings: PublisherSettings) -> dict[str, Any]:
    deadline_ms = round(settings.deadline_s * 1000)
    return {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": settings.compression,
        "batch_size": settings.batch_bytes,
        "max_request_size": MAX_VALUE_BYTES + 65_536,
        "max_block_ms": deadline_ms,
        "delivery_timeout_ms": deadline_ms,
        # At least one more try has to fit into the deadline.
        "request_timeout_ms": min(6_000, deadline_ms // 2),
        "reconnect_backoff_max_ms": 1_000,
        "metadata_max_age_ms": 30_000,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        "partitioner": _HomePartitioner(),
    }


def _placeless() -> PublishTimeout:
    """The broker knows the event from an earlier try, but no longer where it stands."""
    return PublishTimeout("acknowledged without telling the place")


def _as_publish_error(error: BaseException, event_id: str | None) -> PublishError:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    event = f"event {event_id}: " if event_id else ""
    if isinstance(
        error, kafka_errors.MessageSizeTooLargeError | kafka_errors.RecordListTooLargeError
    ):
        return PublishRefused(
            f"{event}larger than the topic takes; raise its max.message.bytes or send less"
        )
    if isinstance(error, _NEVER):
        return PublishRefused(f"{event}Kafka refuses it: {reason}")
    # The rest may have been written before it went wrong.
    return PublishTimeout(f"{event}{reason}")


def _end(producer: Any) -> None:
    """Close the producer, whatever is left in it.

    Its own close waits for what is outstanding and, when that does not come, raises and leaves the
    sender running; there is no public way to make it give up.
    """
    producer._sender.force_close()
    try:
        producer.close(timeout=1)
    except kafka_errors.KafkaError:
        # The sender hangs in a request and ends by itself when that times out.
        # Its destructor must not try again, and raise.
        producer._closed = True
