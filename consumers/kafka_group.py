"""A member of a Kafka consumer group, which only hands out partitions: GroupLog on Kafka.

kafka-python is the member, since it lets one look at how the group is; none of the records that
poll returns come from it. The partitions that it holds are read by a Fetcher.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from consumers.fetch_pace import FetchPace, Gathering
from consumers.kafka_client import (
    Consumer,
    CooperativeStickyAssignor,
    RebalanceListener,
    TopicPartition,
    translated,
)
from consumers.kafka_fetcher import Fetcher
from consumers.kafka_watch import TopicWatch
from consumers.log import (
    Assignment,
    Contact,
    LogError,
    LogUnavailable,
    OffsetOutOfRange,
)
from schemas.kafka_connection import KafkaConnection
from schemas.record import Record

_TEND_S = 0.1
"""How often the membership is seen to while records are read."""


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """How a member behaves. A member that died is replaced once its session has timed out."""

    instance_id: str | None = None
    """Static membership: who comes back under this name gets its partitions back at once."""
    session_timeout_s: float = 6.0
    heartbeat_s: float = 0.5
    """A member learns of a rebalance by its heartbeat; until all have, none of them reads on."""
    poll_interval_s: float = 30.0
    """A member that has not polled for so long leaves; a rebalance waits so long for another."""
    rebalance_wait_s: float = 1.0
    """So long may a poll take while the group rebalances, however short its own timeout."""
    metadata_age_s: float = 30.0
    """Added partitions, and a topic that is recreated, are noticed within this time."""
    connect_timeout_s: float = 3.0
    leave_timeout_s: float = 1.0
    partition_fetch_bytes: int = 2**16
    """What is fetched of a partition at once, or a batch if that is more; as it was produced."""
    gathering: Gathering = field(default_factory=Gathering)
    """When records gather at the brokers, so that fewer fetches bring more."""
    ends_age_s: float = 5.0
    """How often the brokers are asked for the ends that no fetch tells."""
    missing_after_s: float = 5.0
    """So long may the topic be absent from the cluster's metadata."""


