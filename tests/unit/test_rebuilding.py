"""What ends a rebuild ends those who load for it, too."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from typing import Any, cast

import psycopg
import pytest

from consumers.loaders import LOOK_S, await_loaders
from consumers.log import TopicState
from consumers.rebuild import Rebuild
from operations.rebuilding import RebuildOptions, _load
from projections.faults import FenceLost

STATE = TopicState("topic", "id", {0: 0, 1: 0}, {0: 500, 1: 500})


class Loading:
    """A rebuild whose loading ends when it is stopped."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault
        self._end = threading.Event()
        self.stopped = False

    def load(self, _: TopicState, pools: Sequence[Executor]) -> None:
        assert len(pools) == 1  # so few records are not worth another process
        pools[0].submit(self._work).result()

    def _work(self) -> None:
        if self._fault is None:
            _thread.interrupt_main()
            self._end.wait(30)
        else:
            raise self._fault

    def stop_loading(self) -> None:
        self.stopped = True
        self._end.set()


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("fault", [None, RuntimeError("no disk")])
def test_whatever_ends_it_stops_the_loading(fault: Exception | None) -> None:
    work: Any = Loading(fault)
    with pytest.raises(KeyboardInterrupt if fault is None else RuntimeError):
        _load(cast(Rebuild, work), STATE, RebuildOptions())
    assert work.stopped


def test_the_others_are_fenced_off_as_soon_as_the_database_takes_it() -> None:
    first, second, third = Future[None](), Future[None](), Future[None]()
    second.set_exception(RuntimeError("the first to fail"))
    tries: list[int] = []

    def fence() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise psycopg.errors.LockNotAvailable
        first.set_exception(FenceLost())
        third.set_result(None)

    with pytest.raises(RuntimeError, match="the first to fail"):
        await_loaders([first, second, third], threading.Event(), fence)
    assert tries == [0, 1]


def test_who_is_stopped_fences_those_who_load_once() -> None:
    stopped, loading = threading.Event(), Future[None]()
    stopped.set()
    tries = []

    def fence() -> None:
        tries.append("once")
        threading.Timer(3 * LOOK_S, loading.set_exception, [FenceLost()]).start()

    with pytest.raises(FenceLost):
        await_loaders([loading], stopped, fence)
    assert tries == ["once"]
