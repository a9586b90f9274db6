"""What ends a rebuild ends those who load for it, too."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any, cast

import pytest

from consumers.log import TopicState
from consumers.rebuild import Rebuild
from operations.rebuilding import RebuildOptions, _load

STATE = TopicState("topic", "id", {0: 0, 1: 0}, {0: 500, 1: 500})


class Loading:
    """A rebuild whose loading ends when it is broken off."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault
        self._end = threading.Event()
        self.broken_off: list[TopicState] = []

    def load(self, _: TopicState, pools: Sequence[Executor]) -> None:
        assert len(pools) == 1  # so few records are not worth another process
        pools[0].submit(self._work).result()

    def _work(self) -> None:
        if self._fault is None:
            _thread.interrupt_main()
            self._end.wait(30)
        else:
            raise self._fault

    def break_off(self, state: TopicState) -> None:
        self.broken_off.append(state)
        self._end.set()


@pytest.mark.parametrize("fault", [None, RuntimeError("no disk")])
def test_whatever_ends_it_breaks_the_loading_off(fault: Exception | None) -> None:
    work: Any = Loading(fault)
    with pytest.raises(KeyboardInterrupt if fault is None else RuntimeError):
        _load(cast(Rebuild, work), STATE, RebuildOptions())
    assert work.broken_off == [STATE]
