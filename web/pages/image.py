"""One image: the picture, what is known of it, and its history in the log; and all thumbnails."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast, get_args

from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, Response

from consumers.explaining import UnknownRow, explain, known_of
from consumers.log import LogError
from projections.connections import Connection, DatabaseError
from projections.images import GeneratedImageRecord, get_generated_image
from projections.uses import record_uses
from web.assets import STATIC
from web.errors import ApiError
from web.images_api import as_id
from web.security import require
from web.site import Site, site_of
from web.templating import page
from web.thumbnails import NoThumbnail, Size, Thumbnails, version_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(require("read"))])

MAX_RECORDS = 50_000
"""Records that are read for a history: about a second of reading."""

YEAR_S = 31_536_000
PLACEHOLDER_S = 30


@router.get("/images/{row_id}")
def image(request: Request, row_id: str) -> Response:
    """The page of an image, which counts as a use of it."""
    site = site_of(request)
    with site.pool.connection() as connection:
        record = _record(connection, row_id)
        _note_use(connection, record)
    return page(request, "image.html", active="gallery", image=record, version=version_of(record))


@router.get("/images/{row_id}/history")
def history(request: Request, row_id: str) -> Response:
    """The events of its request, from the log."""
    site = site_of(request)
    with site.pool.connection() as connection:
        record = _record(connection, row_id)
    return page(
        request,
        "history.html",
        active="gallery",
        image=record,
        told=_explained(site, record),
        most=MAX_RECORDS,
    )


@router.get("/thumbnails/{row_id}/{size}/{version}")
def thumbnail(request: Request, row_id: str, size: str, version: str) -> Response:
    """The picture, made small; a placeholder that says why when there is none."""
    if size not in get_args(Size):
        raise ApiError(HTTPStatus.NOT_FOUND, "There is no such size")
    with site_of(request).pool.connection() as connection:
        record = _record(connection, row_id)
    known = version_of(record)
    headers = {"ETag": f'"{known}-{size}"', "Cache-Control": "private, no-cache"}
    if version == known:
        headers["Cache-Control"] = f"private, max-age={YEAR_S}, immutable"
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    thumbnails: Thumbnails = request.app.state.thumbnails
    try:
        data = thumbnails.get(record, cast("Size", size))
    except NoThumbnail as exc:
        # Answered as a picture, since that is where it will be shown.
        placeholder = {
            "Cache-Control": f"private, max-age={PLACEHOLDER_S}",
            "X-Thumbnail": str(exc),
        }
        return FileResponse(STATIC / f"{exc}.svg", headers=placeholder)
    return Response(data, headers=headers, media_type="image/webp")


def _record(connection: Connection[Any], row_id: str) -> GeneratedImageRecord:
    number = as_id(row_id)
    found = None if number is None else get_generated_image(connection, number)
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "There is no image of this id")
    return found


def _note_use(connection: Connection[Any], record: GeneratedImageRecord) -> None:
    """For cleanup. A page is shown all the same when the database cannot be written."""
    if record.request_id is None or record.status != "success":
        return
    try:
        record_uses(connection, [record.request_id])
    except DatabaseError:
        return


def _explained(site: Site, record: GeneratedImageRecord) -> dict[str, Any] | None:
    """What `explain` tells; None when no event made the row. Raises ApiError."""
    try:
        with site.pool.connection() as connection:
            known = known_of(connection, record.request_id or str(record.id))
        reader = site.reader()
        try:
            return explain(reader, known, max_records=MAX_RECORDS).facts()
        finally:
            reader.close()
    except UnknownRow:
        return None
    except LogError as exc:
        error = "Kafka does not answer: the history is in the log. Try again"
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error) from exc
