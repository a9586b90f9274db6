"""The gallery: all images, the newest first, by any filters."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from projections.connections import Connection
from projections.image_filters import InvalidFilter
from projections.image_search import (
    InvalidCursor,
    Page,
    Place,
    encode_cursor,
    list_page,
)
from projections.images import GeneratedImageRecord
from projections.statistics_reads import Dimension, read_breakdown, read_numbers
from web.errors import ApiError
from web.pages.selection import Selection
from web.security import require
from web.site import site_of
from web.templating import page
from web.thumbnails import version_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(require("read"))])

PAGE_SIZE = 60
CHOICES = 100
"""Values that a list of the form offers: those with the most images."""

MAX_NEWER = 100


class Tile(NamedTuple):
    """An image of the page."""

    record: GeneratedImageRecord
    version: str


class Choices(NamedTuple):
    """What the form offers."""

    tools: list[str]
    models: list[str]
    providers: list[str]


@router.get("/")
def gallery(request: Request) -> Response:
    """A page of images; with a filter that cannot be meant, the form and what is wrong with it."""
    site, selection = site_of(request), Selection.of(request.query_params)
    cursor, error = request.query_params.get("cursor"), None
    with site.pool.connection() as connection:
        numbers, choices = read_numbers(connection), _choices(connection, selection)
        try:
            found = list_page(connection, selection.filters(), cursor=cursor, limit=PAGE_SIZE)
        except (InvalidFilter, InvalidCursor) as exc:
            found, error = Page([], None), str(exc)
    older = selection.address(cursor=found.next_cursor) if found.next_cursor else None
    news = selection.address("/gallery/newer", cursor=_newest(found.images))
    return page(
        request,
        "gallery.html",
        HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
        active="gallery",
        tiles=[Tile(record, version_of(record)) for record in found.images],
        tags=_tags(found.images),
        selection=selection,
        choices=choices,
        numbers=numbers,
        older=older,
        searched_to=found.searched_to,
        newer=None if cursor or error else news,
        first=selection.address(),
        is_first=not cursor,
        error=error,
    )


@router.get("/gallery/newer")
def newer(request: Request, cursor: str | None = None) -> Response:
    """How many images there are after the cursor's place, or at all, up to MAX_NEWER."""
    filters = Selection.of(request.query_params)
    try:
        with site_of(request).pool.connection() as connection:
            found = list_page(
                connection, filters.filters(), cursor=cursor, limit=MAX_NEWER, oldest_first=True
            )
    except (InvalidFilter, InvalidCursor) as exc:
        raise ApiError(HTTPStatus.BAD_REQUEST, str(exc)) from exc
    return JSONResponse({"count": len(found.images), "more": found.next_cursor is not None})


def _newest(images: list[GeneratedImageRecord]) -> str | None:
    """The place of the newest image, as a cursor."""
    if not images:
        return None
    return encode_cursor(Place(images[0].created_at, images[0].id))


def _choices(connection: Connection[Any], selection: Selection) -> Choices:
    wanted = (
        (Dimension.TOOL, "tool"),
        (Dimension.MODEL, "model"),
        (Dimension.PROVIDER, "provider"),
    )
    found = []
    for dimension, field in wanted:
        entries = read_breakdown(connection, dimension, CHOICES)
        values = [entry.value for entry in entries if entry.value]
        chosen = selection.given.get(field)
        # What was asked for stays in the list, whether there is any or not.
        found.append(values if chosen is None or chosen in values else [chosen, *values])
    return Choices(*found)


def _tags(images: list[GeneratedImageRecord]) -> list[str]:
    return sorted({tag for image in images for tag in image.tags or ()})[:CHOICES]
