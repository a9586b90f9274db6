"""What became of the events of a request: one result for each, and the answer over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from producers.publisher import Acknowledgement, PublishError, PublishRefused, Spooled
from producers.spool_errors import SpoolError, SpoolFull
from schemas.compact import CompactEvent
from schemas.errors import InvalidEvent

log = structlog.stdlib.get_logger(__name__)

RETRY_AFTER_S = 5


class EventResult(BaseModel):
    """What became of one event."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    index: int = Field(description="Its place in the request, from 0; of JSON lines the line's")
    status: int = Field(description="202 taken; 400 invalid; 403 not allowed; 503 try again")
    request_id: str | None = None
    event_id: str | None = None
    row_id: str | None = Field(None, description="The row's id, if it is its request's first event")
    partition: int | None = None
    offset: str | None = None
    token: str | None = Field(None, description="With it a reader can wait for the event")
    spooled: bool | None = Field(None, description="Safe on the server's disk; Kafka gets it later")
    error: str | None = None
    error_class: str | None = None


class IngestAnswer(BaseModel):
    """What became of all of them."""

    success: bool = Field(description="Whether every event was taken")
    accepted: int
    refused: int
    error: str | None = None
    results: list[EventResult]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The token is not good for this event."""

    error: str


NotAcknowledged = Spooled | InvalidEvent | Forbidden | PublishError | SpoolError
Outcome = Acknowledgement | NotAcknowledged


def result(index: int, event: CompactEvent | None, outcome: Outcome) -> dict[str, Any]:
    """The result of one event, as JSON has it; large numbers are strings."""
    if isinstance(outcome, Acknowledgement):
        return _acknowledged(index, outcome)
    found: dict[str, Any] = {"index": index, **_told(outcome)}
    if event is not None:
        found |= {"eventId": event.id, "requestId": event.data.request_id}
    return found


def _acknowledged(index: int, place: Acknowledgement) -> dict[str, Any]:
    """As nearly all are, of which there may be thousands in an answer."""
    return {
        "index": index,
        "status": 202,
        "rowId": str(place.row_id),
        "partition": place.partition,
        "offset": str(place.offset),
        "token": place.token,
        "spooled": False,
        "eventId": place.event_id,
        "requestId": place.request_id,
    }


def _told(outcome: NotAcknowledged) -> Mapping[str, Any]:
    match outcome:
        case Spooled():
            return {"status": 202, "spooled": True}
        case InvalidEvent():
            return _refused(400, outcome.message, outcome.error_class)
        case Forbidden():
            return _refused(403, outcome.error, "Forbidden")
    return _not_published(outcome)


def _not_published(outcome: PublishError | SpoolError) -> Mapping[str, Any]:
    """What the server's own trouble is, nobody else has to know."""
    if isinstance(outcome, PublishRefused):
        if isinstance(cause := outcome.__cause__, InvalidEvent):
            return _refused(400, cause.message, cause.error_class)
        log.error("Kafka refuses an event that was handed in", reason=str(outcome))
        return _refused(400, "The log refuses the event", "Refused")
    log.warning("an event that was handed in is not taken", reason=str(outcome))
    if isinstance(outcome, SpoolFull):
        return _refused(503, "Too many events wait for Kafka: try again later", "SpoolFull")
    return _refused(503, "The event cannot be taken now: try again", "Unavailable")


def _refused(status: int, error: str, error_class: str) -> Mapping[str, Any]:
    return {"status": status, "error": error, "errorClass": error_class}


OUTCOMES = {400: "invalid", 403: "forbidden", 503: "unavailable"}


def outcome_name(found: Mapping[str, Any]) -> str:
    """The outcome as the metric has it."""
    if found["status"] == 202:
        return "spooled" if found["spooled"] else "acknowledged"
    return OUTCOMES[found["status"]]


def status_over(results: Sequence[Mapping[str, Any]]) -> int:
    """Of the whole answer: 202 all taken, 207 some; else the reason, the most hopeful first."""
    statuses: set[int] = {one["status"] for one in results}
    if statuses <= {202}:
        return HTTPStatus.ACCEPTED
    if 202 in statuses:
        return HTTPStatus.MULTI_STATUS
    return max(statuses) if 503 in statuses else min(statuses)


def answer_over(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer as JSON has it."""
    refused = [one for one in results if one["status"] != 202]
    found: dict[str, Any] = {
        "success": not refused,
        "accepted": len(results) - len(refused),
        "refused": len(refused),
        "results": results,
    }
    if refused:
        first = refused[0]
        which = f"Event {first['index']}: " if len(results) > 1 else ""
        found["error"] = which + first["error"]
    return found
