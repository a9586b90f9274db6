"""Tools go on being called while Kafka is dead and their process is killed; nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from consumers.kafka_log import KafkaLogReader
from consumers.kafka_topics import create_topic
from producers.recovery import ERROR
from producers.spool import Spool
from producers.storage import LocalStorage
from schemas.codec import decode_record
from schemas.record import Record
from tests.plugins.own_broker import OwnBroker
from tests.support.calling_process import THREADS
from tests.support.checker import Row, expected_rows

CALLS = 1_000

UNDER_WAY = 2 * THREADS
"""Calls that the two kills can have cut off."""

pytestmark = pytest.mark.kafka


class Bot:
    """The process whose tools are called."""

    def __init__(self, broker: OwnBroker, topic: str, folder: Path, calls: Iterable[int]) -> None:
        servers = broker.connection.bootstrap_servers
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.calling_process", servers, topic, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, calls)))
        self._process.stdin.close()
        self.begun: set[int] = set()

    def run_until(self, begun: int) -> None:
        """So many calls have begun."""
        assert self._process.stdout is not None
        while len(self.begun) < begun:
            line = self._process.stdout.readline()
            assert line, "the process ended"
            self.begun.add(int(line))

    def kill(self) -> set[int]:
        """Kill -9; the calls that had begun."""
        self._process.kill()
        return self.finish()

    def finish(self) -> set[int]:
        """Wait for its end."""
        assert self._process.stdout is not None
        self.begun |= {int(line) for line in self._process.stdout.read().split()}
        self._process.stdout.close()
        self.exit_code = self._process.wait(120)
        return self.begun


def records_of(broker: OwnBroker, topic: str) -> list[Record]:
    """The whole log."""
    reader = KafkaLogReader(broker.connection, topic)
    state = reader.describe()
    records = [record for batch in reader.read(state.begin, state.end) for record in batch]
    reader.close()
    return records


def test_a_thousand_calls_with_a_dead_kafka_and_two_kills(
    own_broker: OwnBroker, topic_name: str, tmp_path: Path
) -> None:
    create_topic(own_broker.connection, topic_name, partitions=6)
    left = set(range(CALLS))
    bot = Bot(own_broker, topic_name, tmp_path, sorted(left))
    bot.run_until(300)
    own_broker.kill()
    bot.run_until(500)
    left -= bot.kill()

    bot = Bot(own_broker, topic_name, tmp_path, sorted(left))
    bot.run_until(200)
    left -= bot.kill()

    bot = Bot(own_broker, topic_name, tmp_path, sorted(left))
    bot.run_until(50)
    own_broker.restart()
    left -= bot.finish()

    assert bot.exit_code == 0
    assert left == set()
    records = records_of(own_broker, topic_name)
    rows = expected_rows(records)
    assert rows.keys() == {f"call-{number}" for number in range(CALLS)}
    unfinished = [row for number, row in numbered(rows) if not as_called(number, row)]
    assert all(row["status"] == "failed" and row["error"] == ERROR for row in unfinished)
    assert len(unfinished) <= UNDER_WAY
    check_once_each(records)
    check_images(rows, LocalStorage(tmp_path / "images", "http://localhost/uploads"))
    spool = Spool(tmp_path / "spool.db")
    assert spool.status()[:4] == (0, 0, 0, 0)
    spool.close()


def numbered(rows: dict[str, Row]) -> Iterator[tuple[int, Row]]:
    """The rows with the numbers of their calls."""
    return ((int(request.removeprefix("call-")), row) for request, row in rows.items())


def as_called(number: int, row: Row) -> bool:
    """Whether the row tells what this call comes to when nobody kills it."""
    if number % 10 == 0:
        return (row["status"], row["error"]) == ("failed", "no such chart")
    return bool(row["status"] == "success")


def check_once_each(records: list[Record]) -> None:
    """Whatever was sent twice is the same event; but calls that were made twice, by the kills."""
    ids: dict[str, set[str]] = defaultdict(set)
    for event in map(decode_record, records):
        ids[event.data.request_id].add(event.id)
    assert sum(len(events) > 1 for events in ids.values()) <= UNDER_WAY


def check_images(rows: dict[str, Row], storage: LocalStorage) -> None:
    """Every image that is told of is stored, and every stored one is told of."""
    told = {row["storage_url"] for row in rows.values() if row["status"] == "success"}
    assert told == {storage.url_of(file.filename) for file in storage.list()}
