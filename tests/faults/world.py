"""A whole ledger under load: own servers, two workers of each projection, and the judge."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from consumers.kafka_log import KafkaLogReader
from consumers.kafka_topics import create_topic
from projections import migrate
from projections.positions import read_positions
from tests.faults.load import CHUNK, Load
from tests.plugins.own_broker import OwnBroker
from tests.plugins.own_postgres import OwnPostgres
from tests.support.checker import (
    actual_rows,
    differences,
    expected_poison,
    expected_rows,
    five_numbers,
)
from tests.support.processes import WorkerProcess
from tests.support.statistics import breakdowns_of_rows, breakdowns_of_statistics, stored_numbers
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import eventually

PROJECTIONS = ("table", "stats")
RECOVERY_S = 30.0
"""After a fault's end both projections have everything that stood in the log then, by this."""

OPEN_LETTERS = """
SELECT partition, "offset" FROM dead_letters
WHERE projection = %s AND state = 'open' ORDER BY 1, 2
"""

_numbers = itertools.count(1)


class World:
    """The ledger, its servers and its load."""

    def __init__(
        self, broker: OwnBroker, postgres: OwnPostgres, logs: Path, rng: random.Random
    ) -> None:
        self.broker = broker
        self.postgres = postgres
        self.rng = rng
        self.logs = logs
        self.name = f"faults_{int(time.time())}_{next(_numbers)}"
        self.topic = self.name.replace("_", "-")
        self.proxy = TcpProxy("127.0.0.1", postgres.port)
        self.workers: list[WorkerProcess] = []
        self.load = self._new_load()
        self._started = itertools.count(1)

    @property
    def database_url(self) -> str:
        """The database, past the proxy."""
        return self.postgres.url(self.name)

    def pause_load(self) -> None:
        """Send what was begun, and no more."""
        self.load.stop()

    def resume_load(self) -> None:
        """Send again, other requests than before."""
        self.load = self._new_load()
        self.load.start()

    def _new_load(self) -> Load:
        bootstrap = self.broker.connection.bootstrap_servers
        return Load(bootstrap, self.topic, seed=self.rng.randrange(10**6), pause_s=0.3)

    def start_worker(self, projection: str) -> WorkerProcess:
        """One more worker; its database is behind the proxy."""
        through = self.database_url.replace(f":{self.postgres.port}/", f":{self.proxy.port}/")
        environment = {
            "OMEGA_KAFKA_BOOTSTRAP_SERVERS": self.broker.connection.bootstrap_servers,
            "OMEGA_DATABASE_URL": f"{through}?sslmode=disable",
            "OMEGA_TOPIC": self.topic,
        }
        log = self.logs / f"{projection}-{next(self._started)}.log"
        worker = WorkerProcess(projection, environment, log)
        self.workers.append(worker)
        return worker

    def connect(self) -> Connection[Any]:
        """A connection of the test's own, in autocommit mode."""
        return psycopg.connect(self.database_url, autocommit=True, options="-c timezone=UTC")

    def ends(self) -> dict[int, int]:
        """Where the log ends now, for each partition."""
        reader = KafkaLogReader(self.broker.connection, self.topic)
        try:
            return dict(reader.describe().end)
        finally:
            reader.close()

    def positions(self) -> Iterator[Mapping[int, int]]:
        """Where each projection stands."""
        with self.connect() as connection:
            for name in PROJECTIONS:
                yield read_positions(connection, name, self.topic)

    def past(self, ends: Mapping[int, int]) -> bool:
        """Whether both projections have everything before ``ends``."""
        return all(
            all(found.get(number, 0) >= end for number, end in ends.items())
            for found in self.positions()
        )

    def recover(self) -> float:
        """Wait until what is sent from now on is projected; the seconds that took."""
        began = time.monotonic()
        sent = self.load.sent + 2 * CHUNK
        eventually(lambda: self.load.sent >= sent, timeout_s=RECOVERY_S, what="new records")
        self.catch_up(began + RECOVERY_S)
        return time.monotonic() - began

    def catch_up(self, deadline: float) -> None:
        """Wait until all that stands in the log now is projected, and nobody has died over it."""
        ends = self.ends()
        left_s = deadline - time.monotonic()
        eventually(lambda: self.past(ends), timeout_s=left_s, what=f"positions past {ends}")
        for worker in self.workers:
            assert worker.running(), worker.output()[-2_000:]

    def judge(self) -> int:
        """Table, statistics and dead letters against the plain fold of the log; its length."""
        self.catch_up(time.monotonic() + RECOVERY_S)
        ends = self.ends()
        reader = KafkaLogReader(self.broker.connection, self.topic)
        records = [one for batch in reader.read(dict.fromkeys(ends, 0), ends) for one in batch]
        reader.close()
        with self.connect() as connection:
            actual = actual_rows(connection)
            assert differences(expected_rows(records), actual) == []
            for projection in PROJECTIONS:
                open_letters = connection.execute(OPEN_LETTERS, (projection,)).fetchall()
                assert open_letters == expected_poison(records)
            assert stored_numbers(connection) == five_numbers(actual.values())
            assert breakdowns_of_statistics(connection) == breakdowns_of_rows(actual.values())
        return len(records)


@contextmanager
def world_under_load(
    broker: OwnBroker, postgres: OwnPostgres, logs: Path, seed: int
) -> Iterator[World]:
    """A ledger of its own with a load that runs; everything is ended with the block."""
    world = World(broker, postgres, logs, random.Random(seed))
    with ExitStack() as stack:
        stack.callback(world.proxy.close)
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {world.name}")
        migrate.upgrade(world.database_url)
        create_topic(broker.connection, world.topic, partitions=6)
        for projection in PROJECTIONS * 2:
            stack.enter_context(world.start_worker(projection))
        world.load.start()
        yield world
        world.load.stop()
