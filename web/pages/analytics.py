"""Analytics: images by day, tool, model and user; sizes, latency, busy hours, tags."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from projections.analytics import MAX_ROWS, Activity, read_activity
from projections.connections import Connection
from projections.page_reads import names_of
from projections.statistics_reads import (
    Dimension,
    Entry,
    Numbers,
    read_breakdown,
    read_days,
    read_numbers,
)
from web.charts import Bars, Columns, Line, Series, bars, columns, level, shares
from web.formats import day, milliseconds, number, percent, size
from web.pages.spans import CHOICES, Span
from web.security import require
from web.site import site_of
from web.templating import page

router = APIRouter(include_in_schema=False, dependencies=[Depends(require("read"))])

MOST_BARS = 10
LEAST_BUSY = 5
NO_LATENCY = "No image of this span tells it: tools write metadata.latency_ms, or duration_ms."
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Table(NamedTuple):
    """What stands behind a chart, to the digit."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class Figure(NamedTuple):
    """A chart with its title and its table; ``kind`` is the macro that draws it."""

    title: str
    note: str
    kind: str
    chart: Columns | Bars | Line | HeatMap | None
    table: Table
    absent: str = "No images in this span of time."


class Cell(NamedTuple):
    """An hour of the week."""

    weekday: int
    hour: int
    images: int
    level: int


class HeatMap(NamedTuple):
    """Hours of the week, darker where there is more."""

    summary: str
    weekdays: tuple[str, ...]
    cells: list[Cell]


@router.get("/analytics")
def analytics(request: Request) -> Response:
    """All of it, of a span or, where the numbers are kept by one thing only, of all time."""
    site, span = site_of(request), Span.of(request.query_params.get("days"))
    with site.pool.connection() as connection:
        overall = read_numbers(connection)
        days = {
            date.fromisoformat(entry.value): entry.numbers
            for entry in read_days(connection, span.first, span.last)
            if entry.value
        }
        activity = read_activity(connection, span.since)
        broken = [
            _breakdown(connection, Dimension.TOOL, "Tools", "tool"),
            _breakdown(connection, Dimension.MODEL, "Models", "model"),
            _breakdown(connection, Dimension.USER, "Users", "user"),
        ]
    return page(
        request,
        "analytics.html",
        active="analytics",
        overall=overall,
        in_span=sum(one.total_images for one in days.values()),
        span=span,
        spans=CHOICES,
        by_time=[_by_day(span, days), _success(span, days)],
        by_thing=broken,
        by_hour=_hours(activity),
        details=[_tags(activity), _latency(activity), _sizes(activity), _file_sizes(activity)],
        activity=activity,
        partial=activity.images >= MAX_ROWS,
    )


def _by_day(span: Span, days: dict[date, Numbers]) -> Figure:
    good = [days[one].successful if one in days else 0 for one in span.all_days]
    bad = [days[one].failed if one in days else 0 for one in span.all_days]
    total = sum(good) + sum(bad)
    best = max(days, key=lambda one: days[one].total_images, default=None)
    most = f", most on {day(best)} ({days[best].total_images})" if best else ""
    summary = f"Images by day: {number(total)} in {span.name}{most}"
    series = [Series("good", "successful", good), Series("bad", "failed", bad)]
    chart = columns(summary, [day(one) for one in span.all_days], series)
    rows = [
        (
            f"{one}",
            number(n.total_images),
            number(n.successful),
            number(n.failed),
            number(n.unique_users),
            size(_float(n.avg_file_size)),
        )
        for one, n in sorted(days.items(), reverse=True)
    ]
    heads = ("Day (UTC)", "Images", "Successful", "Failed", "Users", "Mean size")
    return Figure(
        "Images by day", span.name, "columns", chart if total else None, Table(heads, rows)
    )


def _success(span: Span, days: dict[date, Numbers]) -> Figure:
    values = [
        days[one].successful / days[one].total_images
        if one in days and days[one].total_images
        else None
        for one in span.all_days
    ]
    good, total = (
        sum(one.successful for one in days.values()),
        sum(one.total_images for one in days.values()),
    )
    summary = f"Success rate by day: {percent(good, total)} over {span.name}"
    chart = shares(summary, [day(one) for one in span.all_days], values) if total else None
    rows = [
        (
            f"{one}",
            percent(n.successful, n.total_images),
            number(n.successful),
            number(n.total_images),
        )
        for one, n in sorted(days.items(), reverse=True)
    ]
    table = Table(("Day (UTC)", "Success rate", "Successful", "Images"), rows)
    return Figure(
        "Success rate by day", f"{percent(good, total)} over {span.name}", "line", chart, table
    )


