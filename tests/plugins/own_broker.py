"""A Kafka of a test's own, which it may freeze and kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.embedded.kafka import Kafka
from schemas.kafka_connection import KafkaConnection
from tests.plugins.servers import CACHE
from tests.support.freezing import freeze


class OwnBroker:
    """A broker that can hang, die and come back on the same port with its data."""

    def __init__(self, home: Path) -> None:
        CACHE.mkdir(mode=0o700, exist_ok=True)
        self.home = home
        self._kafka = Kafka(home, shared=CACHE)
        self._server = self._kafka.start(None)
        self.connection = KafkaConnection(f"127.0.0.1:{self._server.port}")

    def freeze(self) -> None:
        """It answers nothing more, and its connections stay."""
        freeze(self._server.pid)

    def thaw(self) -> None:
        """It goes on where it stopped."""
        os.kill(self._server.pid, signal.SIGCONT)

    def kill(self) -> None:
        """It is gone at once."""
        self._server.stop(signal.SIGKILL, 10)

    def restart(self) -> None:
        """It comes back, if it was killed."""
        if not self._server.alive():
            self._server = self._kafka.start(self._server.port)

    def stop(self) -> None:
        """It goes in an orderly way."""
        self.thaw()
        self._kafka.stop(self._server)


@pytest.fixture(scope="session")
def broker_of_the_session(server_home: Path) -> Iterator[OwnBroker]:
    """One for all tests that take it in turns."""
    broker = OwnBroker(server_home / "own-kafka")
    yield broker
    if broker._server.alive():
        broker.stop()


@pytest.fixture
def own_broker(broker_of_the_session: OwnBroker) -> Iterator[OwnBroker]:
    """A broker that runs, and will again when the test has ended."""
    broker = broker_of_the_session
    yield broker
    broker.restart()
    broker.thaw()
