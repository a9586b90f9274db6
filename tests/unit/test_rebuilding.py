"""What ends a rebuild ends those who load for it, too."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import psutil
import psycopg
import pytest

from consumers.loaders import LOOK_S, await_loaders
from consumers.log import TopicState
from consumers.rebuild import Rebuild
from operations.loader_pools import _context, loader_pools
from operations.rebuilding import FEW, _load
from projections.faults import FenceLost
from tests.support.waiting import eventually

STATE = TopicState("topic", "id", {0: 0, 1: 0}, {0: 500, 1: 500})


class Loading:
    """A rebuild whose loading ends when it is stopped."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault
        self._end = threading.Event()
        self.stopped = False
        self.expected: Sequence[Executor] = ()

    def load(self, _: TopicState, pools: Sequence[Executor]) -> None:
        assert pools == self.expected
        pools[-1].submit(self._work).result()

    def _work(self) -> None:
        if self._fault is None:
            main = threading.main_thread().ident
            assert main is not None
            signal.pthread_kill(main, signal.SIGINT)
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
    with ThreadPoolExecutor(1) as pool:
        work.expected = [pool]
        with pytest.raises(KeyboardInterrupt if fault is None else RuntimeError):
            _load(cast(Rebuild, work), STATE, [pool])
    assert work.stopped


@pytest.mark.parametrize(
    ("records", "wanted", "used"), [(FEW - 1, None, 1), (FEW - 1, 5, 2), (FEW, None, 2)]
)
def test_there_are_no_more_who_load_than_partitions_and_one_for_few_records(
    records: int, wanted: int | None, used: int
) -> None:
    work: Any = Loading(RuntimeError("done"))
    state = TopicState("topic", "id", {0: 0, 1: 0, 2: 0}, {0: records - 1, 1: 1, 2: 0})
    with ThreadPoolExecutor(1) as own:
        others: Any = object()
        work.expected = [others, others, own][-used:]
        with pytest.raises(RuntimeError, match="done"):
            _load(cast(Rebuild, work), state, [others, others, own], wanted)


def test_a_process_with_other_threads_does_not_fork() -> None:
    ended = threading.Event()
    other = threading.Thread(target=ended.wait, args=[30])
    other.start()
    try:
        assert _context().get_start_method() == "spawn"
    finally:
        ended.set()
        other.join()


def test_who_loads_goes_when_all_is_loaded() -> None:
    work: Any = SimpleNamespace(load=lambda _, pools: pools[-1].submit(os.getpid).result())
    with ThreadPoolExecutor(1) as other, ThreadPoolExecutor(1) as own:
        _load(cast(Rebuild, work), STATE, [other, own])
        for pool in (other, own):
            with pytest.raises(RuntimeError, match="after shutdown"):
                pool.submit(os.getpid)


def test_ctrl_c_is_left_to_the_command() -> None:
    with loader_pools(2) as (other, _):
        number = other.submit(os.getpid).result(60)
        os.kill(number, signal.SIGINT)
        assert other.submit(os.getpid).result(60) == number


def test_others_end_when_they_are_let_go_of() -> None:
    with loader_pools(3) as pools:
        *others, own = pools
        first, second = (pool.submit(os.getpid).result(60) for pool in others)
        assert own.submit(os.getpid).result(60) == os.getpid()
        assert os.getpid() not in {first, second}
    eventually(lambda: not any(map(psutil.pid_exists, {first, second})), what="their end")


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
