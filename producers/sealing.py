"""Sealing what is personal before it leaves: users' keys remembered, and a publisher that seals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from producers.publisher import (
    Acknowledgement,
    Answered,
    Prepared,
    Publisher,
    PublishError,
    PublishRefused,
    PublishUnavailable,
)
from schemas.codec import decode, encode
from schemas.compact import CompactEvent
from schemas.errors import InvalidEvent
from schemas.events import Event, RequestData
from schemas.sealing import (
    Cipher,
    KeysUnavailable,
    SealingKey,
    cipher_of,
    is_sealable,
    seal,
    seal_in_place,
)

T = TypeVar("T")

REFRESH_S = 5.0
"""So often it is asked which keys were destroyed; after this time nobody seals with one."""
STALE_S = 300.0
"""So long keys serve that could not be asked about, while the database is away."""
AWAY_S = 10.0
"""After a failure nobody waits for the database again within this time."""
MOST_KEYS = 100_000


class KeyStore(Protocol):
    """Where keys are kept. Every method raises KeysUnavailable."""

    def provide(self, user_ids: Collection[str]) -> Mapping[str, SealingKey]:
        """The users' keys, made where there is none."""
        ...

    def destroyed(self) -> frozenset[bytes]:
        """The ids of the keys that were destroyed of late: for STALE_S, at the least."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Sealer:
    """Seals events with their users' keys, which it remembers. All threads may use it.

    Whoever publishes for a user that is known here never waits for the database.
    """

    def __init__(self, store: KeyStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[bytes, Cipher]] = {}
        self._asked_at = clock()
        self._asking = False
        self._away_until = float("-inf")
        self._reason = ""

    def seal(self, event: Event) -> Event:
        """The event sealed; one that has nothing personal, or is sealed already, as it is.

        Raises KeysUnavailable.
        """
        data = event.data
        if not isinstance(data, RequestData) or data.sealed is not None:
            return event
        return seal(event, *self._key(data.user_id))

    def seal_in_place(self, event: CompactEvent) -> None:
        """As ``seal``, changing the event itself."""
        if is_sealable(event):
            seal_in_place(event, *self._key(event.data.user_id))

    def prepare(self, user_ids: Collection[str]) -> None:
        """Get the keys of many users at once. Raises KeysUnavailable."""
        with self._lock:
            unknown = set(user_ids) - self._keys.keys()
            if unknown:
                self._provide(unknown)

    def close(self) -> None:
        """Let go of the store."""
        with self._lock:
            self._store.close()

    def _key(self, user_id: str) -> tuple[bytes, Cipher]:
        age = self._clock() - self._asked_at
        if age > REFRESH_S and not self._asking:
            self._asking = True
            threading.Thread(target=self._ask_aside, name="sealing-keys", daemon=True).start()
        key = self._keys.get(user_id)
        if key is not None and age <= STALE_S:
            return key
        with self._lock:
            if self._clock() - self._asked_at > STALE_S:
                self._ask()
            if user_id not in self._keys:
                self._provide({user_id})
            return self._keys[user_id]

    def _ask_aside(self) -> None:
        try:
            with suppress(KeysUnavailable), self._lock:
                self._ask()
        finally:
            self._asking = False

    def _ask(self) -> None:
        """Forget what was destroyed."""
        destroyed = self._stored(self._store.destroyed)
        self._asked_at = self._clock()
        self._keys = {u: key for u, key in self._keys.items() if key[0] not in destroyed}

    def _provide(self, user_ids: Collection[str]) -> None:
        provided = self._stored(partial(self._store.provide, user_ids))
        if len(self._keys) + len(provided) > MOST_KEYS:
            self._keys = {}
        for user_id, (key_id, key) in provided.items():
            self._keys[user_id] = (key_id, cipher_of(key))

    def _stored(self, ask: Callable[[], T]) -> T:
        """What the store says; while it is away nobody waits for it."""
        if self._clock() < self._away_until:
            raise KeysUnavailable(self._reason)
        try:
            return ask()
        except KeysUnavailable as exc:
            self._away_until, self._reason = self._clock() + AWAY_S, str(exc)
            raise


class SealingPublisher:
    """A Publisher that seals what is not sealed yet, and hands it to another, which it owns."""

    def __init__(self, publisher: Publisher, sealer: Sealer) -> None:
        self._publisher = publisher
        self._sealer = sealer

    def publish(self, event: Event) -> Acknowledgement:
        """See Publisher; keys that cannot be had are PublishUnavailable."""
        return self._publisher.publish(self._sealed(event))

    def publish_async(self, event: Event) -> Future[Acknowledgement]:
        """See Publisher; as ``publish``."""
        return self._publisher.publish_async(self._sealed(event))

    def publish_many(self, events: Sequence[Prepared], answered: Answered) -> None:
        """See Publisher; as ``publish``, for each of them."""
        ready: list[Prepared] = []
        places: list[int] = []
        for index, prepared in enumerate(events):
            try:
                ready.append(self._ready(prepared))
            except PublishError as exc:
                answered(index, exc)
            else:
                places.append(index)
        if len(ready) == len(events):
            self._publisher.publish_many(ready, answered)
        else:
            self._publisher.publish_many(ready, lambda n, answer: answered(places[n], answer))

    def _ready(self, prepared: Prepared) -> Prepared:
        if not prepared.needs_seal:
            return prepared
        event = self._sealed(decode(prepared.value))
        try:
            return prepared._replace(value=encode(event), needs_seal=False)
        except InvalidEvent as exc:
            raise PublishRefused(f"event {event.id}: {exc.message}") from exc

    def flush(self, timeout_s: float) -> None:
        """See Publisher."""
        self._publisher.flush(timeout_s)

    def close(self, timeout_s: float = 5.0) -> None:
        """See Publisher."""
        self._publisher.close(timeout_s)
        self._sealer.close()

    def _sealed(self, event: Event) -> Event:
        try:
            return self._sealer.seal(event)
        except KeysUnavailable as exc:
            raise PublishUnavailable(str(exc)) from exc
