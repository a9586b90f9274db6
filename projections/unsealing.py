"""Opening what is sealed in events, before they are projected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection

from projections.dead_letters import DeadLetter
from projections.projection import Decoded
from projections.user_keys import look_up
from schemas.compact import Failed, Generated
from schemas.errors import InvalidEvent
from schemas.events import ImageFailed, ImageGenerated
from schemas.sealing import Cipher, cipher_of, key_id_of, open_in_place, sealed_bytes

KEEP_S = 60.0
"""A key that was destroyed is remembered by no process for longer."""
MOST_KEYS = 50_000

Ciphers = dict[bytes, Cipher | None]


class Unsealer:
    """Remembers keys for a while. One thread uses it.

    ``types`` are the events' data whose personal fields the projection needs.
    """

    def __init__(
        self,
        types: frozenset[type] = frozenset({ImageGenerated, ImageFailed, Generated, Failed}),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._types = types
        self._clock = clock
        self._ciphers: Ciphers = {}
        self._since = clock()

    def open_known(
        self, events: Sequence[Decoded]
    ) -> tuple[list[Decoded], list[Decoded], list[Decoded]]:
        """Those that ``open`` has to open yet; the others; and of these the ones as they were read.

        Without the database, and so that another thread may call it: what was sealed with keys
        that are remembered is opened in place.
        """
        types = self._types
        unopened, ready, plain = list[Decoded](), list[Decoded](), list[Decoded]()
        known = {} if self._clock() - self._since > KEEP_S else self._ciphers
        for decoded in events:
            data: Any = (decoded.held or decoded.event).data
            if type(data) in types and data.sealed is not None:
                (ready if _opened(data, known) else unopened).append(decoded)
            else:
                ready.append(decoded)
                plain.append(decoded)
        return unopened, ready, plain

    def open(self, connection: Connection[Any], events: Sequence[Decoded]) -> None:
        """Open the events in place: they were decoded for whoever calls, and nobody else has them.

        A record's fault is InvalidEvent; whatever was opened before it stays so.
        """
        sealed = self._sealed(events)
        if sealed:
            blobs = [sealed_bytes(data.sealed) for data in sealed]
            self._fetch(connection, blobs)
            for data, blob in zip(sealed, blobs, strict=True):
                self._open(data, blob)

    def open_each(
        self, connection: Connection[Any], events: Sequence[Decoded]
    ) -> tuple[Sequence[Decoded], list[DeadLetter]]:
        """As ``open``, but what cannot be opened comes back apart."""
        try:
            self.open(connection, events)
        except InvalidEvent:
            return self._open_apart(connection, events)
        return events, []

    def _open_apart(
        self, connection: Connection[Any], events: Sequence[Decoded]
    ) -> tuple[list[Decoded], list[DeadLetter]]:
        good, letters = [], []
        for one in events:
            try:
                self.open(connection, [one])
                good.append(one)
            except InvalidEvent as exc:
                letters.append(DeadLetter(one.record, exc.error_class, exc.message))
        return good, letters

    def _sealed(self, events: Iterable[Decoded]) -> list[Any]:
        """The data of those that are, and are needed."""
        types, found = self._types, list[Any]()
        for decoded in events:
            data: Any = (decoded.held or decoded.event).data
            if type(data) in types and data.sealed is not None:
                found.append(data)
        return found

    def _fetch(self, connection: Connection[Any], blobs: Iterable[bytes]) -> None:
        if self._clock() - self._since > KEEP_S or len(self._ciphers) > MOST_KEYS:
            self._ciphers.clear()
            self._since = self._clock()
        needed = {key_id_of(blob) for blob in blobs} - self._ciphers.keys()
        if needed:
            for key_id, key in look_up(connection, needed).items():
                self._ciphers[key_id] = None if key is None else cipher_of(key)

    def _open(self, data: Any, blob: bytes) -> None:
        key_id = key_id_of(blob)
        if key_id not in self._ciphers:
            raise InvalidEvent(
                "SealingKeyUnknown",
                f"data.sealed: user_keys has no key {key_id.hex()}; restore that table, redrive",
            )
        open_in_place(data, blob, self._ciphers[key_id])


def _opened(data: Any, known: Mapping[bytes, Cipher | None]) -> bool:
    """Whether it could be opened; what is wrong with one that could not, ``open`` will say."""
    try:
        blob = sealed_bytes(data.sealed)
        open_in_place(data, blob, known[key_id_of(blob)])
    except (KeyError, InvalidEvent):
        return False
    return True
