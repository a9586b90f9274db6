"""A publisher's producer is paced: kafka-python has no public way to say so."""

from __future__ import annotations

from typing import Any

import pytest

from producers import kafka_publisher
from producers.kafka_publisher import KafkaPublisher
from producers.pacing import Pacing, pace
from schemas.kafka_connection import KafkaConnection
from tests.support.builders import generated

pytestmark = pytest.mark.kafka


def test_requests_and_answers_are_noticed(
    kafka_server: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced: list[Pacing] = []
    sizes: list[int] = []
    sent = Pacing.sent

    def noted(self: Pacing, now: float, records: int) -> None:
        sizes.append(records)
        sent(self, now, records)

    monkeypatch.setattr(Pacing, "sent", noted)
    monkeypatch.setattr(
        kafka_publisher, "pace", lambda producer, most_s: paced.append(pace(producer, most_s))
    )
    with KafkaPublisher(KafkaConnection(kafka_server), topic) as publisher:
        publisher.publish(generated("alone"))
        assert sizes == [1]
        futures: list[Any] = [publisher.publish_async(generated(f"r{n}")) for n in range(200)]
        for future in futures:
            future.result(30)
    assert sum(sizes) == 201
    assert len(sizes) < 100, "requests were not paced"
    assert paced[0].round_trip_s > 0
