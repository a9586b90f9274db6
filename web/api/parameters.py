"""Parameters that several routes share: times, and waiting for what was written just now."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from producers.publisher import parse_token
from projections.read_your_writes import ReadTimeout, is_past, wait_for
from schemas.record import MAX_PARTITIONS
from web.errors import ApiError, ErrorAnswer
from web.site import Site

MAX_WAIT_S = 30.0
MAX_WAITING = 8
"""Requests that wait at the same time; each has a thread and a connection."""

_waiting = threading.BoundedSemaphore(MAX_WAITING)

TIMEOUT: dict[int | str, dict[str, Any]] = {
    504: {"model": ErrorAnswer, "description": "Not here yet: the event is safe in the log"}
}
"""For OpenAPI: what a route with ``wait`` may answer beside."""

_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]{8,26}([Zz]|[+-][0-9]{2}:[0-9]{2})")


def _moment(value: object) -> datetime:
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("must be a time with its zone, as in 2026-11-23T00:00:00Z")


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-23T00:00:00Z"]}),
]


class Parameters(BaseModel):
    """A query; what it does not know is refused, and not passed over in silence."""

    model_config = ConfigDict(extra="forbid")


class Waiting(Parameters):
    """For answers that must hold what was written just now."""

    wait: str | None = Field(
        None,
        pattern=r"^[0-9]{1,4}:[0-9]{1,18}$",
        description="The token of an acknowledgement: answer when its event has arrived.",
        json_schema_extra={"format": "wait-token"},
        examples=["3:1042"],
    )
    timeout: float = Field(
        5.0, gt=0, le=MAX_WAIT_S, description="Seconds to wait at most.", examples=[5]
    )

    def arrive(self, site: Site, projection: str) -> None:
        """Return when the projection has come past the token's place, if there is one.

        Raises ApiError 400 for a place that no topic has, 503 while too many wait, and 504 when
        it takes too long.
        """
        if self.wait is None:
            return
        place = parse_token(self.wait)
        if place.partition >= MAX_PARTITIONS:
            raise ApiError(HTTPStatus.BAD_REQUEST, f"wait: there is no partition {place.partition}")
        with site.pool.connection() as connection:
            if is_past(connection, projection, site.topic, place):
                return
        if not _waiting.acquire(blocking=False):
            error = "Too many requests wait already: try again"
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error, {"Retry-After": "1"})
        try:
            with site.connect() as connection:
                wait_for(connection, projection, site.topic, place, self.timeout)
        except ReadTimeout as exc:
            error = f"Not here within {self.timeout:g} s: the event is safe, ask again"
            raise ApiError(HTTPStatus.GATEWAY_TIMEOUT, error, {"Retry-After": "1"}) from exc
        finally:
            _waiting.release()


class Span(Waiting):
    """A span of time."""

    since: Moment | None = Field(None, description="From then on.")
    until: Moment | None = Field(None, description="Before then.")
