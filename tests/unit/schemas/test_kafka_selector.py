"""The selector tells what the standard library's tells, whatever is done to it and its sockets."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.kafka_connection import KafkaConnection
from schemas.kafka_selector import StickySelector

BOTH = EVENT_READ | EVENT_WRITE
ENDS = 3

_end = st.integers(0, ENDS - 1)
_events = st.sampled_from([EVENT_READ, EVENT_WRITE, BOTH])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("register"), _end, _events),
        st.tuples(st.just("modify"), _end, _events),
        st.tuples(st.sampled_from(["unregister", "send", "receive", "leave", "select"]), _end),
        st.tuples(st.sampled_from(["reopen", "reopen, and somebody else has it"]), _end),
    ),
    max_size=40,
)


class World:
    """Sockets, and a selector over one end of each."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.selector = selector
        self.kept: list[socket.socket] = []
        self.pairs = [self._pair() for _ in range(ENDS)]

    def _pair(self) -> tuple[socket.socket, socket.socket]:
        mine, other = socket.socketpair()
        mine.setblocking(False)
        other.setblocking(False)
        return mine, other

    def do(self, what: str, end: int, *more: int) -> Any:
        """What came of it: the error's type, or an answer that can be compared."""
        mine, other = self.pairs[end]
        try:
            if what == "send":
                other.send(b"x")
            elif what == "receive":
                return mine.recv(10)
            elif what == "leave":
                other.close()
            elif what == "select":
                return self.ready()
            elif what.startswith("reopen"):
                self._reopen(end, shared="else" in what)
            else:
                key = getattr(self.selector, what)(mine, *more, *([end] if more else []))
                return key.events, key.data
        except (KeyError, OSError) as exc:
            return type(exc)

    def _reopen(self, end: int, *, shared: bool) -> None:
        mine, other = self.pairs[end]
        with suppress(KeyError):
            self.selector.unregister(mine)
        if shared:
            self.kept.append(socket.socket(fileno=os.dup(mine.fileno())))
        mine.close()
        other.close()
        self.pairs[end] = self._pair()

    def ready(self) -> set[tuple[int, int]]:
        return {(key.data, events) for key, events in self.selector.select(0)}

    def close(self) -> None:
        self.selector.close()
        for one in [*self.kept, *(end for pair in self.pairs for end in pair)]:
            one.close()


@given(steps=steps)
@settings(max_examples=300)
def test_it_tells_what_the_standard_one_tells(steps: list[Any]) -> None:
    worlds = [World(selectors.DefaultSelector()), World(StickySelector())]
    try:
        for step in [*steps, ("select", 0)]:
            standard, sticky = (world.do(*step) for world in worlds)
            assert sticky == standard, step
            # What the kernel said for nothing it says once.
            assert worlds[1].ready() == worlds[0].ready()
    finally:
        for world in worlds:
            world.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    mine, other = socket.socketpair()
    yield mine, other
    mine.close()
    other.close()


class Counted:
    """An epoll that counts what it is asked to change."""

    def __init__(self, epoll: Any) -> None:
        self._epoll, self.changes = epoll, 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.changes += name in ("register", "modify", "unregister")
        return getattr(self._epoll, name)  # type: ignore[no-any-return]  # epoll's own


def test_waiting_for_one_answer_after_another_costs_no_system_calls(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    mine, other = pair
    with StickySelector() as selector:
        counted: Any = Counted(selector._epoll)
        selector._epoll = counted
        for _ in range(100):
            selector.register(mine, EVENT_READ)
            other.send(b"x")
            assert selector.select(1)
            mine.recv(1)
            selector.unregister(mine)
        assert counted.changes == 1


def test_what_another_process_still_has_open_does_not_keep_it_awake(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    mine, other = pair
    with StickySelector() as selector:
        selector.register(mine, EVENT_READ)
        selector.unregister(mine)
        elsewhere = os.dup(mine.fileno())
        mine.close()
        other.send(b"x")
        assert selector.select(0) == []
        # The kernel has nothing more to say: this waits, and ends by its time only.
        assert selector._epoll.poll(0) == []
        os.close(elsewhere)


def test_a_socket_that_is_gone_is_not_kept(pair: tuple[socket.socket, socket.socket]) -> None:
    with StickySelector() as selector:
        mine, closed = pair[0], socket.socket()
        selector.register(mine, EVENT_READ)
        mine.close()
        closed.close()
        with pytest.raises(ValueError, match="closed"):
            selector.get_key(closed)
        assert selector.unregister(mine).fileobj is mine
        assert not selector.get_map()


def test_every_client_is_given_it() -> None:
    arguments = KafkaConnection("127.0.0.1:9092").client_arguments()
    assert arguments["selector"] is StickySelector
