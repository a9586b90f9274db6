"""The log as Kafka keeps it: the group's member, the reader, and what a topic is and becomes."""

from consumers.kafka_group import GroupSettings, KafkaGroupLog
from consumers.kafka_reader import KafkaLogReader, ReaderSettings
from consumers.kafka_topics import (
    TopicDescription,
    add_partitions,
    create_topic,
    describe_topic,
    topic_id,
)

__all__ = [
    "GroupSettings",
    "KafkaGroupLog",
    "KafkaLogReader",
    "ReaderSettings",
    "TopicDescription",
    "add_partitions",
    "create_topic",
    "describe_topic",
    "topic_id",
]
