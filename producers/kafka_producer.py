"""librdkafka's producer: how it is set, the thread that it calls back on, and its errors in ours.

The library batches, compresses, sends, tries again and keeps the order on threads of its own, which
do not need the interpreter. Its settings are told in its CONFIGURATION.md.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producers.nagle import Nagle, Outgoing
from producers.publisher import (
    PublishError,
    PublishRefused,
    PublishTimeout,
    PublishUnavailable,
    TooManyOutstanding,
)
from schemas.codec import HEADERS
from schemas.kafka_connection import KafkaConnection
from schemas.limits import MAX_VALUE_BYTES

_logger = logging.getLogger("kafka.producer")

_HEADERS: list[tuple[str, str | bytes | None]] = list(HEADERS)
_POLL_S = 0.1
"""The longest time that the thread takes to notice the end, or that something waits."""
_ASK_AGAIN_S = 0.2
_NOT_TOLD = "what was told of an answer failed"
_PURGE_S = 1.0

_TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
_NEVER = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.POLICY_VIOLATION,
    KafkaError.UNSUPPORTED_COMPRESSION_TYPE,
    KafkaError.UNSUPPORTED_VERSION,
)


class KafkaProducer:
    """An open producer. All threads may use it; ``end`` must be called.

    ``deadline_s``: after this time a record is acknowledged, or has failed, in seconds.

    Raises PublishUnavailable for settings that cannot be used, as a file that is not there.
    """

    def __init__(self, connection: KafkaConnection, deadline_s: float) -> None:
        self._servers = ", ".join(connection.servers)
        self._refusal = self._fault = ""
        self._found = False
        self.broken = False
        """Whether it takes nothing any more, and another has to take its place."""
        arguments = connection.librdkafka_settings() | _settings(deadline_s)
        try:
            self._producer = Producer(arguments, error_cb=self._note, logger=_logger)
        except KafkaException as exc:
            raise PublishUnavailable(f"Kafka's settings: {_reason(exc.args[0])}") from exc
        self._nagle = Nagle(self._produce, self._not_taken)
        self._leaving = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="kafka answers", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether it has found its topic, and takes records."""
        return self._found and not self.broken

    def send(
        self, topic: str, key: bytes, value: bytes, answered: Callable[[Any, Any], None]
    ) -> None:
        """Hand a record over; its answer, for ``outcome``, comes on another thread.

        Raises what ``refusal`` understands.
        """
        self._nagle.send(Outgoing(topic, key, value, answered))

    def send_all(self, records: Sequence[Outgoing]) -> None:
        """As ``send``, together. Of a record that is not taken its own answer tells."""
        self._nagle.send_all(records)

    def find(self, topic: str, due: float) -> None:
        """Wait until ``due`` (of time.monotonic) for a broker that knows the topic.

        Raises PublishUnavailable, at once when a broker refuses user or password.
        """
        began, missing, self._refusal = time.monotonic(), False, ""
        while True:
            left = due - time.monotonic()
            try:
                # To ask for one by its name may create it, where brokers do that.
                if topic in self._producer.list_topics(timeout=max(0.01, min(1.0, left))).topics:
                    self._found = True
                    return
                missing = True
            except KafkaException:
                missing = False
            if self._refusal:
                raise PublishUnavailable(f"Kafka refuses access: {self._refusal}")
            if due - time.monotonic() < _ASK_AGAIN_S or self._leaving.wait(_ASK_AGAIN_S):
                break
        within = f"within {time.monotonic() - began:.1f} s"
        if missing:
            raise PublishUnavailable(
                f"no broker at {self._servers} told where topic {topic} is {within}; does it exist?"
            )
        fault = f": {self._fault}" if self._fault else ""
        raise PublishUnavailable(f"no Kafka broker answered at {self._servers} {within}{fault}")

    def leave(self) -> None:
        """Have nobody wait any longer in ``find``."""
        self._leaving.set()

    def end(self) -> None:
        """Let go of what is left in it, and end its threads."""
        self._ended.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        for record in self._nagle.close():
            self._tell(record, KafkaError(KafkaError._PURGE_QUEUE))
        # Twice: who was in ``send`` when it ended may have handed over one more.
        for _ in range(2):
            self._producer.purge()
            with suppress(KafkaException):
                self._producer.flush(_PURGE_S)
        self._producer.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            self._poll()
            self._nagle.look()

    def _poll(self) -> None:
        try:
            # Of the library's milliseconds a part of one would be none.
            self._producer.poll(math.ceil(self._nagle.wait_s(_POLL_S) * 1000) / 1000)
        except KafkaException as exc:
            # What ends a producer is raised here, and told to no callback.
            self.broken = True
            _logger.warning("the producer has to be replaced: %s", _reason(exc.args[0]))
            self._ended.wait(_POLL_S)
        except Exception:
            # Of a callback; the next one's turn comes.
            _logger.exception(_NOT_TOLD)

    def _produce(self, record: Outgoing) -> None:
        told = partial(self._answered, record.answered)
        try:
            self._producer.produce(
                record.topic, record.value, record.key, on_delivery=told, headers=_HEADERS
            )
        except KafkaException as exc:
            self.broken |= exc.args[0].code() == KafkaError._FATAL
            raise

    def _answered(self, answered: Callable[[Any, Any], None], error: Any, message: Any) -> None:
        self._nagle.landed()
        answered(error, message)

    def _not_taken(self, record: Outgoing, error: Exception) -> None:
        """What ``send`` would have raised."""
        self._tell(record, error.args[0] if isinstance(error, KafkaException) else error)

    def _tell(self, record: Outgoing, error: KafkaError | Exception) -> None:
        try:
            record.answered(error, None)
        except Exception:
            _logger.exception(_NOT_TOLD)

    def _note(self, error: KafkaError) -> None:
        """Told of what concerns no single record; on this producer's thread."""
        if error.code() == KafkaError._AUTHENTICATION:
            self._refusal = _reason(error)
        elif error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._fault = _reason(error)