class KafkaGroupLog:
    """GroupLog on a Kafka topic.

    Connects at the first poll, so that a dead broker is the same fault at the start as later.
    ``topic_id`` is the id that the positions belong to: once the topic is recreated, poll raises
    OffsetOutOfRange.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        group: str,
        *,
        topic_id: str | None = None,
        settings: GroupSettings = GroupSettings(),
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._group = group
        self._settings = settings
        self._watch = TopicWatch(connection, topic, topic_id, settings.missing_after_s)
        self._consumer: Consumer | None = None
        self._fetcher: Fetcher | None = None
        self._tended_at = float("-inf")
        # Changed by the rebalance callbacks, which run while this thread waits in poll or close.
        self._held: set[int] = set()
        self._started: set[int] = set()
        self._taken: set[int] = set()
        self._told: set[int] = set()
        self._paused = False
        self._answered_at = time.monotonic()
        self._ends: dict[int, int] = {}
        self._ends_at = float("-inf")

    def poll(self, timeout_s: float, max_records: int) -> Sequence[Record]:
        """Raises LogUnavailable while no broker can be reached to begin with, TopicMissing.

        When the brokers go away later it finds nothing; ``contact`` tells.
        """
        if self._consumer is None:
            self._consumer = self._open()
        consumer = self._consumer
        if not self._watch.known(consumer):
            # Were it to lead the group like this, it would give nothing to anybody.
            time.sleep(min(timeout_s, 0.02))
            return []
        try:
            found = self._read(consumer, timeout_s, max_records)
        except OffsetOutOfRange as exc:
            self._watch.ask()
            raise OffsetOutOfRange(self._explained(consumer, exc)) from exc
        self._check_name(consumer)
        return found

    def rebalanced(self) -> Assignment:
        """A partition that was taken and given back is in both."""
        revoked = frozenset(self._taken & self._told)
        assigned = frozenset(self._held - (self._told - revoked))
        self._told = set(self._held)
        self._taken.clear()
        return Assignment(assigned, revoked)

    def start(self, positions: Mapping[int, int]) -> None:
        """A partition that is not held any more is passed over."""
        if self._consumer is None:
            return
        ours = {number: offset for number, offset in positions.items() if number in self._held}
        self._opened_fetcher().start(ours)
        self._started |= ours.keys()

    def pause(self) -> None:
        self._paused = True
        if self._fetcher is not None:
            self._fetcher.pause()

    def resume(self) -> None:
        self._paused = False
        if self._fetcher is not None:
            self._fetcher.resume()

    def rejoin(self) -> None:
        """The next poll joins, as a new member."""
        consumer, self._consumer = self._consumer, None
        fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None:
            fetcher.close()
        if consumer is not None:
            consumer.close(self._settings.leave_timeout_s)
        self._take(self._places(self._held))

    def end_offsets(self) -> Mapping[int, int]:
        """As the fetches tell; asked for where they do not; lacking where nobody answers."""
        if self._consumer is None:
            return {}
        known = self._fetcher.ends() if self._fetcher is not None else {}
        if self._paused or self._held - known.keys():
            self._ask_for_ends(self._consumer)
        return {n: max(known.get(n, 0), self._ends.get(n, 0)) for n in known | self._ends}

    def positions(self) -> Mapping[int, int]:
        return self._fetcher.positions() if self._fetcher is not None else {}

    def contact(self) -> Contact:
        """A broker answers as long as its connection stands and no request to it is overdue."""
        now, consumer = time.monotonic(), self._consumer
        if consumer is None:
            return Contact(joined=False, silent_s=now - self._answered_at)
        fetching = self._paused or self._fetcher is None or self._fetcher.connected()
        if fetching and consumer.connected([consumer.cluster.get_coordinator(self._group)]):
            self._answered_at = now
        return Contact(consumer.joined(), now - self._answered_at)

    def close(self) -> None:
        """A broker gets a second to hear the goodbye; without it the session has to time out."""
        self.rejoin()

    def _open(self) -> Consumer:
        settings = self._settings
        with translated():
            consumer = Consumer(
                self._connection,
                settings.connect_timeout_s,
                group_id=self._group,
                group_instance_id=settings.instance_id,
                partition_assignment_strategy=[CooperativeStickyAssignor],
                session_timeout_ms=round(settings.session_timeout_s * 1000),
                heartbeat_interval_ms=round(settings.heartbeat_s * 1000),
                max_poll_interval_ms=round(settings.poll_interval_s * 1000),
                metadata_max_age_ms=round(settings.metadata_age_s * 1000),
            )
            listener = RebalanceListener(partial(self._give, consumer), self._take)
            consumer.kafka.subscribe([self._topic], listener=listener)
        self._watch.begin()
        return consumer

    def _opened_fetcher(self) -> Fetcher:
        if self._fetcher is None:
            settings = self._settings
            self._fetcher = Fetcher(
                self._connection,
                self._topic,
                settings.partition_fetch_bytes,
                group=self._group,
                watch=True,
                pace=FetchPace(settings.gathering),
            )
            if self._paused:
                self._fetcher.pause()
        return self._fetcher

    def _read(self, consumer: Consumer, timeout_s: float, max_records: int) -> Sequence[Record]:
        """What is read of the partitions; meanwhile the membership is seen to."""
        deadline = time.monotonic() + timeout_s
        found: Sequence[Record] = []
        while not found:
            left_s = max(0.0, deadline - time.monotonic())
            fetcher = self._fetcher if self._started and not self._paused else None
            overdue = time.monotonic() - self._tended_at >= _TEND_S
            if fetcher is None or overdue or not self._watch.aimed(self._started):
                self._tend(consumer, left_s if fetcher is None else 0.0)
            if fetcher is not None and self._started:
                found = self._fetched(consumer, fetcher, min(left_s, _TEND_S), max_records)
            if self._taken or self._held != self._told or time.monotonic() >= deadline:
                break
        return found

    def _fetched(
        self, consumer: Consumer, fetcher: Fetcher, timeout_s: float, max_records: int
    ) -> Sequence[Record]:
        """What arrived, if the topic is still the one that it was. Raises OffsetOutOfRange."""
        before = fetcher.positions()
        found = fetcher.poll(timeout_s, max_records)
        if not found:
            return found
        if consumer.heard():
            self._tend(consumer, 0.0)
        if not self._watch.holds(consumer):
            fetcher.start({n: at for n, at in before.items() if n in self._started})
            return []
        return found

    def _tend(self, consumer: Consumer, timeout_s: float) -> None:
        """See to the membership: one poll, or as many as a rebalance takes.

        A join that ends between two polls is lost to kafka-python, which then joins anew; when the
        group's leader does so, all others have to follow. Polling without a pause prevents that.
        """
        deadline = time.monotonic() + self._settings.rebalance_wait_s
        heard = consumer.tend(round(timeout_s * 1000))
        while consumer.rebalancing():
            consumer.insist_on_joining()
            if time.monotonic() > deadline:
                break
            heard |= consumer.tend(50)
        self._tended_at = time.monotonic()
        if self._fetcher is not None:
            self._fetcher.stop(self._fetcher.positions().keys() - self._started)
            self._fetcher.serve()
            if heard or not self._watch.aimed(self._started):
                # At its end there is least to fetch.
                places = self._fetcher.positions() | self._fetcher.ends()
                self._watch.aim(consumer, places, self._held)

    def _give(self, consumer: Consumer, places: Collection[Any]) -> None:
        """Called back: hold the partitions, and keep the client from looking for their offsets."""
        for place in places:
            consumer.kafka.pause(place)
            # With any offset set, the client asks for none; start() sets the real one.
            consumer.kafka.seek(place, 0)
            self._held.add(place.partition)

    def _take(self, places: Collection[Any]) -> None:
        """Called back."""
        numbers = {place.partition for place in places}
        self._held -= numbers
        self._started -= numbers
        self._taken |= numbers
        for number in numbers:
            self._ends.pop(number, None)

    def _check_name(self, consumer: Consumer) -> None:
        """Raises LogError when another member has taken this one's name."""
        name = self._settings.instance_id
        if name is None or not consumer.joined() or not consumer.heartbeat_overdue():
            return
        if consumer.connected([consumer.cluster.get_coordinator(self._group)]):
            raise LogError(f"another member has taken the instance id {name}; give each its own")

    def _ask_for_ends(self, consumer: Consumer) -> None:
        if time.monotonic() - self._ends_at < self._settings.ends_age_s:
            return
        try:
            ends = consumer.ends(self._places(self._held), timeout_ms=500)
            self._ends = {place.partition: end for place, end in ends.items()}
        except LogUnavailable:
            # What is known stays; contact() tells that the brokers are away.
            pass
        self._ends_at = time.monotonic()

    def _explained(self, consumer: Consumer, error: OffsetOutOfRange) -> str:
        """Which position is outside which bounds, if the brokers will say."""
        places = self._places(self._started)
        try:
            begin = consumer.begins(places, timeout_ms=2000)
            end = consumer.ends(places, timeout_ms=2000)
        except LogError:
            return str(error)
        at = self.positions()
        outside = [
            f"partition {place.partition}: {position}, the log has {begin[place]} to {end[place]}"
            for place in places
            if (position := at.get(place.partition)) is not None
            and not begin[place] <= position <= end[place]
        ]
        return f"positions outside topic {self._topic}: {'; '.join(outside) or error}"

    def _places(self, numbers: Iterable[int]) -> list[Any]:
        return [TopicPartition(self._topic, number) for number in numbers]
