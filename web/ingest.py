"""Events from tools that do not speak Kafka: one CloudEvent, a batch of them, or JSON lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import anyio
from fastapi import APIRouter, Depends, Header, Request
from pydantic_core import to_json
from starlette.responses import Response

from schemas.compact import CompactEvent, read_strict
from schemas.errors import InvalidEvent
from web.batches import BATCH, LINES, ONE, Item, items_of
from web.errors import ApiError
from web.idempotency import MAX_KEY, Answers, OtherRequest
from web.ingest_results import (
    RETRY_AFTER_S,
    Forbidden,
    IngestAnswer,
    Outcome,
    answer_over,
    outcome_name,
    result,
    status_over,
)
from web.security import Caller, require
from web.site import Site, site_of
from web.tokens import Holder

router = APIRouter(prefix="/api/v1", tags=["ingest"])

QUEUE = 4
"""For each thread so many requests may be here; whoever comes then is asked to come again."""

EXAMPLE = {
    "specversion": "1.0",
    "id": "0193a1b2-0000-7000-8000-000000000001",
    "source": "/tools/generateUserImage",
    "type": "ImageGenerated",
    "time": "2026-11-23T00:00:00Z",
    "dataschema": "urn:omega-images:ImageGenerated:1",
    "data": {
        "request_id": "req-1",
        "user_id": "123",
        "tool_name": "generateUserImage",
        "prompt": "A quiet harbour at dusk",
        "storage_url": "https://images.example/harbour.png",
        "storage_provider": "s3",
    },
}

_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        ONE: {"schema": {"type": "object"}, "example": EXAMPLE},
        BATCH: {"schema": {"type": "array", "items": {"type": "object"}}, "example": [EXAMPLE]},
        LINES[0]: {"schema": {"type": "string"}},
    },
}
_MODEL = {"model": IngestAnswer}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: _MODEL | {"description": "Every event is in the log, or on the server's disk"},
    207: _MODEL | {"description": "Some are; the results say which"},
    400: _MODEL | {"description": "None is: they are invalid"},
    403: _MODEL | {"description": "None is: the token is not good for them"},
    409: _MODEL | {"description": "The Idempotency-Key was used for another request"},
    503: _MODEL | {"description": "None is: try again after Retry-After seconds"},
}


class Desk:
    """Where requests with events wait for their turn."""

    def __init__(self, threads: int) -> None:
        self.turns = anyio.CapacityLimiter(threads)
        self.answers = Answers()
        self.present = 0
        self.room = threads * QUEUE


@router.post(
    "/events",
    status_code=HTTPStatus.ACCEPTED,
    responses=_ANSWERS,
    openapi_extra={"requestBody": _BODY},
    summary="Hand in events",
)
async def hand_in(
    request: Request,
    caller: Annotated[Caller, Depends(require("ingest"))],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=MAX_KEY)] = None,
) -> Response:
    """One CloudEvent, a batch, or JSON lines; each event is judged by itself.

    The same event (its id and request id) may be handed in again and changes nothing.
    """
    desk: Desk = request.app.state.desk
    if desk.present >= desk.room:
        error, wait = "Too many requests with events at once", {"Retry-After": "1"}
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error, wait)
    desk.present += 1
    try:
        content_type, body = request.headers.get("content-type", ""), await request.body()
        assert caller.holder is not None  # noqa: S101  # nobody has the role ingest without a token
        asked = _Asked(caller.holder, content_type, body, idempotency_key)
        site = site_of(request)
        return await anyio.to_thread.run_sync(_answer, site, desk, asked, limiter=desk.turns)
    finally:
        desk.present -= 1


class _Asked(NamedTuple):
    """What somebody has handed in."""

    holder: Holder
    content_type: str
    body: bytes
    key: str | None

    def whole(self) -> bytes:
        """All that has to be the same for it to be the same request."""
        return self.content_type.encode() + b"\n" + self.body


def _answer(site: Site, desk: Desk, asked: _Asked) -> Response:
    """On a thread of its own: takes time, and waits for disk and Kafka."""
    if asked.key is not None and (known := _known(desk, asked, asked.key)) is not None:
        return _response(HTTPStatus.ACCEPTED, known, {"Idempotent-Replayed": "true"})
    results = _take_all(site, asked)
    for outcome, count in Counter(map(outcome_name, results)).items():
        site.metrics.events.labels(outcome).inc(count)
    status, answer = status_over(results), to_json(answer_over(results))
    if asked.key is not None and status == HTTPStatus.ACCEPTED:
        desk.answers.keep(asked.holder.name, asked.key, asked.whole(), answer)
    again = any(one["status"] == HTTPStatus.SERVICE_UNAVAILABLE for one in results)
    return _response(status, answer, {"Retry-After": str(RETRY_AFTER_S)} if again else {})


def _known(desk: Desk, asked: _Asked, key: str) -> bytes | None:
    try:
        return desk.answers.find(asked.holder.name, key, asked.whole())
    except OtherRequest:
        error = "Idempotency-Key: was used for another request"
        raise ApiError(HTTPStatus.CONFLICT, error) from None


def _take_all(site: Site, asked: _Asked) -> list[dict[str, Any]]:
    items = items_of(asked.content_type, asked.body)
    limit = site.limits.ingest_events
    if len(items) > limit:
        error = f"The body has {len(items)} events, limit {limit}"
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error)
    judged = [_judge(asked.holder, value) for _, value in items]
    good = [event for event in judged if not isinstance(event, InvalidEvent | Forbidden)]
    published = iter(site.publisher.publish_all(good))
    return [_result(item, event, published) for item, event in zip(items, judged, strict=True)]


def _result(
    item: Item, judged: CompactEvent | InvalidEvent | Forbidden, published: Iterator[Outcome]
) -> dict[str, Any]:
    if isinstance(judged, InvalidEvent | Forbidden):
        return result(item[0], None, judged)
    return result(item[0], judged, next(published))


def _judge(holder: Holder, value: bytes) -> CompactEvent | InvalidEvent | Forbidden:
    try:
        event = read_strict(value)
    except InvalidEvent as exc:
        return exc
    data = event.data
    if getattr(data, "row_id", None) is not None and "operate" not in holder.roles:
        # A row's own id is for bringing old rows over; a tool that makes one up takes another's.
        return Forbidden("data.row_id is for tokens of the role operate only")
    if holder.tools is None:
        return event
    if getattr(data, "tool_name", None) in holder.tools:
        return event
    # Moving and deleting name no tool, so they would reach the images of all.
    tools = ", ".join(sorted(holder.tools))
    return Forbidden(f"The token {holder.name} is good for images and failures of {tools} only")


def _response(status: int, body: bytes, headers: dict[str, str]) -> Response:
    return Response(body, status, headers, media_type="application/json")
