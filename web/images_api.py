"""The document's two routes, as its web page and other clients know them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from projections import images
from web.api.answers import CACHED, Model, answer
from web.api.image_model import Image
from web.errors import ApiError
from web.security import require
from web.site import site_of

router = APIRouter(
    prefix="/api/generated-images", tags=["images"], dependencies=[Depends(require("read"))]
)


class Pagination(Model):
    """Which images these are, of how many."""

    total: int
    limit: int
    offset: int
    has_more: bool


class ImageList(Model):
    """Some images, the newest first."""

    success: Literal[True] = True
    images: list[Image]
    pagination: Pagination


class OneImage(Model):
    """An image."""

    success: Literal[True] = True
    image: Image


@router.get("", response_model=ImageList, responses=CACHED)
def list_images(
    request: Request,
    limit: Annotated[
        int, Query(ge=1, description="How many; over 1,000 counts as 1,000.")
    ] = images.DEFAULT_LIMIT,
    offset: Annotated[
        int, Query(ge=0, le=2**63 - 1, description="How many of the newest to pass over.")
    ] = 0,
) -> Response:
    """The newest images. For going far back, /api/v1/images has cursors, which stay fast."""
    limit = min(limit, images.MAX_LIMIT)
    with site_of(request).pool.connection() as connection:
        found = images.list_generated_images(connection, limit, offset)
        total = images.get_generated_image_count(connection)
    page = Pagination(total=total, limit=limit, offset=offset, has_more=offset + len(found) < total)
    shown = [Image.of(record) for record in found]
    return answer(request, ImageList(images=shown, pagination=page))


@router.get("/{id}", response_model=OneImage, responses=CACHED)
def get_image(
    request: Request,
    image_id: Annotated[
        str,
        Path(
            alias="id",
            description="A row's id.",
            examples=["4294968320"],
            # Said here and checked below: what is wrong is answered as clients know it.
            json_schema_extra={"pattern": "^[0-9]{1,18}$"},
        ),
    ],
) -> Response:
    """One image by its id."""
    number = as_id(image_id)
    if number is None:
        raise ApiError(HTTPStatus.BAD_REQUEST, "Invalid image ID")
    with site_of(request).pool.connection() as connection:
        found = images.get_generated_image(connection, number)
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "Image not found")
    return answer(request, OneImage(image=Image.of(found)))


def as_id(text: str) -> int | None:
    """The number that a row's id may be; None for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19):
        return None
    number = int(text)
    return number if number < 2**63 else None
