"""Images of local storage, at ``/uploads/NAME``: shown as images, never run as anything else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from producers.storage import InvalidName, NotStored, StorageUnavailable
from producers.storage.names import EXTENSIONS
from projections.connections import DatabaseError
from projections.page_reads import requests_at
from projections.uses import record_uses
from web.errors import ApiError
from web.headers import SANDBOXED
from web.security import require
from web.site import Site, site_of

router = APIRouter(tags=["uploads"])

PIECE = 256 * 2**10

TYPES = {extension: mime_type for mime_type, extension in EXTENSIONS.items()}
SHOWN_INLINE = frozenset(TYPES.values()) - {"image/svg+xml"}
"""An SVG can hold scripts; in an <img> it is shown all the same."""

YEAR_S = 31_536_000
USE_PATIENCE_S = 0.25


@router.api_route("/uploads/{filename}", methods=["GET", "HEAD"], include_in_schema=False)
async def upload(request: Request, filename: str) -> Response:
    """The file, or 404 whatever is wrong with its name."""
    site = site_of(request)
    if not site.open_uploads:
        await require("read")(request, None)
    return await run_in_threadpool(_answer, site, request, filename)


def _answer(site: Site, request: Request, filename: str) -> Response:
    file = _opened(site, filename)
    _note_use(site, filename)
    state = os.fstat(file.fileno())
    headers = _headers(site, filename, state)
    if request.headers.get("if-none-match") == headers["ETag"] or request.method == "HEAD":
        file.close()
        same = request.method != "HEAD"
        status = HTTPStatus.NOT_MODIFIED if same else HTTPStatus.OK
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_pieces(file), headers=headers)


def _note_use(site: Site, filename: str) -> None:
    """For cleanup. The image is sent all the same when the database is away, and soon."""
    try:
        with site.pool.connection(USE_PATIENCE_S) as connection:
            record_uses(connection, requests_at(connection, site.uploads.url_of(filename)))
    except DatabaseError:
        return


def _opened(site: Site, filename: str) -> BinaryIO:
    try:
        return site.uploads.open(filename)
    except (InvalidName, NotStored):
        raise ApiError(HTTPStatus.NOT_FOUND, "Image not found") from None
    except StorageUnavailable as exc:
        if not site.uploads.exists(filename):
            # A link, say.
            raise ApiError(HTTPStatus.NOT_FOUND, "Image not found") from None
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "The image cannot be read now") from exc


def _headers(site: Site, filename: str, state: os.stat_result) -> dict[str, str]:
    mime_type = TYPES.get(Path(filename).suffix.lower(), "application/octet-stream")
    how = "inline" if mime_type in SHOWN_INLINE else "attachment"
    whose = "public" if site.open_uploads or site.open_reading else "private"
    return {
        "Content-Type": mime_type,
        "Content-Length": str(state.st_size),
        # Names are made of letters, digits, dots, _ and - only.
        "Content-Disposition": f'{how}; filename="{filename}"',
        "Cache-Control": f"{whose}, max-age={YEAR_S}, immutable",
        "ETag": f'"{state.st_mtime_ns:x}-{state.st_size:x}"',
        "Content-Security-Policy": SANDBOXED,
        "Cross-Origin-Resource-Policy": "cross-origin" if site.open_uploads else "same-origin",
    }


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
