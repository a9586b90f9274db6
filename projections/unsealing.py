"""Opening what is sealed in events, before they are projected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from psycopg import Connection

from projections.dead_letters import DeadLetter
from projections.projection import Decoded
from projections.user_keys import look_up
from schemas.errors import InvalidEvent
from schemas.events import ImageFailed, ImageGenerated
from schemas.sealing import key_id_of, unsealed

KEEP_S = 60.0
"""A key that was destroyed is remembered by no process for longer."""
MOST_KEYS = 50_000

Keys = dict[bytes, bytes | None]


class Unsealer:
    """Remembers keys for a while. One thread uses it.

    ``types`` are the events' data whose personal fields the projection needs.
    """

    def __init__(
        self,
        types: frozenset[type] = frozenset({ImageGenerated, ImageFailed}),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._types = types
        self._clock = clock
        self._keys: Keys = {}
        self._since = clock()

    def open(self, connection: Connection[Any], events: Sequence[Decoded]) -> None:
        """Open the events in place: they were decoded for whoever calls, and nobody else has them.

        A record's fault is InvalidEvent; whatever was opened before it stays so.
        """
        sealed = self._sealed(events)
        if sealed:
            self._fetch(connection, sealed)
            for one in sealed:
                self._open(one)

    def open_each(
        self, connection: Connection[Any], events: Sequence[Decoded]
    ) -> tuple[Sequence[Decoded], list[DeadLetter]]:
        """As ``open``, but what cannot be opened comes back apart."""
        sealed = self._sealed(events)
        if not sealed:
            return events, []
        self._fetch(connection, sealed)
        letters = []
        bad = set()
        for one in sealed:
            try:
                self._open(one)
            except InvalidEvent as exc:
                bad.add(id(one))
                letters.append(DeadLetter(one.record, exc.error_class, exc.message))
        return [one for one in events if id(one) not in bad], letters

    def _sealed(self, events: Iterable[Decoded]) -> list[Decoded]:
        types = self._types
        return [
            one
            for one in events
            if one.event.data.__dict__.get("sealed") is not None and type(one.event.data) in types
        ]

    def _fetch(self, connection: Connection[Any], sealed: Iterable[Decoded]) -> None:
        if self._clock() - self._since > KEEP_S or len(self._keys) > MOST_KEYS:
            self._keys.clear()
            self._since = self._clock()
        needed = set()
        for one in sealed:
            with suppress(InvalidEvent):
                key_id = key_id_of(one.event.data.__dict__["sealed"])
                if key_id not in self._keys:
                    needed.add(key_id)
        if needed:
            self._keys |= look_up(connection, needed)

    def _open(self, decoded: Decoded) -> None:
        data = decoded.event.data
        assert isinstance(data, ImageGenerated | ImageFailed)  # noqa: S101  # it is sealed
        key_id = key_id_of(data.sealed or "")
        if key_id not in self._keys:
            raise InvalidEvent(
                "SealingKeyUnknown",
                f"data.sealed: user_keys has no key {key_id.hex()}; restore that table, redrive",
            )
        # Frozen means: to others. A copy of every event would cost as much as decoding it.
        data.__dict__.update(unsealed(data, self._keys[key_id]))
