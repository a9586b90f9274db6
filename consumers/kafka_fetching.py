"""What librdkafka's consumer is told (its CONFIGURATION.md), and tells (its STATISTICS.md)."""

from __future__ import annotations

from typing import Any

import msgspec


class _Broker(msgspec.Struct):
    nodeid: int
    state: str
    source: str


class _Partition(msgspec.Struct):
    leader: int


class _Topic(msgspec.Struct):
    partitions: dict[str, _Partition]


class _Statistics(msgspec.Struct):
    brokers: dict[str, _Broker]
    topics: dict[str, _Topic]


def silent(statistics: str, topic: str) -> set[int]:
    """The topic's partitions whose leaders do not answer, as the library's statistics tell it."""
    told = msgspec.json.decode(statistics, type=_Statistics)
    # Beside the brokers themselves there are the addresses given, and the group's coordinator.
    brokers = [one for one in told.brokers.values() if one.source != "logical"]
    up = {one.nodeid for one in brokers if one.state == "UP" and one.nodeid >= 0}
    known = told.topics.get(topic, _Topic({}))
    return {int(n) for n, state in known.partitions.items() if state.leader not in up}


def fetch_settings(
    partition_bytes: int, group: str, watch: bool, wait_s: float = 0.0
) -> dict[str, Any]:
    """Fetch so much of a partition at once. ``group`` is not joined; ``watch``: tell statistics.

    ``wait_s``: so long a broker may wait until there is as much; else it answers with the first.
    """
    return {
        # The library insists on one. It looks for its coordinator, and does not join.
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        # Records of an aborted transaction never happened.
        "isolation.level": "read_committed",
        "check.crcs": True,
        # Tells where a log ends behind the last record.
        "enable.partition.eof": True,
        # A broker that hangs is noticed after this time, as one that died is at once.
        "socket.timeout.ms": 6_000,
        "reconnect.backoff.max.ms": 1_000,
        "statistics.interval.ms": 1_000 if watch else 0,
        "fetch.min.bytes": partition_bytes if wait_s else 1,
        "fetch.wait.max.ms": round(wait_s * 1_000) or 250,
        "fetch.message.max.bytes": partition_bytes,
        "fetch.max.bytes": 8 * partition_bytes,
        # Has to be less, and says nothing of what is read.
        "message.max.bytes": 8 * partition_bytes,
        # What is ready, decompressed, and how soon it is looked whether there is room for more.
        "queued.max.messages.kbytes": 32 * partition_bytes // 1024,
        # With a few messages instead, far less is fetched, but a partition that is looked at while
        # they are being taken is left out of a fetch that waits (docs/performance.md).
        "fetch.queue.backoff.ms": 5,
    }
