"""Waiting for those who load a shadow, and ending their work before its end."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import suppress
from threading import Event

from projections.connections import DatabaseError

LOOK_S = 0.25
"""How often it is looked whether they are to be stopped."""


def await_loaders(
    loaders: Collection[Future[None]], stopped: Event, fence: Callable[[], object]
) -> None:
    """Wait until all have ended, and raise what the first that failed has failed with.

    When one has failed, or ``stopped`` is set, ``fence`` is called: it makes the others fail at
    their next batch, and is called again as long as the database does not take it.
    """
    left = set(loaders)
    failure: BaseException | None = None
    fenced = False
    while left:
        done, left = wait(left, LOOK_S, FIRST_EXCEPTION)
        failures = (one.exception() for one in done)
        failure = failure or next(filter(None, failures), None)
        if left and not fenced and (failure is not None or stopped.is_set()):
            with suppress(DatabaseError):
                fence()
                fenced = True
    if failure is not None:
        raise failure
