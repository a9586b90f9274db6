"""The one door of consumers to kafka-python: its clients, opened, and its errors in our words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from kafka import (  # type: ignore[import-untyped]  # kafka-python has no type hints
    ConsumerRebalanceListener,
    IsolationLevel,
    KafkaAdminClient,
    KafkaConsumer,
    OffsetSpec,
    TopicPartition,
)
from kafka import errors as kafka_errors
from kafka.admin import ConfigResource  # type: ignore[import-untyped]  # same
from kafka.coordinator.assignors.cooperative_sticky import (  # type: ignore[import-untyped]  # same
    CooperativeStickyAssignor,
)
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]  # same
from kafka.structs import MemberState  # type: ignore[import-untyped]  # same

from consumers.log import LogError, LogUnavailable, OffsetOutOfRange, TopicMissing
from schemas.kafka_connection import KafkaConnection

__all__ = [
    "ConfigResource",
    "CooperativeStickyAssignor",
    "IsolationLevel",
    "OffsetSpec",
    "TopicPartition",
]

CONSUMER_SETTINGS: Mapping[str, Any] = {
    # Positions live in Postgres: the group's own are neither written nor looked at.
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    # Where a log ends, too, is before the first open transaction.
    "isolation_level": "read_committed",
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
    # A fetch is there to be told when the topic is no more: it waits for more than there can be.
    "fetch_min_bytes": 2**24,
    "fetch_max_bytes": 2**24,
    "max_partition_fetch_bytes": 1,
    "fetch_max_wait_ms": 1_000,
    "check_crcs": False,
    # A broker that hangs is noticed after this time, as one that died is at once.
    "request_timeout_ms": 6_000,
    "reconnect_backoff_max_ms": 1_000,
}


class _Unread:
    """What a fetch has brought, and nobody looks at.

    kafka-python's own class unpacks it, and one record that it does not understand (a header whose
    name is no text) has its poll go round for ever.
    """

    def __init__(self, *_: object, **__: object) -> None: ...

    def __bool__(self) -> bool:
        """Whether there is something left to take."""
        return False

    def drain(self) -> None:
        """Let go of it."""


class Consumer:
    """A kafka-python consumer, and the network client in it, which knows the cluster's state."""

    def __init__(self, connection: KafkaConnection, connect_timeout_s: float, **settings: Any):
        opened: list[Any] = []
        arguments = connection.client_arguments() | dict(CONSUMER_SETTINGS) | settings
        try:
            self.kafka: Any = KafkaConsumer(
                kafka_client=_kept_in(opened),
                bootstrap_timeout_ms=round(connect_timeout_s * 1000),
                **arguments,
            )
        except kafka_errors.KafkaTimeoutError as exc:
            _give_up(opened)
            raise _unreachable(connection, connect_timeout_s) from exc
        except BaseException:
            _give_up(opened)
            raise
        # The library keeps errors that it has dealt with for a while, and with them all that stood
        # in the frames of those who called it.
        self._own_thread = ThreadPoolExecutor(1, "membership")
        # The library has no way to say that records are not wanted.
        self.kafka._fetcher.PartitionRecords = _Unread
        self._network: Any = opened[0]
        self.cluster: Any = self._network.cluster

    def tend(self, timeout_ms: int) -> bool:
        """See to the membership; whether a fetch was answered, or is out of the log's range.

        Raises LogError, LogUnavailable.
        """
        return self._own_thread.submit(self._tend, timeout_ms).result()

    def _tend(self, timeout_ms: int) -> bool:
        heard = self.heard()
        with translated():
            try:
                self.kafka.poll(timeout_ms, 1)
            except kafka_errors.OffsetOutOfRangeError:
                # Whoever reads in earnest meets it, too, and judges.
                return True
        return heard

    def heard(self) -> bool:
        """Whether the answer to a fetch waits for ``tend``, as that there is no such topic.

        There is no public way to ask.
        """
        return bool(self.kafka._fetcher._completed_fetches)

    def unsure(self) -> bool:
        """Whether something has made the client doubt what it knows of topics."""
        return bool(self.cluster.need_update)

    def connected(self, nodes: Iterable[int | str | None]) -> bool:
        """Whether a connection to every one of these nodes stands. Never waits."""
        return all(node is not None and self._network.connected(node) for node in nodes)

    def joined(self) -> bool:
        """Whether the group has given this member its share. Never waits."""
        return bool(self.kafka.group_metadata().state == MemberState.STABLE)

    def rebalancing(self) -> bool:
        """Whether a join is under way. Never waits."""
        return bool(self.kafka.group_metadata().state == MemberState.REBALANCING)

    def heartbeat_overdue(self) -> bool:
        """Whether no heartbeat was answered for a session's time.

        A member whose name another has taken sends none any more, and is told nothing else.
        """
        return bool(self.kafka._coordinator.heartbeat.session_timeout_expired())

    def begins(self, places: Iterable[Any], timeout_ms: int) -> dict[Any, int]:
        """Where the log begins. Raises LogUnavailable, LogError."""
        return _bounds(self.kafka.beginning_offsets, places, timeout_ms)

    def ends(self, places: Iterable[Any], timeout_ms: int) -> dict[Any, int]:
        """Where the log ends. Raises LogUnavailable, LogError."""
        return _bounds(self.kafka.end_offsets, places, timeout_ms)

    def insist_on_joining(self) -> None:
        """Have the next poll see to a join that the last one left under way.

        The group's leader that joins because partitions were added otherwise forgets it: it never
        takes the answer, sends no heartbeat any more, and reads on as if nothing had happened.
        There is no public way to say so.
        """
        self.kafka._coordinator.request_rejoin()

    def close(self, timeout_s: float) -> None:
        """Leave the group, for which a broker gets so long, and end the client's threads."""
        self._own_thread.shutdown(wait=False)
        try:
            self.kafka.close(autocommit=False, timeout_ms=round(timeout_s * 1000))
        except kafka_errors.KafkaError:
            # The broker will notice by itself that the member is gone.
            _give_up([self._network])


