"""When a request to Kafka is worth sending: at once when few are about, together when many are.

A fixed linger makes a lone caller wait for nobody, and under load still sends requests of a few
events each, which cost both sides more than the events do. Here a request follows the one before
it at the earliest after four times what requests take to be answered, and at once when the
last ones carried little more than an event each and are answered. (The thought of Nagle's
algorithm, RFC 896, with a pause that is bounded.)
"""

from __future__ import annotations

import time
from typing import Any

_WEIGHT = 1 / 8
"""Of the newest in a moving mean, as in TCP's estimate of the round trip (RFC 6298)."""
_ROUND_TRIPS = 4
_ALONE = 1.5
"""Records at once, up to which nobody is waited for."""


class Pacing:
    """Decides for one producer when its requests leave. Only the producer's thread uses it.

    ``most_s``: the longest pause between two requests, in seconds.
    """

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self.round_trip_s = 0.0
        """The moving mean of how long requests take to be answered."""
        self._records = 1.0
        self._sent_at = float("-inf")
        self._under_way = 0

    def wait_s(self, now: float) -> float:
        """How long the next requests have to wait; 0 when they may leave."""
        if not self._under_way and self._records <= _ALONE:
            return 0.0
        pause = min(self._most_s, _ROUND_TRIPS * self.round_trip_s)
        return max(0.0, self._sent_at + pause - now)

    def sent(self, now: float, records: int, requests: int = 1) -> None:
        """So many records leave together, in a request to each of so many brokers."""
        self._sent_at = now
        self._under_way = requests
        self._records += (records - self._records) * _WEIGHT

    def answered(self, round_trip_s: float | None) -> None:
        """A request was answered after so many seconds; None: it has failed."""
        self._under_way = max(0, self._under_way - 1)
        if round_trip_s is not None:
            self.round_trip_s += (round_trip_s - self.round_trip_s) * _WEIGHT


def pace(producer: Any, most_s: float) -> Pacing:
    """Have a kafka-python producer, whose own linger is 0, send at this pace.

    There is no public way to say so.
    """
    pacing, accumulator, sender = Pacing(most_s), producer._accumulator, producer._sender
    ready, drain = accumulator.ready, accumulator.drain
    handle, fail = sender._handle_produce_response, sender._failed_produce

    def paced_ready(cluster: Any, now: float | None = None) -> Any:
        now = time.monotonic() if now is None else now
        wait_s = pacing.wait_s(now)
        accumulator.config["linger_ms"] = wait_s and 1000 * most_s
        nodes, next_check_s, unknown = ready(cluster, now=now)
        if wait_s and next_check_s <= most_s:
            # Something is waiting: as if its linger had begun with the request before.
            next_check_s = min(next_check_s, wait_s)
        return nodes, next_check_s, unknown

    def paced_drain(cluster: Any, nodes: Any, size: int, now: float | None = None) -> Any:
        by_node: dict[Any, Any] = drain(cluster, nodes, size, now=now)
        batches = [batch for of_node in by_node.values() for batch in of_node]
        if batches:
            moment = time.monotonic() if now is None else now
            records = sum(batch.record_count for batch in batches)
            pacing.sent(moment, records, sum(map(bool, by_node.values())))
        return by_node

    def paced_handle(node: Any, sent_at: float, batches: Any, response: Any) -> Any:
        pacing.answered(time.monotonic() - sent_at)
        return handle(node, sent_at, batches, response)

    def paced_fail(batches: Any, node: Any, error: BaseException) -> Any:
        pacing.answered(None)
        return fail(batches, node, error)

    accumulator.ready, accumulator.drain = paced_ready, paced_drain
    sender._handle_produce_response, sender._failed_produce = paced_handle, paced_fail
    return pacing
