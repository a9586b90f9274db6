"""A store behind a store: while the first one is down, the second one takes the images."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from typing import TypeVar

import structlog

from producers.storage.storage import NotStored, Storage, StorageUnavailable, Stored, StoredFile

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


class FallbackStorage:
    """Storage of two. What the fallback took stays there until somebody transfers it.

    A file may lie in both, after a try whose outcome was not known or in the middle of a transfer;
    the primary's counts then.
    """

    def __init__(
        self,
        primary: Storage,
        fallback: Storage,
        *,
        pause_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``pause_s``: so long after a failure the primary is left alone, and nobody waits."""
        self._primary, self._fallback = primary, fallback
        self._pause_s = pause_s
        self._clock = clock
        self._again = clock()

    @property
    def provider(self) -> str:
        """The primary's; what ``put`` returns tells where the image went."""
        return self._primary.provider

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        """What the primary refuses for ever is not tried elsewhere."""
        if self._clock() < self._again:
            try:
                return self._fallback.put(data, filename, mime_type)
            except StorageUnavailable:
                return self._primary.put(data, filename, mime_type)
        try:
            return self._primary.put(data, filename, mime_type)
        except StorageUnavailable as exc:
            self._again = self._clock() + self._pause_s
            log.warning("the fallback takes images", until_s=self._pause_s, reason=str(exc))
            return self._in_its_place(exc, data, filename, mime_type)

    def read(self, filename: str) -> bytes:
        return self._first(lambda store: store.read(filename))

    def exists(self, filename: str) -> bool:
        try:
            self.holder(filename)
        except NotStored:
            return False
        return True

    def modified(self, filename: str) -> datetime:
        return self._first(lambda store: store.modified(filename))

    def holder(self, filename: str) -> Storage:
        return self._first(lambda store: store.holder(filename))

    def delete(self, filename: str) -> bool:
        """From both."""
        found = [store.delete(filename) for store in (self._fallback, self._primary)]
        return any(found)

    def list(self) -> Iterator[StoredFile]:
        both = heapq.merge(self._primary.list(), self._fallback.list(), key=_name)
        for _, files in groupby(both, key=_name):
            yield next(files)

    def url_of(self, filename: str) -> str:
        return self._primary.url_of(filename)

    def filename_of(self, url: str) -> str | None:
        return self._primary.filename_of(url) or self._fallback.filename_of(url)

    def _in_its_place(
        self, why: StorageUnavailable, data: bytes, filename: str, mime_type: str
    ) -> Stored:
        try:
            return self._fallback.put(data, filename, mime_type)
        except StorageUnavailable as exc:
            raise StorageUnavailable(f"{why}; and the fallback: {exc}") from exc

    def _first(self, ask: Callable[[Storage], T]) -> T:
        """The primary's answer, else the fallback's.

        While the primary does not answer, that the fallback has no such file says nothing.
        """
        try:
            return ask(self._primary)
        except NotStored:
            return ask(self._fallback)
        except StorageUnavailable as exc:
            try:
                return ask(self._fallback)
            except NotStored:
                raise exc from None


def _name(file: StoredFile) -> str:
    return file.filename
