"""What a trace needs of whoever follows a request from its tool to its row.

Spans belong together by their ``traceparent`` (W3C Trace Context), which travels in the event as
CloudEvents' Distributed Tracing extension. Who records them, and where to, is wired elsewhere.
"""

from __future__ import annotations

from typing import Protocol


class Span(Protocol):
    """A piece of work under way."""

    @property
    def traceparent(self) -> str | None:
        """What to hand on to those who go on with it; None when nobody records it."""
        ...

    def end(self, error: BaseException | None = None) -> None:
        """It is done, or has failed. Only the error's class is told: texts may be personal."""
        ...


class Tracer(Protocol):
    """Records spans. All threads may use it; it never raises and never waits."""

    def begin(
        self, name: str, parent: str | None = None, attributes: dict[str, str | int] | None = None
    ) -> Span:
        """A span from now on; without ``parent`` (a traceparent), of whatever is current here."""
        ...

    def record(
        self,
        name: str,
        parent: str,
        began_ns: int,
        ended_ns: int,
        attributes: dict[str, str | int],
    ) -> None:
        """A span that is over; times in nanoseconds since 1970."""
        ...


class NoSpan:
    """Nothing is recorded."""

    traceparent: str | None = None

    def end(self, error: BaseException | None = None) -> None:
        """See Span."""


class NoTracer:
    """Tracing that is not configured."""

    def begin(
        self, name: str, parent: str | None = None, attributes: dict[str, str | int] | None = None
    ) -> Span:
        """See Tracer."""
        del name, parent, attributes
        return NO_SPAN

    def record(
        self,
        name: str,
        parent: str,
        began_ns: int,
        ended_ns: int,
        attributes: dict[str, str | int],
    ) -> None:
        """See Tracer."""


NO_SPAN = NoSpan()
NO_TRACER = NoTracer()
