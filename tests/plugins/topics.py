"""A fresh topic for each test."""

from __future__ import annotations

import itertools
import os

import pytest

from consumers.kafka_topics import create_topic
from schemas.kafka_connection import KafkaConnection

_numbers = itertools.count(1)


@pytest.fixture
def topic_name() -> str:
    """A name that no topic has yet."""
    return f"events-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def topic(kafka_server: str, topic_name: str) -> str:
    """The name of an empty topic of six partitions."""
    create_topic(KafkaConnection(kafka_server), topic_name, partitions=6)
    return topic_name
