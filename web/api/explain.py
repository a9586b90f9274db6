"""Why a row is what it is: the events of a request, from the log."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from consumers.explaining import Explanation, UnknownRow, explain, known_of
from consumers.log import LogError
from web.api.answers import CACHED, Model, answer
from web.api.parameters import TIMEOUT, Waiting
from web.errors import ApiError
from web.security import require
from web.site import Site, site_of

router = APIRouter(
    prefix="/api/v1/explain", tags=["explain"], dependencies=[Depends(require("read"))]
)

MAX_RECORDS = 200_000
"""Records that are read for one answer: some seconds of reading."""


class ToldEvent(Model):
    """An event, where it stands in the log, and what became of it."""

    place: str = Field(description="partition:offset")
    sent: datetime
    time: datetime
    type: str
    event_id: str
    source: str
    made_the_row: bool
    why: str


class DeadLetter(Model):
    """A record of the request that was set aside."""

    id: int
    projection: str
    partition: int
    offset: int
    state: str
    error_class: str
    message: str


class History(Model):
    """A request: its events in order, and what the tables have of it."""

    request_id: str
    events: list[ToldEvent]
    kept: dict[str, dict[str, Any]] = Field(description="Its row in each table that has one.")
    dead_letters: list[DeadLetter]
    records_read: int
    partitions_read: list[int]
    complete: bool = Field(
        description=f"false: only {MAX_RECORDS:,} records were read, `omega-images explain` reads"
        " them all."
    )


@router.get(
    "/{request:path}",
    response_model=History,
    responses=CACHED | TIMEOUT,
)
def explain_request(
    request: Request,
    given: Annotated[
        str,
        Path(
            alias="request",
            description="A row's id, or a request's.",
            examples=["4294968320"],
        ),
    ],
    query: Annotated[Waiting, Query()],
) -> Response:
    """The events of a request in order, what became of each, and what the tables have of it."""
    site = site_of(request)
    query.arrive(site, "table")
    told = _explanation(site, given) if "\0" not in given else None
    if told is None or told.is_empty:
        raise ApiError(HTTPStatus.NOT_FOUND, "Neither the log nor a table knows this request")
    facts = told.facts()
    history = History(
        **facts
        | {
            "events": [ToldEvent(**one) for one in facts["events"]],
            "dead_letters": [DeadLetter(**one) for one in facts["dead_letters"]],
        }
    )
    return answer(request, history)


def _explanation(site: Site, given: str) -> Explanation | None:
    try:
        with site.pool.connection() as connection:
            known = known_of(connection, given)
    except UnknownRow:
        return None
    try:
        reader = site.reader()
        try:
            return explain(reader, known, max_records=MAX_RECORDS)
        finally:
            reader.close()
    except LogError as exc:
        error = "The log cannot be read now: try again"
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error, {"Retry-After": "5"}) from exc