class RebalanceListener(ConsumerRebalanceListener):  # type: ignore[misc]  # no type hints
    """Passes on which partitions were given and taken.

    kafka-python calls it on its I/O thread, while the thread that polls waits for that.
    """

    def __init__(
        self,
        assigned: Callable[[Collection[Any]], None],
        revoked: Callable[[Collection[Any]], None],
    ) -> None:
        self._assigned, self._revoked = assigned, revoked

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        self._assigned(assigned)

    def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        self._revoked(revoked)


def open_admin(connection: KafkaConnection, timeout_s: float) -> Any:
    """A client for looking at and changing topics. Raises LogUnavailable and LogError."""
    opened: list[Any] = []
    milliseconds = round(timeout_s * 1000)
    try:
        with translated():
            return KafkaAdminClient(
                kafka_client=_kept_in(opened),
                bootstrap_timeout_ms=milliseconds,
                request_timeout_ms=milliseconds,
                **connection.client_arguments(),
            )
    except LogUnavailable as exc:
        _give_up(opened)
        raise _unreachable(connection, timeout_s) from exc
    except BaseException:
        _give_up(opened)
        raise


def already_there(create: Callable[[], Any]) -> bool:
    """Call ``create``; whether the topic existed before."""
    try:
        create()
    except kafka_errors.TopicAlreadyExistsError:
        return True
    return False


@contextmanager
def translated() -> Iterator[None]:
    """Turns kafka-python's errors into those of consumers.log."""
    try:
        yield
    except kafka_errors.KafkaError as exc:
        raise _translated(exc) from exc


def _translated(exc: Exception) -> LogError:
    reason = " ".join(str(exc).split())[:500] or type(exc).__name__
    match exc:
        case kafka_errors.OffsetOutOfRangeError() | kafka_errors.LogTruncationError():
            return OffsetOutOfRange(reason)
        case kafka_errors.UnknownTopicOrPartitionError() | kafka_errors.InvalidTopicError():
            return TopicMissing(reason)
        case kafka_errors.RetriableError():
            return LogUnavailable(f"Kafka does not answer as it should: {reason}")
        case kafka_errors.SaslAuthenticationFailedError() | kafka_errors.AuthorizationError():
            return LogError(f"Kafka refuses access: {reason}; check the user, password and ACLs")
    return LogError(f"Kafka: {type(exc).__name__}: {reason}")


def _unreachable(connection: KafkaConnection, timeout_s: float) -> LogUnavailable:
    servers = ", ".join(connection.servers)
    return LogUnavailable(f"no Kafka broker answered at {servers} within {timeout_s:g} s")


def _kept_in(opened: list[Any]) -> Callable[..., Any]:
    """A maker of network clients that keeps them: a failing constructor would leak its thread."""

    def make(**arguments: Any) -> Any:
        client = KafkaNetClient(**arguments)
        opened.append(client)
        return client

    return make


def _give_up(clients: Iterable[Any]) -> None:
    """End the threads and sockets of clients that could not be opened or closed properly."""
    for client in clients:
        client.close()


def _bounds(
    ask: Callable[..., dict[Any, int]], places: Iterable[Any], timeout_ms: int
) -> dict[Any, int]:
    try:
        with translated():
            return ask(list(places), timeout_ms=timeout_ms)
    except KeyError as exc:
        # What kafka-python makes of a partition so new that no broker leads it yet.
        raise LogUnavailable(f"{exc.args[0]} has no leader yet") from exc
