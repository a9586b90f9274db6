"""A publisher's producer is paced: kafka-python has no public way to say so."""

from __future__ import annotations

from itertools import pairwise

import pytest

from producers import kafka_publisher
from producers.kafka_publisher import KafkaPublisher, PublisherSettings
from producers.pacing import Pacing, pace
from schemas.kafka_connection import KafkaConnection
from tests.support.builders import generated

pytestmark = pytest.mark.kafka


def test_requests_and_answers_are_noticed(
    kafka_server: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced: list[Pacing] = []
    moments: list[float] = []
    sizes: list[int] = []
    sent = Pacing.sent

    def noted(self: Pacing, now: float, records: int, requests: int = 1) -> None:
        moments.append(now)
        sizes.append(records)
        sent(self, now, records, requests)

    monkeypatch.setattr(Pacing, "sent", noted)
    monkeypatch.setattr(
        kafka_publisher, "pace", lambda producer, most_s: paced.append(pace(producer, most_s))
    )
    with KafkaPublisher(KafkaConnection(kafka_server), topic) as publisher:
        publisher.publish(generated("alone"))
        assert sizes == [1]
        (pacing,) = paced
        assert pacing.round_trip_s > 0
        for number in range(20):
            # As if there were many.
            pacing._records, pacing.round_trip_s = 100.0, 1.0
            publisher.publish(generated(f"r{number}"))
    assert sizes == [1] * 21
    pause_s = PublisherSettings().max_pause_ms / 1000
    gaps = [after - before for before, after in pairwise(moments[1:])]
    assert min(gaps) >= pause_s - 0.0005, "requests were not paced"
