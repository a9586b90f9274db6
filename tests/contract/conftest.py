"""Each contract test runs against the log in memory and against Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.contract.worlds import KafkaWorld, MemoryWorld, World


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A log with an empty topic of six partitions."""
    if request.param == "memory":
        yield MemoryWorld()
        return
    bootstrap = request.getfixturevalue("kafka_server")
    topic = request.getfixturevalue("topic")
    with ExitStack() as stack:
        yield KafkaWorld(bootstrap, topic, lambda: request.getfixturevalue("own_broker"), stack)
