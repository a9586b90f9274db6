"""The processes that load a shadow: this one, and others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from pathlib import Path

from operations.garbage import look_seldom

_THREADS = Path("/proc/self/task")


@contextmanager
def loader_pools(processes: int) -> Iterator[Sequence[Executor]]:
    """For each that loads one pool; that of this process comes last.

    To be entered before anything is opened: processes that can be forked are so at once, and would
    hold on to connections that are open by then. Others are spawned when they are needed. When all
    went well, it is not waited for their end.
    """
    with ThreadPoolExecutor(1, initializer=look_seldom) as own:
        if processes == 1:
            yield [own]
            return
        context = _context()
        others = ProcessPoolExecutor(processes - 1, context, initializer=_begin)
        try:
            if context.get_start_method() == "fork":
                others.submit(_nothing)
            yield (*[others] * (processes - 1), own)
        except BaseException:
            others.shutdown()
            raise
        others.shutdown(wait=False)


def _context() -> BaseContext:
    """A forked process has nothing to import, which takes others most of a second.

    Locks that other threads hold would be held in it for ever, so it takes a process that has none.
    """
    alone = sys.platform == "linux" and len(list(_THREADS.iterdir())) == 1
    return multiprocessing.get_context("fork" if alone else "spawn")


def _begin() -> None:
    look_seldom()
    # In a terminal Ctrl-C reaches all of them; the command says what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Who waits for work would not notice that there is nobody any more who gives it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _nothing() -> None:
    """What has all processes of a pool forked."""
