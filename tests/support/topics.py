"""Topics of real brokers: filled, or taken away and made again under the same name."""

from __future__ import annotations

from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # no type hints

from consumers.kafka_topics import create_topic
from consumers.log import LogError
from producers.kafka_publisher import KafkaPublisher
from schemas.kafka_connection import KafkaConnection
from tests.support.builders import generated
from tests.support.waiting import eventually


def spread(connection: KafkaConnection, topic: str, count: int) -> dict[int, int]:
    """So many records in all partitions; where those end that have any."""
    ends: dict[int, int] = {}
    with KafkaPublisher(connection, topic) as publisher:
        sent = [publisher.publish_async(generated(f"req-{number}")) for number in range(count)]
        for one in sent:
            partition, offset = one.result(30).position
            ends[partition] = max(ends.get(partition, 0), offset + 1)
    return ends


def recreate(connection: KafkaConnection, topic: str, partitions: int) -> None:
    """Delete the topic, and make a new one as soon as the broker lets it."""
    admin = KafkaAdminClient(bootstrap_servers=connection.bootstrap_servers)
    try:
        admin.delete_topics([topic])
    finally:
        admin.close()

    def made() -> bool:
        try:
            return create_topic(connection, topic, partitions=partitions)
        except LogError:  # the deletion is under way
            return False

    eventually(made, timeout_s=20, what="a new topic of the name")
