"""Fetching records from Kafka: librdkafka's consumer, told which partitions to read from where.

It fetches ahead, checks checksums, decompresses and leaves out what no transaction committed, on
threads that do not need the interpreter. It joins no group and keeps no offset.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from operator import methodcaller
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumers.fetch_pace import FetchPace
from consumers.kafka_fetching import fetch_settings, silent
from consumers.log import LogError, LogUnavailable, OffsetOutOfRange
from schemas.codec import HEADERS
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record

_logger = logging.getLogger("kafka.fetcher")

_USUAL = list(HEADERS)
_ask_for_headers = methodcaller("headers")
"""Called like this, it is looked whether the library has left an error behind beside an answer."""

_AWAY = (
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._RESOLVE,
)
"""Brokers come back; the library looks for them, and ``connected`` tells."""
_GONE = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
"""Whoever reads looks by other means what topic it is."""
_REFUSED = (
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)


class Fetcher:
    """Reads partitions of one topic, each from an offset on. One thread uses it.

    ``partition_bytes``: so much is fetched of a partition at once, or a batch if that is more; as
    it was produced. Events take ten times as much when they are decompressed. ``group``: one that
    may be looked for; who may not is warned, and reads all the same. ``watch``: whether
    ``connected`` will be asked; then ``poll`` or ``serve`` has to be called every few seconds.
    ``pace``: tells whether brokers let records gather; else they answer with the first.

    Raises LogError for settings that cannot be used, as a file that is not there.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        partition_bytes: int,
        *,
        group: str = "omega-images",
        watch: bool = False,
        pace: FetchPace | None = None,
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._partition_bytes = partition_bytes
        self._group = group
        self._watch = watch
        self._pace = pace
        self._wait_s = 0.0
        self._next: dict[int, int] = {}
        self._paused = False
        self._failure: LogError | None = None
        self._silent: set[int] = set()
        self._consumer = self._opened()

    def start(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from there on, anew where they are read already."""
        self.stop(positions.keys())
        self._next.update(positions)
        if not self._paused:
            self._assign(positions)

    def stop(self, numbers: Iterable[int]) -> None:
        """Read these no more; nothing of them is returned after this."""
        gone = self._next.keys() & set(numbers)
        if not self._paused:
            self._unassign(gone)
        for number in gone:
            del self._next[number]

    def pause(self) -> None:
        """Read nothing until ``resume``; what was fetched ahead is given up."""
        if not self._paused:
            self._unassign(self._next)
            self._paused = True

    def resume(self) -> None:
        """Go on where ``pause`` was called."""
        if self._paused:
            self._paused = False
            self._assign(self._next)

    def serve(self) -> None:
        """While nothing is read: let the library tell what else it has to tell, which it keeps."""
        if self._paused or not self._next:
            self._records(self._consumer.consume(1_000, 0))

    def poll(self, timeout_s: float, max_records: int) -> list[Record]:
        """What has arrived, in the order of the offsets within each partition; or nothing, in time.

        Raises OffsetOutOfRange; LogUnavailable for what is damaged on its way, and is read again;
        LogError for what waiting does not mend.
        """
        self._fail()
        first = self._consumer.poll(timeout_s)
        messages: list[Any] = [] if first is None else [first]
        if messages and max_records > 1:
            messages += self._consumer.consume(max_records - 1, 0)
        found = self._records(messages)
        if not found:
            self._fail()
        if self._pace is not None:
            self._keep_to(self._pace.arrived(len(found)))
        return found

    def positions(self) -> dict[int, int]:
        """The offset that is read next, for each partition; past what is no record."""
        return dict(self._next)

    def ends(self) -> dict[int, int]:
        """Where the partitions end, of those of which a fetch has told."""
        found = {}
        for number in self._next:
            place = TopicPartition(self._topic, number)
            _, end = self._consumer.get_watermark_offsets(place, cached=True)
            if end >= 0:
                found[number] = end
        return found

    def connected(self) -> bool:
        """Whether the brokers that lead the partitions answered, a second ago. Never waits.

        While it is paused nothing is asked of them, and only those show that are gone.
        """
        return not self._silent & self._next.keys()

    def close(self) -> None:
        """May be called twice."""
        self._next.clear()
        self._consumer.close()

    def _opened(self) -> Consumer:
        settings = fetch_settings(self._partition_bytes, self._group, self._watch, self._wait_s)
        callbacks = {"error_cb": self._note, "stats_cb": self._look}
        try:
            return Consumer(
                self._connection.librdkafka_settings() | settings | callbacks, logger=_logger
            )
        except KafkaException as exc:
            raise LogError(f"Kafka's settings: {_reason(exc.args[0])}") from exc

    def _keep_to(self, wait_s: float) -> None:
        """Go on with another consumer, as the library lets nobody change one's waiting."""
        if wait_s == self._wait_s or self._paused:
            return
        before, self._wait_s = self._consumer, wait_s
        try:
            self._consumer = self._opened()
        except LogError as exc:
            # A file of the settings is gone. What is open does not need it.
            _logger.warning("fetching as before: %s", exc)
            return
        _logger.debug("brokers wait up to %d ms for more records", round(wait_s * 1_000))
        before.close()
        self._assign(self._next)

    def _fail(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _assign(self, positions: Mapping[int, int]) -> None:
        if positions:
            places = [TopicPartition(self._topic, number, at) for number, at in positions.items()]
            self._consumer.incremental_assign(places)

    def _unassign(self, numbers: Collection[int]) -> None:
        if numbers:
            places = [TopicPartition(self._topic, number) for number in numbers]
            self._consumer.incremental_unassign(places)

    def _records(self, messages: Iterable[Any]) -> list[Record]:
        topic, following, usual = self._topic, self._next, _USUAL
        found: list[Record] = []
        add, new = found.append, tuple.__new__
        for message in messages:
            if message.error() is not None:
                if self._heed(message):
                    # What follows in these messages must not be taken for what follows in the log.
                    self.start(self.positions())
                    break
                continue
            partition, offset = message.partition(), message.offset()
            if offset < following.get(partition, offset + 1):
                continue  # of a reading that was ended
            following[partition] = offset + 1
            head = HEADERS if (headers := _headers(message)) == usual else _checked(headers)
            time, key, value = message.timestamp()[1], message.key(), message.value()
            add(new(Record, (topic, partition, offset, time, key, value, head)))
        return found

    def _heed(self, message: Any) -> bool:
        """Whether the messages behind this one are not to be looked at."""
        error = message.error()
        number, code, at = message.partition(), error.code(), message.offset()
        if code == KafkaError._PARTITION_EOF:
            if number in self._next:
                self._next[number] = max(self._next[number], at)
        elif code in _AWAY or code in _GONE or code in _REFUSED or number not in self._next:
            self._note(error)
        elif code == KafkaError._AUTO_OFFSET_RESET:
            # Of a damaged batch the library takes a part for the next one, with any number for its
            # offset, and tells what comes of asking for that when all is read anew already.
            if at == self._next[number]:
                self._failure = OffsetOutOfRange(_reason(error))
            return True
        else:
            # Damaged, or not understood. The library would go on behind it.
            self._failure = LogUnavailable(f"Kafka does not answer as it should: {_reason(error)}")
        return self._failure is not None

    def _note(self, error: KafkaError) -> None:
        """Told of what may concern no single partition; within poll."""
        code = error.code()
        if code in _REFUSED:
            self._failure = LogError(
                f"Kafka refuses access: {_reason(error)}; check the user, password and ACLs"
            )
        elif code not in _AWAY and code not in _GONE:
            _logger.warning("%s", _reason(error))

    def _look(self, statistics: str) -> None:
        """Told every second how the brokers are; within poll."""
        self._silent = silent(statistics, self._topic)


def _headers(message: Any) -> Any:
    try:
        return _ask_for_headers(message)
    except (UnicodeDecodeError, SystemError):
        # A name that is no text, which the library has no way to give.
        return None


def _checked(headers: Collection[tuple[str, bytes | None]] | None) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value or b"") for name, value in headers or ())


def _reason(error: KafkaError) -> str:
    return " ".join(error.str().split())[:500]
