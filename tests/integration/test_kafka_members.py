"""Members of a real Kafka group: rebalances in bad moments, kill -9, static membership, memory."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # kafka-python has no type hints

from consumers.fetch_pace import Gathering
from consumers.kafka_log import GroupSettings, KafkaGroupLog, add_partitions
from consumers.log import LogError
from schemas.kafka_connection import KafkaConnection
from tests.contract.members import Positions, members, poll_until_assigned, shared_evenly
from tests.support.member_process import MemberProcess
from tests.support.topics import spread
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

FAST = GroupSettings(heartbeat_s=0.2, metadata_age_s=0.2)


def test_a_join_that_a_short_poll_leaves_is_not_forgotten(kafka_server: str, topic: str) -> None:
    connection = KafkaConnection(kafka_server)
    log = KafkaGroupLog(connection, topic, f"g-{topic}", settings=FAST)
    poll_until_assigned(log)
    held = set(range(6))
    timeouts_s = itertools.cycle(number / 1000 for number in range(16))

    def grown_to(total: int) -> bool:
        log.poll(next(timeouts_s), 10)
        held.update(log.rebalanced().assigned)
        return len(held) == total

    for total in range(7, 27):
        add_partitions(connection, topic, total)
        eventually(partial(grown_to, total), timeout_s=15, what=f"{total} partitions")
        assert log.contact().joined
    log.close()


def test_a_member_that_hardly_polls_does_not_keep_the_group_rebalancing(
    kafka_server: str, topic: str
) -> None:
    """As a worker whose database is slow does: paused, a poll of no time every half second."""
    busy = KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}")
    poll_until_assigned(busy)
    busy.pause()
    positions = Positions()
    newcomer = KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}")
    held = set(range(6))
    pause = subprocess.Popen(["sleep", "60"])

    def shared() -> bool:
        try:
            pause.wait(0.5)
        except subprocess.TimeoutExpired:
            busy.poll(0.0, 1)
        change = busy.rebalanced()
        held.difference_update(change.revoked)
        held.update(change.assigned)
        return len(held) == 3 and len(running[0].held) == 3

    with members(newcomer, positions=positions) as running:
        eventually(shared, timeout_s=15, what="even shares")
    pause.kill()
    pause.wait()
    busy.close()


def test_a_killed_member_is_replaced_within_ten_seconds(kafka_server: str, topic: str) -> None:
    log = KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}")
    with (
        MemberProcess(kafka_server, topic, f"g-{topic}") as victim,
        members(log, positions=Positions()) as running,
    ):
        eventually(
            lambda: len(running[0].held) == len(victim.held) == 3, timeout_s=30, what="even shares"
        )
        victim.kill()
        eventually(lambda: len(running[0].held) == 6, timeout_s=10, what="the victim's partitions")


def test_a_partition_without_a_leader_does_not_end_its_member(
    kafka_server: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}", settings=FAST)
    poll_until_assigned(log)

    def unknown(*_: object, **__: object) -> None:
        raise KeyError("partition 7")

    monkeypatch.setattr(log._consumer.kafka, "end_offsets", unknown)  # type: ignore[union-attr]  # it has joined
    assert log.end_offsets() == {}
    log.close()


def test_a_static_member_comes_back_to_its_own(kafka_server: str, topic: str) -> None:
    arguments = (kafka_server, topic, f"g-{topic}")
    with MemberProcess(*arguments, "one") as one, MemberProcess(*arguments, "two") as two:
        eventually(lambda: len(one.held) == len(two.held) == 3, timeout_s=30, what="even shares")
        before, others = set(one.held), set(two.held)
        one.kill()
        with MemberProcess(*arguments, "one") as again:
            # Before the six seconds of its session are over.
            eventually(lambda: again.held == before, timeout_s=5, what="its partitions")
            assert two.held == others


def test_a_second_member_of_the_same_name_ends_the_first(kafka_server: str, topic: str) -> None:
    settings = GroupSettings(instance_id="one", heartbeat_s=0.2)
    first, second = (
        KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}", settings=settings)
        for _ in range(2)
    )
    poll_until_assigned(first)
    with members(second, positions=Positions()) as running:
        eventually(lambda: len(running[0].held) == 6, what="the second's partitions")
        with pytest.raises(LogError, match="instance"):
            eventually(lambda: first.poll(0.1, 10), timeout_s=15, what="a record")
    first.close()


def test_records_gather_at_the_broker_while_there_are_many(
    kafka_server: str, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And each is read once, in order, while the way of fetching changes, and changes back."""
    connection, ends = KafkaConnection(kafka_server), dict[int, int]()
    settings = replace(FAST, gathering=Gathering(longest_s=0.05, above=200, below=100))
    log = KafkaGroupLog(connection, topic, f"g-{topic}", settings=settings)
    poll_until_assigned(log)
    log.start(dict.fromkeys(range(6), 0))
    found: list[tuple[int, int]] = []

    def all_read() -> bool:
        found.extend((one.partition, one.offset) for one in log.poll(0.1, 100))
        return len(found) >= sum(ends.values())

    def sent_and_read(count: int, said: str) -> bool:
        ends.update(spread(connection, topic, count))
        eventually(all_read, what="all that was sent")
        return said in caplog.text

    with caplog.at_level("DEBUG", logger="kafka.fetcher"):
        eventually(partial(sent_and_read, 100, "up to 50 ms"), what="gathering")
        eventually(partial(sent_and_read, 1, "up to 0 ms"), what="no more of it")
        sent_and_read(100, "")
    assert sorted(found) == sorted((n, at) for n, end in ends.items() for at in range(end))
    assert all(
        [at for number, at in found if number == partition] == list(range(end))
        for partition, end in ends.items()
    )
    log.close()


