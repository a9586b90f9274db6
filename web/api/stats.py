"""Numbers: the sums of the statistics, and what the newest images tell beside."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from projections.analytics import MAX_ROWS, read_activity
from projections.statistics_reads import (
    Dimension,
    Entry,
    Numbers,
    read_breakdown,
    read_days,
    read_numbers,
)
from web.api.answers import CACHED, Model, answer
from web.api.parameters import TIMEOUT, Span, Waiting
from web.security import require
from web.site import site_of

router = APIRouter(prefix="/api/v1", tags=["numbers"], dependencies=[Depends(require("read"))])

By = Literal["day", "tool", "model", "provider", "user", "error"]


class Sums(Model):
    """The document's five numbers, and the share of successes."""

    total_images: int
    unique_users: int
    successful: int
    failed: int
    avg_file_size: float | None = Field(description="Bytes, of the images that tell them.")
    success_rate: float | None = Field(description="0 to 1; null without any image.")

    @classmethod
    def of(cls, numbers: Numbers) -> Sums:
        """The numbers for programs."""
        return cls(**_sums(numbers))


class Group(Sums):
    """The sums of the images that have one value."""

    value: str | None = Field(description="null: those that have none, as failures no provider.")
    label: str | None = Field(description="What an error's fingerprint stands for.")


class Breakdown(Model):
    """Sums by one thing: days in their order, others with the most images first."""

    by: By
    groups: list[Group]


class BreakdownQuery(Waiting):
    """Which groups."""

    limit: int = Field(50, ge=1, le=1_000, description="Groups at most.")
    first: date | None = Field(None, description="Days: from this one on.")
    last: date | None = Field(None, description="Days: up to this one.")


class Hour(Model):
    """An hour of the week."""

    weekday: int = Field(description="1 is Monday.")
    hour: int = Field(description="0 to 23, UTC.")
    images: int


class TagCount(Model):
    """A tag."""

    tag: str
    images: int


class SizeCount(Model):
    """A size in pixels, as the tool said."""

    size: str | None
    images: int
    avg_bytes: int | None


class FileSizes(Model):
    """Images of one order of size."""

    from_bytes: int = Field(description="A power of two; up to twice of it.")
    images: int


class Latency(Model):
    """How long a tool took, by metadata.latency_ms or metadata.duration_ms."""

    tool_name: str | None = Field(description="null: all tools.")
    images: int = Field(description="That tell it.")
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


class Activity(Model):
    """The newest images of a span, looked at from several sides."""

    images: int = Field(description="How many this is of.")
    complete: bool = Field(description=f"false: there are older ones; {MAX_ROWS:,} are looked at.")
    first: datetime | None
    last: datetime | None
    hours: list[Hour]
    tags: list[TagCount]
    sizes: list[SizeCount]
    file_sizes: list[FileSizes]
    latency: list[Latency]


@router.get("/stats", response_model=Sums, responses=CACHED | TIMEOUT)
def stats(request: Request, query: Annotated[Waiting, Query()]) -> Response:
    """The sums over all images, exact at every commit, without a scan."""
    site = site_of(request)
    query.arrive(site, "stats")
    with site.pool.connection() as connection:
        return answer(request, Sums.of(read_numbers(connection)))


@router.get(
    "/stats/{by}",
    response_model=Breakdown,
    responses=CACHED | TIMEOUT,
)
def breakdown(request: Request, by: By, query: Annotated[BreakdownQuery, Query()]) -> Response:
    """The sums by day, tool, model, provider, user or error's fingerprint.

    Of days the newest are told, in their order.
    """
    site = site_of(request)
    query.arrive(site, "stats")
    with site.pool.connection() as connection:
        if by == "day":
            first, last = query.first or date.min, query.last or date.max
            entries = read_days(connection, first, last)[-query.limit :]
        else:
            entries = read_breakdown(connection, Dimension(by), query.limit)
    return answer(request, Breakdown(by=by, groups=[_group(entry) for entry in entries]))


@router.get("/analytics", response_model=Activity, responses=CACHED | TIMEOUT)
def analytics(request: Request, query: Annotated[Span, Query()]) -> Response:
    """Busy hours, tags, sizes and latency, of the newest images of a span."""
    site = site_of(request)
    query.arrive(site, "table")
    with site.pool.connection() as connection:
        found = read_activity(connection, query.since, query.until)
    activity = Activity(
        images=found.images,
        complete=found.images < MAX_ROWS,
        first=_utc(found.first),
        last=_utc(found.last),
        hours=[Hour(**one) for one in found.hours],
        tags=[TagCount(**one) for one in found.tags],
        sizes=[SizeCount(**one) for one in found.sizes],
        file_sizes=[FileSizes(**one) for one in found.file_sizes],
        latency=[Latency(**one) for one in found.latency],
    )
    return answer(request, activity)


def _group(entry: Entry) -> Group:
    return Group(value=entry.value, label=entry.label, **_sums(entry.numbers))


def _sums(numbers: Numbers) -> dict[str, int | float | None]:
    size = numbers.avg_file_size
    return {
        **numbers._asdict(),
        "avg_file_size": float(size) if isinstance(size, Decimal) else None,
        "success_rate": numbers.successful / numbers.total_images if numbers.total_images else None,
    }


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC)
