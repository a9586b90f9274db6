"""Pipelines of statements that are sent together.

psycopg's own pipeline sends each statement by itself and looks for answers after each. The
server wakes for each of them, and where processors are scarce both sides wait for each other a
dozen times where once is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from psycopg import Connection, Pipeline
from psycopg.generators import send
from psycopg.pq import PipelineStatus


def is_pipelined(connection: Connection[Any]) -> bool:
    """Whether statements are sent in a pipeline now, in which COPY cannot be used."""
    return connection.info.pipeline_status != PipelineStatus.OFF


@contextmanager
def pipeline(connection: Connection[Any]) -> Iterator[None]:
    """As ``connection.pipeline()``; statements are sent when an answer is asked for, or at the end.

    For statements that are few enough to be held in memory.
    """
    with connection.lock:
        if connection._pipeline is None:
            # There is no public way to say which kind of pipeline it is to be.
            connection._pipeline = _Together(connection)
    with connection.pipeline():
        yield


class _Together(Pipeline):
    """Sends what is queued before it fetches, and not before, and all of it at once."""

    def _communicate_gen(self) -> Generator[Any, Any, None]:
        return
        yield

    def _fetch_gen(self, *, flush: bool) -> Generator[Any, Any, None]:
        queued = list(self.command_queue)
        # With a Sync at its end the server answers without being asked to.
        flush = flush and self.pgconn.pipeline_sync not in queued[-1:]
        try:
            if queued:
                # psycopg would look at the socket before and after each, and send it by itself.
                self.command_queue.clear()
                self.command_queue.append(partial(_run, queued))
                yield from super()._communicate_gen()
                yield from send(self.pgconn)
        finally:
            # When an error came while statements were being sent, too: a pipeline with answers
            # in it cannot be left.
            yield from super()._fetch_gen(flush=flush)


def _run(commands: Iterable[Callable[[], None]]) -> None:
    for command in commands:
        command()