def _settings(deadline_s: float) -> dict[str, Any]:
    deadline_ms = round(deadline_s * 1000)
    request_ms = min(6_000, deadline_ms // 2)
    return {
        "acks": "all",
        "enable.idempotence": True,
        # Who waits for whom is up to Nagle.
        "linger.ms": 0,
        "compression.type": "zstd",
        "batch.size": 256 * 1024,
        "message.max.bytes": MAX_VALUE_BYTES + 65_536,
        "message.timeout.ms": deadline_ms,
        # At least one more try has to fit into the deadline.
        "request.timeout.ms": request_ms,
        "socket.timeout.ms": max(request_ms, 1_000),
        "reconnect.backoff.max.ms": 1_000,
        "topic.metadata.refresh.interval.ms": 30_000,
        # A topic is made by `omega-images topic`, with the settings that it needs.
        "allow.auto.create.topics": False,
        # As all of Kafka's own clients have it (schemas.partitioning).
        "partitioner": "murmur2",
    }


def outcome(
    error: KafkaError | Exception | None, message: Message, event_id: str
) -> tuple[int, int] | PublishError:
    """What an answer says of an event: its place, or what went wrong."""
    if isinstance(error, Exception):
        return refusal(error, event_id)
    if error is not None:
        return _as_publish_error(error, event_id)
    partition, offset = message.partition(), message.offset()
    if partition is None or offset is None or offset < 0:
        # The broker knows the event from an earlier try, but no longer where it stands.
        return PublishTimeout("acknowledged without telling the place")
    return partition, offset


def refusal(error: Exception, event_id: str) -> PublishError:
    """What ``send`` raised for an event, which it did not take."""
    if isinstance(error, KafkaException):
        return _as_publish_error(error.args[0], event_id)
    if isinstance(error, BufferError):
        return TooManyOutstanding(f"event {event_id}: {error}")
    if isinstance(error, RuntimeError):
        return PublishUnavailable(f"event {event_id}: the producer was just closed; try again")
    return PublishRefused(f"event {event_id}: {type(error).__name__}: {error}")


def _as_publish_error(error: KafkaError, event_id: str) -> PublishError:
    if error.code() in _TOO_LARGE:
        return PublishRefused(
            f"event {event_id}: larger than the topic takes;"
            " raise its max.message.bytes or send less"
        )
    if error.code() in _NEVER:
        return PublishRefused(f"event {event_id}: Kafka refuses it: {_reason(error)}")
    # The rest may have been written before it went wrong.
    return PublishTimeout(f"event {event_id}: {_reason(error)}")


def _reason(error: KafkaError) -> str:
    return " ".join(error.str().split())[:300]