def test_members_come_and_go_while_events_arrive(kafka_server: str, topic: str) -> None:
    positions = Positions()
    producer = KafkaProducer(bootstrap_servers=kafka_server)

    def produce(count: int) -> None:
        for number in range(count):
            producer.send(topic, key=b"k", value=b"v", partition=number % 6)
        producer.flush(10)

    def member() -> KafkaGroupLog:
        return KafkaGroupLog(KafkaConnection(kafka_server), topic, f"g-{topic}", settings=FAST)

    with members(member(), positions=positions) as first:
        produce(600)
        with members(member(), member(), positions=positions) as more:
            produce(600)
            eventually(lambda: shared_evenly(first + more, 6), timeout_s=30, what="even shares")
            produce(600)
            eventually(lambda: len(positions.read) >= 1800, timeout_s=20, what="all so far")
        produce(600)
        eventually(lambda: len(positions.read) >= 2400, timeout_s=20, what="all records")
    producer.close()

    assert sorted((r.partition, r.offset) for _, r in positions.read) == [
        (partition, offset) for partition in range(6) for offset in range(400)
    ]


BACKLOG = """
import os, sys, time
from benchmarks.memory import peak_mb
from consumers.kafka_log import KafkaGroupLog
from schemas.kafka_connection import KafkaConnection
log = KafkaGroupLog(KafkaConnection(sys.argv[1]), sys.argv[2], "backlog")
while not (assigned := log.rebalanced().assigned):
    log.poll(0.2, 1)
before = peak_mb(os.getpid())
log.start(dict.fromkeys(assigned, 0))
records = bytes = 0
until = time.monotonic() + 3
while time.monotonic() < until:
    batch = log.poll(0.2, 100)
    records, bytes = records + len(batch), bytes + sum(len(r.value) for r in batch)
    if bytes > 20_000_000:
        log.pause()
log.close()
print(records, round(peak_mb(os.getpid()) - before))
"""


def test_a_backlog_stays_with_the_broker(kafka_server: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka_server, batch_size=262_144, linger_ms=20)
    noise = bytes(range(256)) * 40
    for number in range(15_000):
        producer.send(topic, key=b"k", value=noise, partition=number % 6)
    producer.flush(60)
    producer.close()

    done = subprocess.run(
        [sys.executable, "-c", BACKLOG, kafka_server, topic],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    records, grown_mib = map(int, done.stdout.split())
    assert records >= 1_900
    assert grown_mib < 64, "of a backlog of 146 MiB"
