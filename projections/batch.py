"""A batch of events, sorted by request, as far as it can be made ready without the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from projections.planning import plan_by_key
from projections.projection import Decoded
from projections.unsealing import Unsealer
from schemas.compact import CompactEvent, compact

R = TypeVar("R")


@dataclass(slots=True)
class PreparedBatch(Generic[R]):
    """Events by request; and of those requests that have one event, what will be written.

    Nearly every request has but one event and is not in the table yet; what ``ready`` holds is
    then all that is needed of it.
    """

    events: dict[str, Decoded | list[Decoded]] = field(default_factory=dict)
    ready: dict[str, R] = field(default_factory=dict)
    spare: list[Decoded] = field(default_factory=list)
    """Those that can be read again as they are."""
    unopened: list[Decoded] = field(default_factory=list)
    """Sealed with keys that have to be looked up first."""
    asked: Any = None
    """What Projection.ask has sent, until it is taken."""

    def make(self, decoded: Decoded) -> R | None:
        """What this event, a compact one, writes alone for a new request; None: no new row."""
        raise NotImplementedError

    def take(self, events: Sequence[Decoded], unsealer: Unsealer) -> None:
        """Take in events that nobody else has; what cannot be opened yet waits for ``open``."""
        self.unopened, ready, self.spare = unsealer.open_known(events)
        self._add(ready)

    def let_go(self) -> None:
        """See Prepared.let_go. What was opened is kept, as it would be read again sealed."""
        ready = self.ready
        for decoded in self.spare:
            if decoded.held.data.request_id in ready:
                decoded.held = None
        self.spare = []

    def open(self, connection: Any, unsealer: Unsealer) -> None:
        """Take in what waits. Raises InvalidEvent and psycopg.Error, having taken in nothing."""
        if self.unopened:
            unsealer.open(connection, self.unopened)
            self._add(self.unopened)
            self.unopened, self.asked = [], None

    def taken(self, connection: Any, ask: Callable[[Any, Any], None]) -> Any:
        """What was asked in this transaction; asked now, if it was not."""
        if self.asked is None:
            plan_by_key(connection)
            ask(connection, self)
        asked, self.asked = self.asked, None
        return asked

    def join(self, later: PreparedBatch[R]) -> None:
        """See Prepared.join. ``later`` is used up."""
        self.spare += later.spare
        self.unopened += later.unopened
        if self.events.keys().isdisjoint(later.events):
            self.events |= later.events
            self.ready |= later.ready
            return
        for key, events in later.events.items():
            if key in self.events:
                for decoded in events if isinstance(events, list) else (events,):
                    self._another(key, decoded)
                continue
            self.events[key] = events
            if key in later.ready:
                self.ready[key] = later.ready[key]

    def _add(self, events: Iterable[Decoded]) -> None:
        found, ready, make = self.events, self.ready, self.make
        for decoded in events:
            event = decoded.held  # the unsealer has looked at it
            if not isinstance(event, CompactEvent):
                # The same in the form that is wanted here.
                event = compact(event)
                decoded = Decoded(decoded.record, event)  # noqa: PLW2901
            key = event.data.request_id
            if key in found:
                self._another(key, decoded)
                continue
            found[key] = decoded
            made = make(decoded)
            if made is not None:
                ready[key] = made

    def _another(self, key: str, decoded: Decoded) -> None:
        before = self.events[key]
        if isinstance(before, list):
            before.append(decoded)
        else:
            self.events[key] = [before, decoded]
        self.ready.pop(key, None)