def _breakdown(connection: Connection[Any], dimension: Dimension, title: str, name: str) -> Figure:
    entries = read_breakdown(connection, dimension, MOST_BARS)
    labels = [entry.value if entry.value is not None else f"no {name}" for entry in entries]
    if dimension is Dimension.USER:
        names = names_of(connection, labels)
        labels = [f"{names[one]} ({one})" if one in names else one for one in labels]
    numbers = [entry.numbers for entry in entries]
    series = [
        Series("good", "successful", [one.successful for one in numbers]),
        Series("bad", "failed", [one.failed for one in numbers]),
    ]
    values = [
        f"{number(one.total_images)} · {percent(one.successful, one.total_images)}"
        for one in numbers
    ]
    summary = f"{title} by images, and their success rate"
    chart = bars(summary, labels, series, values) if entries else None
    heads = (name.capitalize(), "Images", "Success rate", "Failed", "Users", "Mean size")
    rows = [_row(label, entry) for label, entry in zip(labels, entries, strict=True)]
    return Figure(title, "all time; images and success rate", "bars", chart, Table(heads, rows))


def _row(label: str, entry: Entry) -> tuple[str, ...]:
    one = entry.numbers
    return (
        label,
        number(one.total_images),
        percent(one.successful, one.total_images),
        number(one.failed),
        number(one.unique_users),
        size(_float(one.avg_file_size)),
    )


def _hours(activity: Activity) -> Figure:
    highest = max((one["images"] for one in activity.hours), default=0)
    # A few images are not busy, even where nobody has more.
    highest = max(highest, LEAST_BUSY)
    cells = [
        Cell(one["weekday"], one["hour"], one["images"], level(one["images"], highest))
        for one in activity.hours
    ]
    busiest = max(cells, key=lambda cell: cell.images, default=None)
    most = (
        f"most on {WEEKDAYS[busiest.weekday - 1]} from {busiest.hour}:00 ({busiest.images})"
        if busiest
        else ""
    )
    chart = HeatMap(f"Busiest hours of the week in UTC: {most}", WEEKDAYS, cells) if cells else None
    rows = [
        (WEEKDAYS[cell.weekday - 1], f"{cell.hour:02}:00", number(cell.images))
        for cell in sorted(cells, key=lambda cell: -cell.images)
    ]
    return Figure(
        "Busiest hours", most, "heat", chart, Table(("Day", "Hour (UTC)", "Images"), rows)
    )


def _tags(activity: Activity) -> Figure:
    return _counted("Top tags", "images that have it", activity.tags[:12], "tag", "Tag")


def _sizes(activity: Activity) -> Figure:
    told = activity.sizes[:MOST_BARS]
    values = [f"{number(one['images'])} · {size(one['avg_bytes'])}" for one in told]
    labels = [one["size"] or "not told" for one in told]
    rows = [
        (one["size"] or "not told", number(one["images"]), size(one["avg_bytes"]))
        for one in activity.sizes
    ]
    series = [Series("plain", "images", [one["images"] for one in told])]
    chart = bars("Images by size in pixels", labels, series, values) if told else None
    table = Table(("Size", "Images", "Mean file size"), rows)
    return Figure("Sizes in pixels", "images and mean file size", "bars", chart, table)


def _file_sizes(activity: Activity) -> Figure:
    steps = activity.file_sizes
    labels = [f"{_binary(one['from_bytes'])}" for one in steps]
    series = [Series("plain", "images", [one["images"] for one in steps])]
    chart = columns("Images by file size", labels, series) if steps else None
    rows = [
        (f"{_binary(one['from_bytes'])} to {_binary(2 * one['from_bytes'])}", number(one["images"]))
        for one in steps
    ]
    return Figure(
        "File sizes",
        "from this size to twice of it",
        "columns",
        chart,
        Table(("Size", "Images"), rows),
    )


def _latency(activity: Activity) -> Figure:
    told = activity.latency[:MOST_BARS]
    labels = [one["tool_name"] or "all tools" for one in told]
    series = [
        Series("faint", "90th percentile", [one["p90_ms"] for one in told], "ms"),
        Series("plain", "median", [one["p50_ms"] for one in told], "ms"),
    ]
    values = [f"{milliseconds(one['p50_ms'])} · {milliseconds(one['p90_ms'])}" for one in told]
    chart = (
        bars("Latency by tool: median and 90th percentile", labels, series, values, overlaid=True)
        if told
        else None
    )
    rows = [
        (
            one["tool_name"] or "all tools",
            number(one["images"]),
            milliseconds(one["p50_ms"]),
            milliseconds(one["p90_ms"]),
            milliseconds(one["p99_ms"]),
            milliseconds(one["max_ms"]),
        )
        for one in activity.latency
    ]
    heads = ("Tool", "Images", "Median", "90 %", "99 %", "Longest")
    table = Table(heads, rows)
    return Figure("Latency", "median and 90th percentile", "bars", chart, table, NO_LATENCY)


def _counted(
    title: str, note: str, counted: Sequence[dict[str, Any]], name: str, head: str
) -> Figure:
    labels = [one[name] for one in counted]
    counts = [one["images"] for one in counted]
    chart = bars(title, labels, [Series("plain", "images", counts)], [number(n) for n in counts])
    rows = [(one[name], number(one["images"])) for one in counted]
    return Figure(title, note, "bars", chart if counted else None, Table((head, "Images"), rows))


def _binary(value: int) -> str:
    """A power of two."""
    for unit, length in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= length:
            return f"{value // length} {unit}"
    return f"{value} B"


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
