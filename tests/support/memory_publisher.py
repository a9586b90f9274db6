"""A publisher into a topic in memory, whose acknowledgements can be withheld, lost or refused."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from producers.outstanding import Delivery, Outstanding
from producers.publisher import (
    Acknowledgement,
    Answered,
    Prepared,
    PublisherClosed,
    PublishError,
    PublishRefused,
    PublishTimeout,
    PublishUnavailable,
)
from schemas.codec import decode, encode, key_of
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.record import Position
from tests.support.memory_topic import MemoryTopic


class MemoryPublisher:
    """Publisher into a MemoryTopic."""

    def __init__(
        self, topic: MemoryTopic, *, deadline_s: float = 10.0, max_outstanding: int = 10_000
    ) -> None:
        self._topic = topic
        self._deadline_s = deadline_s
        self._outstanding = Outstanding(max_outstanding, 64 * 2**20)
        self._withheld: list[tuple[Delivery, Position]] | None = None
        self._closed = False
        self.failures: list[PublishError] = []
        """Raised by the next calls, one by each, which then write nothing."""
        self.lost_acknowledgements = 0
        """So many of the next events are written, and their publisher never learns of it."""

    def publish(self, event: Event) -> Acknowledgement:
        return self.publish_async(event).result()

    def publish_async(self, event: Event) -> Future[Acknowledgement]:
        if self.failures:
            raise self.failures.pop(0)
        if self._closed:
            raise PublisherClosed("the publisher is closed")
        try:
            key, value = key_of(event), encode(event)
        except InvalidEvent as exc:
            raise PublishRefused(f"event {event.id}: {exc.message}") from exc
        if not (self._topic.available and self._topic.exists):
            raise PublishUnavailable("no broker answers")
        delivery = Delivery(event.data.request_id, event.id, len(value))
        self._outstanding.admit(delivery, time.monotonic() + self._deadline_s)
        place = self._topic.append(key, value)
        if self.lost_acknowledgements:
            self.lost_acknowledgements -= 1
            self._outstanding.settle(delivery)
            delivery.fail(PublishTimeout("the acknowledgement was lost"))
        elif self._withheld is not None:
            self._withheld.append((delivery, place))
        else:
            self._acknowledge(delivery, place)
        return delivery

    def publish_many(self, events: Sequence[Prepared], answered: Answered) -> None:
        for index, event in enumerate(events):
            try:
                sent = self.publish_async(decode(event.value))
            except PublishError as exc:
                answered(index, exc)
            else:
                sent.add_done_callback(partial(_tell, answered, index))

    def withhold(self) -> None:
        """Acknowledge nothing until ``release``."""
        self._withheld = []

    def release(self) -> None:
        """Acknowledge what was withheld, and what comes."""
        withheld, self._withheld = self._withheld or [], None
        for delivery, place in withheld:
            self._acknowledge(delivery, place)

    def flush(self, timeout_s: float) -> None:
        if not self._outstanding.wait_until_empty(timeout_s):
            raise PublishTimeout(f"some events were not acknowledged within {timeout_s:g} s")

    def close(self, timeout_s: float = 5.0) -> None:
        self._closed = True
        self._outstanding.wait_until_empty(timeout_s)
        self._outstanding.fail_all("the publisher was closed before the event was acknowledged")

    def _acknowledge(self, delivery: Delivery, place: Position) -> None:
        self._outstanding.settle(delivery)
        delivery.acknowledge(place.partition, place.offset)


def _tell(answered: Answered, index: int, sent: Future[Acknowledgement]) -> None:
    error = sent.exception()
    if error is None:
        answered(index, sent.result())
    else:
        assert isinstance(error, PublishError)
        answered(index, error)
