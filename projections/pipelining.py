"""Pipelines of statements that are sent together.

psycopg's own pipeline sends each statement by itself and looks for answers after each. The
server wakes for each of them, and where processors are scarce both sides wait for each other a
dozen times where once is enough.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
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
        queued, synced = list(self.command_queue), False

        def run() -> None:
            nonlocal synced
            for command in queued:
                command()
            synced = self.pgconn.pipeline_sync in queued[-1:]

        try:
            if queued:
                # psycopg would look at the socket before and after each, and send it by itself.
                self.command_queue.clear()
                self.command_queue.append(run)
                try:
                    yield from super()._communicate_gen()
                finally:
                    # After an early error, too: the server waits for the rest before it goes on.
                    yield from send(self.pgconn)
        finally:
            # A pipeline with answers in it cannot be left. After a Sync they come unasked.
            yield from super()._fetch_gen(flush=flush and not synced)
