"""Looking at, making and enlarging topics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from consumers.kafka_client import (
    ConfigResource,
    IsolationLevel,
    OffsetSpec,
    TopicPartition,
    already_there,
    open_admin,
    translated,
)
from consumers.log import LogError, LogUnavailable, OffsetOutOfRange, TopicMissing, TopicState
from schemas.kafka_connection import KafkaConnection
from schemas.limits import MAX_VALUE_BYTES
from schemas.record import MAX_PARTITIONS

TIMEOUT_S = 10.0

SETTINGS: Mapping[str, str] = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    # A value of the greatest size allowed, its key, headers and the batch around it.
    "max.message.bytes": str(MAX_VALUE_BYTES + 65_536),
}
"""What every topic of events is made with: the log is the source of truth and keeps everything."""


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic as its brokers have it."""

    state: TopicState
    replication: int
    settings: Mapping[str, str] = field(default_factory=dict)
    """Those that matter here, and min.insync.replicas."""

    @property
    def partitions(self) -> int:
        """How many there are."""
        return len(self.state.begin)

    def deviations(self) -> dict[str, tuple[str, str]]:
        """Settings under which events could be lost or refused: name -> (is, should be)."""
        return {
            name: (self.settings[name], wanted)
            for name, wanted in SETTINGS.items()
            if name in self.settings and not _good_enough(name, self.settings[name], wanted)
        }


def create_topic(
    connection: KafkaConnection,
    topic: str,
    *,
    partitions: int = 6,
    replication: int = 1,
    min_insync: int = 1,
) -> bool:
    """Make the topic, and wait until it can be used; False when it was there already.

    Raises ValueError for impossible numbers, LogUnavailable, LogError (say, too few brokers).
    """
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise ValueError(f"{partitions} partitions: must be 1 to {MAX_PARTITIONS}")
    if not 1 <= min_insync <= replication:
        raise ValueError(
            f"min.insync.replicas {min_insync}: must be 1 to replication ({replication})"
        )
    settings = {**SETTINGS, "min.insync.replicas": str(min_insync)}
    with _admin(connection) as admin:
        new = {"num_partitions": partitions, "replication_factor": replication, "configs": settings}
        created = not already_there(lambda: admin.create_topics({topic: new}))
        admin.wait_for_topics([topic])
    return created


def describe_topic(connection: KafkaConnection, topic: str) -> TopicDescription:
    """The topic now. Raises TopicMissing, LogUnavailable, LogError."""
    with _admin(connection) as admin:
        found = _metadata(admin, topic)
        resource = ConfigResource("TOPIC", topic, [*SETTINGS, "min.insync.replicas"])
        described = admin.describe_configs([resource], config_filter="all")
        settings = described.get("topic", {}).get(topic, {})
        return TopicDescription(
            _state(admin, topic, found),
            min(len(partition["replica_nodes"]) for partition in found["partitions"]),
            {name: str(setting["value"]) for name, setting in sorted(settings.items())},
        )


def topic_state(connection: KafkaConnection, topic: str) -> TopicState:
    """Id and bounds. Raises TopicMissing, LogUnavailable, LogError."""
    with _admin(connection) as admin:
        return _state(admin, topic, _metadata(admin, topic))


def topic_id(connection: KafkaConnection, topic: str) -> str:
    """The topic's id, another when it was recreated. Raises as topic_state."""
    with _admin(connection) as admin:
        return str(_metadata(admin, topic)["topic_id"])


def must_be_same(topic: str, now: str, before: str) -> None:
    """Compare two ids of a topic. Raises OffsetOutOfRange: positions belong to one of them."""
    if now != before:
        raise OffsetOutOfRange(f"topic {topic} was recreated: its id is {now}, not {before}")


def add_partitions(connection: KafkaConnection, topic: str, total: int) -> None:
    """Enlarge the topic to so many partitions.

    Keys move then: later events of a request may stand in another partition than earlier ones,
    which the merge allows for. Raises ValueError, TopicMissing, LogUnavailable, LogError.
    """
    if not 1 <= total <= MAX_PARTITIONS:
        raise ValueError(f"{total} partitions: must be 1 to {MAX_PARTITIONS}")
    with _admin(connection) as admin:
        _metadata(admin, topic)
        admin.create_partitions({topic: total})


@contextmanager
def _admin(connection: KafkaConnection) -> Iterator[Any]:
    admin = open_admin(connection, TIMEOUT_S)
    try:
        with translated():
            yield admin
    finally:
        admin.close()


def _metadata(admin: Any, topic: str) -> Any:
    found = admin.describe_topics([topic])[0]
    match found["error_code"]:
        case 0:
            return found
        case 3 | 17:
            raise TopicMissing(f"topic {topic} does not exist")
        case 5:
            raise LogUnavailable(f"topic {topic} has no leader yet")
        case 29:
            raise LogError(f"Kafka refuses access to topic {topic}; check the user and its ACLs")
    raise LogError(f"topic {topic}: Kafka's error {found['error_code']}")


def _state(admin: Any, topic: str, found: Any) -> TopicState:
    places = [TopicPartition(topic, p["partition_index"]) for p in found["partitions"]]
    begin, end = (
        admin.list_partition_offsets(dict.fromkeys(places, spec), IsolationLevel.READ_COMMITTED)
        for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
    )
    return TopicState(
        topic,
        str(found["topic_id"]),
        {place.partition: begin[place].offset for place in sorted(places)},
        {place.partition: end[place].offset for place in sorted(places)},
    )


def _good_enough(name: str, value: str, wanted: str) -> bool:
    return int(value) >= int(wanted) if name == "max.message.bytes" else value == wanted
