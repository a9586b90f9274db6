"""Failures by their kind: how many, since when, of which tools and models, with examples."""

from __future__ import annotations

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from projections.failures import (
    MAX_EXAMPLES,
    MAX_FAILURES,
    FailureGroup,
    failed_images,
    read_failures,
)
from projections.images import GeneratedImageRecord
from web.api.answers import CACHED, Model, answer
from web.api.image_model import Image
from web.api.parameters import TIMEOUT, Span
from web.errors import ApiError
from web.security import require
from web.site import Site, site_of

router = APIRouter(
    prefix="/api/v1/failures", tags=["failures"], dependencies=[Depends(require("read"))]
)


class FailuresOfDay(Model):
    """A day of the trend."""

    day: date
    failures: int


class Origin(Model):
    """Where failures come from."""

    tool_name: str
    model: str | None
    failures: int


class FailureKind(Model):
    """Failures that differ only in ids, numbers, URLs or quoted text."""

    fingerprint: str
    label: str
    failures: int
    users: int
    first: datetime
    last: datetime
    trend: list[FailuresOfDay] = Field(description="In UTC; days without any are left out.")
    origins: list[Origin] = Field(description="The most frequent first.")
    examples: list[Image] = Field(description="The newest.")


class FailureKinds(Model):
    """The kinds of failures in a span."""

    kinds: list[FailureKind]
    complete: bool = Field(
        description=f"false: there are older ones; the newest {MAX_FAILURES:,} are grouped."
    )


class FailureAnswer(Model):
    """One kind of failures."""

    kind: FailureKind
    complete: bool


class FailuresQuery(Span):
    """Which kinds."""

    limit: int = Field(50, ge=1, le=200, description="Kinds at most.")


@router.get("", response_model=FailureKinds, responses=CACHED | TIMEOUT)
def list_failures(request: Request, query: Annotated[FailuresQuery, Query()]) -> Response:
    """The kinds of failures, the most frequent first, each with up to three examples."""
    site = site_of(request)
    query.arrive(site, "stats")
    kinds, complete = _read(site, since=query.since, until=query.until, limit=query.limit)
    return answer(request, FailureKinds(kinds=kinds, complete=complete))


@router.get(
    "/{fingerprint}",
    response_model=FailureAnswer,
    responses=CACHED | TIMEOUT,
)
def get_failure(
    request: Request,
    fingerprint: Annotated[str, Path(examples=["0f3a5c7e9b1d"])],
    query: Annotated[Span, Query()],
) -> Response:
    """One kind of failures, with up to twenty examples."""
    site = site_of(request)
    query.arrive(site, "stats")
    span: dict[str, Any] = {"since": query.since, "until": query.until}
    if "\0" in fingerprint:
        raise ApiError(HTTPStatus.NOT_FOUND, "No failure of this kind")
    kinds, complete = _read(site, fingerprint=fingerprint, examples=MAX_EXAMPLES, **span)
    if not kinds:
        raise ApiError(HTTPStatus.NOT_FOUND, "No failure of this kind")
    return answer(request, FailureAnswer(kind=kinds[0], complete=complete))


def _read(site: Site, **asked: Any) -> tuple[list[FailureKind], bool]:
    with site.pool.connection() as connection:
        groups = read_failures(connection, **asked)
        wanted = [request_id for group in groups for request_id in group.requests]
        rows = failed_images(connection, wanted) if wanted else {}
    complete = not groups or groups[0].looked_at < MAX_FAILURES
    return [_kind(group, rows) for group in groups], complete


def _kind(group: FailureGroup, rows: dict[str, GeneratedImageRecord]) -> FailureKind:
    return FailureKind(
        fingerprint=group.fingerprint,
        label=group.label,
        failures=group.failures,
        users=group.users,
        first=group.first.astimezone(UTC),
        last=group.last.astimezone(UTC),
        trend=[FailuresOfDay(**one) for one in group.trend],
        origins=[Origin(**one) for one in group.origins],
        examples=[Image.of(rows[one]) for one in group.requests if one in rows],
    )
