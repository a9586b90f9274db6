"""Waiting for one's own event: by notification, with a deadline, and never by asking again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from psycopg import Connection

from projections import read_your_writes
from projections.connections import connector
from projections.positions import NOTIFY_CHANNEL, Claim, ProjectionKey, advance, announce, claim
from projections.read_your_writes import ReadTimeout, wait_for
from schemas.record import Position
from tests.support.waiting import eventually

pytestmark = pytest.mark.postgres

KEY = ProjectionKey("table", "t", "topic-id")


class Writer:
    """Moves the position of partition 0, as a worker would."""

    def __init__(self, url: str) -> None:
        self.connection: Connection[Any] = connector(url, "writer")()
        self.claims = claim(self.connection, KEY, "writer", {0})

    def move_to(self, offset: int) -> None:
        with self.connection.transaction():
            advance(self.connection, KEY, self.claims, {0: offset})
            announce(self.connection, KEY)
        self.claims = {0: Claim(0, offset, self.claims[0].epoch)}


@pytest.fixture
def writer(database_url: str) -> Iterator[Writer]:
    made = Writer(database_url)
    yield made
    made.connection.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the position was asked for."""
    times: list[float] = []
    is_past = read_your_writes.is_past

    def counted(*arguments: Any) -> bool:
        times.append(time.monotonic())
        return is_past(*arguments)

    monkeypatch.setattr(read_your_writes, "is_past", counted)
    return times


def more_than(times: list[float], number: int) -> bool:
    return len(times) > number


def test_what_is_there_already_is_not_waited_for(
    connection: Connection[Any], writer: Writer, asked: list[float]
) -> None:
    writer.move_to(5)
    wait_for(connection, "table", "t", Position(0, 4), 0.0)
    assert len(asked) == 1


def test_it_returns_when_the_position_has_passed_and_not_before(
    connection: Connection[Any], writer: Writer, asked: list[float]
) -> None:
    done = threading.Event()

    def wait() -> None:
        wait_for(connection, "table", "t", Position(0, 4), 20)
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: len(asked) >= 1, what="the first look")
    for offset in (1, 2, 4):
        seen = len(asked)
        writer.move_to(offset)
        eventually(partial(more_than, asked, seen), what="a look")
        assert not done.is_set()
    writer.move_to(5)
    thread.join(10)
    assert done.is_set()


def test_nobody_asks_again_without_a_notification(
    connection: Connection[Any], writer: Writer, asked: list[float]
) -> None:
    began = time.monotonic()
    with pytest.raises(ReadTimeout, match="0:4") as late:
        wait_for(connection, "table", "t", Position(0, 4), 1.0)
    assert 0.9 < time.monotonic() - began < 5
    assert len(asked) <= 3
    assert "\n" not in str(late.value)


def test_a_flood_of_notifications_of_others_is_no_reason_to_give_up(
    connection: Connection[Any], writer: Writer, asked: list[float]
) -> None:
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            writer.connection.execute("SELECT pg_notify(%s, 'stats')", (NOTIFY_CHANNEL,))
        writer.move_to(9)

    thread = threading.Thread(target=flood)
    thread.start()
    threading.Timer(0.5, stop.set).start()
    wait_for(connection, "table", "t", Position(0, 8), 20)
    thread.join(10)
    assert asked
