"""What a producer offers, whatever it writes to, and how publishing can fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from schemas.events import Event
from schemas.record import Position, row_id


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """All in-sync replicas have the event, at this place."""

    partition: int
    offset: int
    request_id: str
    event_id: str

    @property
    def position(self) -> Position:
        """Where the event stands."""
        return Position(self.partition, self.offset)

    @property
    def row_id(self) -> int:
        """The row's id in ``generated_images``, if this was its request's first event."""
        return row_id(self.partition, self.offset)

    @property
    def token(self) -> str:
        """The place as text, ``partition:offset``, with which a reader can wait for the event."""
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Spooled:
    """The event is safe on this machine's disk, and will be sent as soon as Kafka takes it."""

    request_id: str
    event_id: str
    reason: str
    """Why it was not sent yet, in one line."""


Receipt = Acknowledgement | Spooled
"""The event will not be lost."""


class Prepared(NamedTuple):
    """An event that is ready to be sent."""

    event_id: str
    request_id: str
    value: bytes
    """The event as ``schemas.codec.encode`` makes it."""
    needs_seal: bool = False
    """Whether it may have something personal that is not sealed."""


Answered = Callable[[int, "Acknowledgement | PublishError"], None]
"""Is told what came of the event at this place among those that were sent together."""


def parse_token(token: str) -> Position:
    """The place that an acknowledgement's token names. Raises ValueError."""
    partition, separator, offset = token.partition(":")
    if not (separator and partition.isdecimal() and offset.isdecimal() and len(token) <= 30):
        raise ValueError(f"{token[:30]!r} is no token: must be partition:offset, as in 3:1042")
    return Position(int(partition), int(offset))


class Publisher(Protocol):
    """Publishes events. All threads may use it."""

    def publish(self, event: Event) -> Acknowledgement:
        """Wait until the event is acknowledged, for at most the publisher's deadline.

        Raises PublishRefused, PublishUnavailable or PublishTimeout.
        """
        ...

    def publish_async(self, event: Event) -> Future[Acknowledgement]:
        """Send without waiting for the acknowledgement.

        The future is done by the deadline, with an acknowledgement or a PublishError; it cannot be
        cancelled, and its callbacks run on the publisher's own thread, so they must be quick.
        Waits, for at most the deadline, while too much is outstanding. Raises PublishRefused and
        PublishUnavailable (TooManyOutstanding among them) for what is certain at once.
        """
        ...

    def publish_many(self, events: Sequence[Prepared], answered: Answered) -> None:
        """As publish_async for each in their order, at a fraction of the cost.

        ``answered`` is told of each event once, by the deadline, on the publisher's own thread or
        on this one, so it must be quick; it may be told before this returns. Raises
        PublishUnavailable for what is certain of all at once, and then has told of none that it
        would have sent.
        """
        ...

    def flush(self, timeout_s: float) -> None:
        """Wait until nothing is outstanding; whether it failed, each future tells.

        Raises PublishTimeout when something still is.
        """
        ...

    def close(self, timeout_s: float = 5.0) -> None:
        """Flush for so long, then fail what is left with PublishTimeout. May be called twice."""
        ...


class ReceiptPublisher(Protocol):
    """As Publisher, but may keep what Kafka does not take now. Every Publisher is one.

    All threads may use it.
    """

    def publish(self, event: Event) -> Receipt:
        """As Publisher's."""
        ...

    def flush(self, timeout_s: float) -> None:
        """As Publisher's."""
        ...

    def close(self, timeout_s: float = 5.0) -> None:
        """As Publisher's; what is kept stays kept."""
        ...


class PublishError(Exception):
    """The event was not published, or it is not known whether it was."""


class PublishRefused(PublishError):
    """The event is not published, and never will be as it is: invalid, too large, not allowed."""


class PublishUnavailable(PublishError):
    """The event is not published, for no fault of its own; try again."""


class TooManyOutstanding(PublishUnavailable):
    """So much waits for its acknowledgement that no more is taken."""


class PublisherClosed(PublishUnavailable):
    """The publisher was closed."""


class PublishTimeout(PublishError):
    """Nobody knows whether the event was published. Publishing it again is harmless."""
