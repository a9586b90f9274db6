"""Publishing a file of CloudEvents, one JSON object a line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import BinaryIO

from producers.publisher import Acknowledgement, Publisher, PublishError, PublishRefused
from schemas.codec import decode_strict
from schemas.errors import InvalidEvent
from schemas.limits import MAX_VALUE_BYTES

MAX_LINE_BYTES = MAX_VALUE_BYTES + 65_536
"""Of a longer line only so much is read: it is refused whatever it holds."""

IN_FLIGHT = 2_000
"""Lines whose answers are waited for; what is not yet answered is not yet forgotten."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no event, or one that Kafka will never take."""

    line: int
    reason: str


@dataclass(slots=True)
class Emitted:
    """What came of the lines so far."""

    published: int = 0
    refused: int = 0


class EmitInterrupted(Exception):
    """Kafka could not be reached; ``line`` is the first whose event may not be published."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class Emitter:
    """Publishes lines and reports on each, in their order."""

    def __init__(
        self,
        publisher: Publisher,
        refuse: Callable[[Refused], None],
        acknowledge: Callable[[int, Acknowledgement], None],
    ) -> None:
        self._publisher = publisher
        self._refuse = refuse
        self._acknowledge = acknowledge
        self._waiting: deque[tuple[int, Future[Acknowledgement]]] = deque()
        self.emitted = Emitted()

    def emit(self, lines: BinaryIO, *, skip: int = 0) -> Emitted:
        """Publish all lines but the first ``skip``; empty ones are passed over.

        Raises EmitInterrupted when Kafka does not answer within the publisher's deadline.
        """
        for number, line in numbered(lines):
            if number > skip and line.strip():
                self._send(number, line)
            while len(self._waiting) > IN_FLIGHT:
                self._settle()
        while self._waiting:
            self._settle()
        return self.emitted

    def _send(self, number: int, line: bytes) -> None:
        answer: Future[Acknowledgement]
        try:
            answer = self._publisher.publish_async(decode_strict(line))
        except (InvalidEvent, PublishError) as exc:
            answer = Future()
            answer.set_exception(exc)
        self._waiting.append((number, answer))
        if answer.done() and _is_outage(answer.exception()):
            # Every further line would wait for as long as this one did.
            while self._waiting:
                self._settle()

    def _settle(self) -> None:
        number, answer = self._waiting.popleft()
        try:
            acknowledgement = answer.result()
        except (InvalidEvent, PublishRefused) as exc:
            self.emitted.refused += 1
            self._refuse(Refused(number, str(exc)))
        except PublishError as exc:
            raise EmitInterrupted(number, str(exc)) from exc
        else:
            self.emitted.published += 1
            self._acknowledge(number, acknowledgement)


def _is_outage(exc: BaseException | None) -> bool:
    return isinstance(exc, PublishError) and not isinstance(exc, PublishRefused)


def numbered(lines: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, from 1; no more than ``limit`` bytes of one are kept."""
    number = 0
    while line := lines.readline(limit):
        number += 1
        rest = line
        while len(rest) == limit and not rest.endswith(b"\n"):
            rest = lines.readline(limit)
        yield number, line
