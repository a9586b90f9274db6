"""Pipelines whose statements are sent together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from select import select
from typing import Any

import psycopg
import psycopg._pipeline_base
import pytest
from psycopg import Connection

from projections.faults import cause_of
from projections.pipelining import is_pipelined, pipeline

pytestmark = pytest.mark.postgres

LOCK = "SELECT pg_advisory_lock(7)"
TRY = "SELECT pg_try_advisory_lock(7)"
UNLOCK = "SELECT pg_advisory_unlock(7)"


@pytest.fixture
def other(database_url: str) -> Any:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def free(other: Connection[Any]) -> bool:
    """Whether nobody holds the lock."""
    taken = bool(other.execute(TRY).fetchall()[0][0])
    if taken:
        other.execute(UNLOCK)
    return taken


def test_statements_are_sent_at_the_end(
    connection: Connection[Any], other: Connection[Any]
) -> None:
    with pipeline(connection):
        assert is_pipelined(connection)
        connection.execute(LOCK)
        assert free(other)
    assert not is_pipelined(connection)
    assert not free(other)


def test_who_asks_for_an_answer_gets_it_at_once(
    connection: Connection[Any], other: Connection[Any]
) -> None:
    with pipeline(connection):
        connection.execute(LOCK)
        second = connection.execute("SELECT 2")
        assert second.fetchone() == (2,)
        assert not free(other)
        third = connection.execute("SELECT 3")
    assert third.fetchone() == (3,)


def test_what_is_sent_with_a_statement_that_fails_is_not_done(
    connection: Connection[Any], other: Connection[Any]
) -> None:
    def run() -> None:
        with pipeline(connection):
            connection.execute("SELECT 1 / 0")
            connection.execute(LOCK)

    with pytest.raises(psycopg.errors.DivisionByZero):
        run()
    assert free(other)
    assert connection.execute("SELECT 4").fetchone() == (4,)


def test_an_error_that_comes_while_others_are_being_sent_is_told_as_it_is(
    connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    communicate = vars(psycopg._pipeline_base)["pipeline_communicate"]

    def slowly(pgconn: Any, commands: deque[Any]) -> Generator[Any, Any, Any]:
        """Sends one after the other, and waits for the answer to each."""
        answers = []
        while commands:
            answers += yield from communicate(pgconn, deque([commands.popleft()]))
            pgconn.send_flush_request()
            pgconn.flush()
            select([pgconn.socket], [], [], 5)
        return answers

    def run() -> None:
        with pipeline(connection):
            connection.execute("SELECT 1 / 0")
            connection.execute("SELECT 2")
            connection.execute("SELECT 3")

    monkeypatch.setattr(psycopg._pipeline_base, "pipeline_communicate", slowly)
    with pytest.raises(psycopg.Error) as caught:
        run()
    assert isinstance(cause_of(caught.value), psycopg.errors.DivisionByZero)
    assert connection.execute("SELECT 4").fetchone() == (4,)


def test_large_parameters_and_answers_do_not_wait_for_each_other(
    connection: Connection[Any],
) -> None:
    text = "x" * 200_000
    with pipeline(connection):
        cursors = [connection.execute("SELECT %s || %s", (text, str(n))) for n in range(100)]
    assert [cursor.fetchall()[0][0][200_000:] for cursor in cursors] == [*map(str, range(100))]


def test_many_rows_of_one_statement(connection: Connection[Any]) -> None:
    connection.execute("CREATE TABLE numbers (number int)")
    with pipeline(connection), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO numbers VALUES (%s)", [(n,) for n in range(500)])
        counted = connection.execute("SELECT count(*) FROM numbers")
    assert counted.fetchone() == (500,)


@pytest.mark.parametrize("enter", [pipeline, Connection.pipeline])
def test_pipelines_within_each_other_are_one(
    connection: Connection[Any], enter: Callable[[Connection[Any]], Any]
) -> None:
    with pipeline(connection):
        with enter(connection):
            found = connection.execute("SELECT 5")
        assert is_pipelined(connection)
    assert found.fetchone() == (5,)
    with connection.pipeline() as own:
        assert type(own) is psycopg.Pipeline


def test_an_early_error_is_told_although_the_rest_does_not_fit_into_the_socket(
    connection: Connection[Any], other: Connection[Any]
) -> None:
    """The server reads nothing while it waits; afterwards it wants all that was promised."""
    other.execute(LOCK)
    connection.execute("SET lock_timeout = '500ms'")
    told: list[BaseException] = []

    def send_all() -> None:
        try:
            with pipeline(connection):
                connection.execute(LOCK)
                connection.execute("SELECT length(%s)", ("x" * 40_000_000,))
        except psycopg.Error as exc:
            told.append(cause_of(exc))

    thread = threading.Thread(target=send_all, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "both sides wait for each other"
    assert isinstance(told[0], psycopg.errors.LockNotAvailable)
    assert connection.execute("SELECT 1").fetchone() == (1,)
