"""After a transfer: the fallback's old bytes go, when nothing speaks of them any more.

An old file goes only when the table has shown the image at its new place, by an ImageMoved, for a
while that this run has seen from beginning to end, and the new place has the very same bytes.
Whoever read the old URL from the table has that while to fetch it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from producers.storage import NotStored, Storage
from projections.connections import Connection
from projections.places import rows_at

BATCH = 500


class Sweep:
    """Looks for the fallback's files that were moved to ``primary``, and removes them."""

    def __init__(
        self,
        connection: Connection[Any],
        primary: Storage,
        fallback: Storage,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._primary, self._fallback = primary, fallback
        self._sleep = sleep

    def moved(self) -> list[str]:
        """The fallback's files whose images the table shows at their new place, and only there."""
        files = (file.filename for file in self._fallback.list())
        found: list[str] = []
        while batch := list(islice(files, BATCH)):
            found.extend(self._moved_of(batch))
        return found

    def remove(self, grace_s: float) -> tuple[int, int]:
        """How many old files are gone, and how many stay although the table shows them moved.

        Waits for ``grace_s`` between two looks. Raises StorageUnavailable.
        """
        before = self.moved()
        if not before:
            return 0, 0
        self._sleep(grace_s)
        gone = sum(self._remove(batch) for batch in _batches(before))
        return gone, len(before) - gone

    def _moved_of(self, filenames: Sequence[str]) -> list[str]:
        new = {self._primary.url_of(name): name for name in filenames}
        old = {self._fallback.url_of(name): name for name in filenames}
        rows = rows_at(self._connection, [*new, *old])
        moved = {new[row.storage_url] for row in rows if row.storage_url in new and row.moved_here}
        still = {old[row.storage_url] for row in rows if row.storage_url in old}
        return sorted(moved - still)

    def _remove(self, filenames: Sequence[str]) -> int:
        """Of these, those that are still moved, and whose bytes are at the new place."""
        equal = (name for name in self._moved_of(filenames) if self._same_bytes(name))
        return sum(self._fallback.delete(name) for name in equal)

    def _same_bytes(self, filename: str) -> bool:
        try:
            return _digest(self._primary, filename) == _digest(self._fallback, filename)
        except NotStored:
            return False


def _digest(store: Storage, filename: str) -> bytes:
    return hashlib.sha256(store.read(filename)).digest()


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))
