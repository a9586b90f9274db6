"""Failures by their kind: how many, since when, of which tools and models, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from projections.failures import MAX_FAILURES, FailureGroup, failed_images, read_failures
from projections.images import GeneratedImageRecord
from projections.statistics_reads import Numbers, read_days
from web.charts import Columns, Series, columns
from web.formats import day, percent
from web.pages.spans import CHOICES, Span
from web.security import require
from web.site import site_of
from web.templating import page

router = APIRouter(include_in_schema=False, dependencies=[Depends(require("read"))])

EXAMPLES = 3
KINDS = 50
SMALL = 84


class Kind(NamedTuple):
    """A kind of failures, with its trend as a chart."""

    group: FailureGroup
    chart: Columns
    days: list[tuple[date, int]]
    examples: list[GeneratedImageRecord]


@router.get("/failures")
def failures(request: Request) -> Response:
    """The kinds of failures in a span, the most frequent first."""
    site, span = site_of(request), Span.of(request.query_params.get("days"))
    with site.pool.connection() as connection:
        groups = read_failures(connection, span.since, limit=KINDS, examples=EXAMPLES)
        rows = failed_images(connection, [one for group in groups for one in group.requests])
        numbers = {
            date.fromisoformat(entry.value): entry.numbers
            for entry in read_days(connection, span.first, span.last)
            if entry.value
        }
    total = sum(one.failed for one in numbers.values())
    asked = sum(one.total_images for one in numbers.values())
    return page(
        request,
        "failures.html",
        active="failures",
        kinds=[_kind(group, rows, span) for group in groups],
        total=total,
        asked=asked,
        share=percent(total, asked),
        trend=_trend(span, numbers),
        days=[(one, numbers[one]) for one in reversed(span.all_days) if one in numbers],
        span=span,
        spans=CHOICES,
        complete=not groups or groups[0].looked_at < MAX_FAILURES,
    )


def _kind(group: FailureGroup, rows: Mapping[str, GeneratedImageRecord], span: Span) -> Kind:
    per_day = group.per_day()
    counts = [per_day.get(one, 0) for one in span.all_days]
    labels = [day(one) for one in span.all_days]
    summary = f"{group.label or group.fingerprint}: {group.failures} failures by day"
    chart = columns(summary, labels, [Series("bad", "failures", counts)], plot=SMALL)
    examples = [rows[one] for one in group.requests if one in rows]
    return Kind(group, chart, sorted(per_day.items(), reverse=True), examples)


def _trend(span: Span, numbers: Mapping[date, Numbers]) -> Columns:
    counts = [numbers[one].failed if one in numbers else 0 for one in span.all_days]
    labels = [day(one) for one in span.all_days]
    summary = f"Failures by day: {sum(counts)} in {span.name}"
    return columns(summary, labels, [Series("bad", "failures", counts)])
