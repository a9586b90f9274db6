"""A selector for clients that wait anew for each answer: few system calls, and cheap misses.

kafka-python asks whether a socket is registered, registers it, and takes it out again for every
wait. With the standard library's selector each of these is a system call, and each "no" formats
the socket into an error message, which takes two more; every one of them lets other threads take
the interpreter. Here the kernel goes on watching a socket for reading while nobody waits for it.
"""

from __future__ import annotations

import math
import select
import selectors
import weakref
from collections.abc import Mapping
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike


class _Watched(NamedTuple):
    """What the kernel watches, and for what."""

    file: weakref.ref[Any]
    events: int


class StickySelector(selectors.BaseSelector):
    """As ``selectors.EpollSelector``, for file objects that can be referred to weakly.

    What is registered, asked and told is the same; what the kernel watches is at times more.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._keys: dict[FileDescriptorLike, SelectorKey] = {}
        self._watched: dict[int, _Watched] = {}

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> SelectorKey:
        """Watch a file object. Raises KeyError when it is watched already, ValueError."""
        if not events or events & ~(EVENT_READ | EVENT_WRITE):
            raise ValueError(f"events: {events!r}")
        number = _number(fileobj)
        if number in self._keys:
            raise KeyError(number)
        self._watch(number, fileobj, events)
        key = self._keys[number] = SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: FileDescriptorLike) -> SelectorKey:
        """Watch it no longer. Raises KeyError when it was not."""
        key = self._keys.pop(self._number_of(fileobj))
        watched = self._watched.get(key.fd)
        if watched is not None and watched.events & EVENT_WRITE:
            # Nearly always there is room to write: the kernel would go on and on about it.
            self._watch(key.fd, fileobj, EVENT_READ)
        return key

    def modify(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> SelectorKey:
        """Watch for something else, or with other data. Raises KeyError."""
        number = self._number_of(fileobj)
        self._keys[number]
        self._watch(number, fileobj, events)
        key = self._keys[number] = SelectorKey(fileobj, number, events, data)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """What is ready, within so many seconds; None: however long it takes."""
        # As epoll counts in milliseconds: rounded up, so that nobody wakes too early, again and
        # again.
        wait = -1.0 if timeout is None else max(0.0, math.ceil(timeout * 1e3) * 1e-3)
        ready = []
        try:
            found = self._epoll.poll(wait, max(len(self._watched), 1))
        except InterruptedError:
            return []
        for number, told in found:
            events = (EVENT_READ if told & ~select.EPOLLOUT else 0) | (
                EVENT_WRITE if told & ~select.EPOLLIN else 0
            )
            key = self._keys.get(number)
            if key is not None and events & key.events:
                ready.append((key, events & key.events))
            else:
                self._unwatch(number, key)
        return ready

    def close(self) -> None:
        """Let go of everything."""
        self._epoll.close()
        self._keys.clear()
        self._watched.clear()

    def get_key(self, fileobj: FileDescriptorLike) -> SelectorKey:
        """How it is registered. Raises KeyError."""
        return self._keys[self._number_of(fileobj)]

    def get_map(self) -> Mapping[FileDescriptorLike, SelectorKey]:
        """What is registered, by number."""
        return self._keys

    def _watch(self, number: int, fileobj: Any, events: int) -> None:
        """Have the kernel watch for this at least, and for writing only if it is asked for."""
        watched = self._watched.get(number)
        if watched is not None and watched.file() is not fileobj:
            # That one was closed, and its number given again.
            self._renew()
            watched = None
        if watched is None:
            self._epoll.register(number, _mask(events))
        elif watched.events in (events, events | EVENT_READ):
            return
        else:
            events |= watched.events & EVENT_READ
            self._epoll.modify(number, _mask(events))
        self._watched[number] = _Watched(weakref.ref(fileobj), events)

    def _unwatch(self, number: int, key: SelectorKey | None) -> None:
        """The kernel tells of what nobody waits for."""
        try:
            if key is not None:
                self._epoll.modify(number, _mask(key.events))
                self._watched[number] = self._watched[number]._replace(events=key.events)
            else:
                self._epoll.unregister(number)
                self._watched.pop(number, None)
        except OSError:
            self._renew()

    def _renew(self) -> None:
        """Begin anew with what is registered.

        The kernel forgets a closed file, but not while another process, forked off before, has it
        open still; and then nobody can take it out any more.
        """
        self._epoll.close()
        self._epoll = select.epoll()
        self._watched = {}
        for key in self._keys.values():
            with suppress(OSError):
                self._epoll.register(key.fd, _mask(key.events))
                self._watched[key.fd] = _Watched(weakref.ref(key.fileobj), key.events)

    def _number_of(self, fileobj: FileDescriptorLike) -> int:
        """Its number; of one that was closed meanwhile, the number that it had."""
        try:
            return _number(fileobj)
        except ValueError:
            for key in self._keys.values():
                if key.fileobj is fileobj:
                    return key.fd
            raise


def _number(fileobj: FileDescriptorLike) -> int:
    number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    if number < 0:
        raise ValueError("the file is closed")
    return number


def _mask(events: int) -> int:
    return (select.EPOLLIN if events & EVENT_READ else 0) | (
        select.EPOLLOUT if events & EVENT_WRITE else 0
    )


Selector: type[selectors.BaseSelector] = (
    StickySelector if hasattr(select, "epoll") else selectors.DefaultSelector
)
"""The best that this machine has."""
