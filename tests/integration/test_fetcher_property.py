"""Whatever happens between two polls: each partition's records come in their order.

Partitions are started and stopped, the fetcher is paused, brokers are to let records gather or not.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.kafka_fetcher import Fetcher
from schemas.kafka_connection import KafkaConnection
from tests.support.fetching import Commanded
from tests.support.topics import spread
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

PARTITIONS = range(6)
RECORDS = 300


class Reading:
    """A fetcher, and from where it has to go on in each partition."""

    def __init__(self, connection: KafkaConnection, topic: str) -> None:
        self.pace = Commanded()
        self.fetcher = Fetcher(connection, topic, 2**16, pace=self.pace)
        self.expected: dict[int, int] = {}
        self.paused = False

    def start(self, numbers: frozenset[int], offset: int) -> None:
        self.fetcher.start(dict.fromkeys(numbers, offset))
        self.expected |= dict.fromkeys(numbers, offset)

    def stop(self, numbers: frozenset[int]) -> None:
        self.fetcher.stop(numbers)
        for number in numbers:
            self.expected.pop(number, None)

    def pause(self) -> None:
        self.fetcher.pause()
        self.paused = True

    def resume(self) -> None:
        self.fetcher.resume()
        self.paused = False

    def wait(self, wait_s: float) -> None:
        self.pace.wait_s = wait_s

    def poll(self, most: int, timeout_s: float) -> None:
        found = self.fetcher.poll(timeout_s, most)
        assert len(found) <= most
        assert not (self.paused and found)
        for record in found:
            assert record.offset == self.expected[record.partition]
            self.expected[record.partition] += 1
        assert self.fetcher.positions() == self.expected

    def read_all(self, ends: dict[int, int]) -> None:
        """All that there is in all partitions."""
        self.resume()
        self.start(frozenset(PARTITIONS) - self.expected.keys(), 0)

        def there() -> bool:
            self.poll(1_000, 0.05)
            return self.expected == ends

        eventually(there, what="the ends")


some = st.frozensets(st.sampled_from(PARTITIONS))
begins = st.builds(lambda numbers, at: lambda it: it.start(numbers, at), some, st.integers(0, 9))
stops = some.map(lambda numbers: lambda it: it.stop(numbers))
pauses = st.sampled_from([Reading.pause, Reading.resume])
waits = st.sampled_from([0.0, 0.02]).map(lambda wait_s: lambda it: it.wait(wait_s))
polls = st.builds(
    lambda most, timeout_s: lambda it: it.poll(most, timeout_s),
    st.sampled_from([1, 2, 10, 100]),
    st.sampled_from([0, 0.02]),
)


@pytest.fixture
def ends(kafka_server: str, topic: str) -> dict[int, int]:
    """Where the topic's partitions end."""
    return spread(KafkaConnection(kafka_server), topic, RECORDS)


@given(steps=st.lists(begins | stops | pauses | waits | polls | polls | polls, max_size=30))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_records_come_in_their_order(
    kafka_server: str, topic: str, ends: dict[int, int], steps: list[Callable[[Reading], None]]
) -> None:
    reading = Reading(KafkaConnection(kafka_server), topic)
    try:
        reading.start(frozenset(PARTITIONS), 0)
        reading.poll(2, 5)
        for step in steps:
            step(reading)
        reading.read_all(ends)
    finally:
        reading.fetcher.close()
