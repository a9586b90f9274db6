"""Images by any filters, in pages by cursor; one by its id or its request."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from projections import images
from projections.image_filters import MAX_TEXT, Filters, InvalidFilter
from projections.image_search import InvalidCursor, list_page
from web.api.answers import CACHED, Model, answer
from web.api.image_model import Image
from web.api.parameters import TIMEOUT, Span, Waiting
from web.errors import ApiError
from web.images_api import as_id
from web.security import require
from web.site import site_of

router = APIRouter(
    prefix="/api/v1/images", tags=["images"], dependencies=[Depends(require("read"))]
)

MAX_NAME = 500


class ImageQuery(Span):
    """Which images; all that is given must hold."""

    user: str | None = Field(None, max_length=MAX_NAME, description="A user's id.")
    tool: str | None = Field(None, max_length=MAX_NAME, examples=["generateComic"])
    model: str | None = Field(None, max_length=MAX_NAME)
    status: Literal["success", "failed"] | None = None
    tag: str | None = Field(None, max_length=MAX_NAME, examples=["portrait"])
    provider: str | None = Field(None, max_length=MAX_NAME, examples=["github"])
    text: str | None = Field(
        None,
        max_length=MAX_TEXT,
        description='Words of the prompt, at most ten, in any order; "words in quotes" stand '
        "together, and a -word must not be there.",
        json_schema_extra={"format": "search-text"},
        examples=['harbour "golden hour" -boat'],
    )
    metadata: str | None = Field(
        None,
        max_length=4_000,
        description="A JSON object that the metadata must contain.",
        json_schema_extra={"format": "json-object"},
        examples=['{"variant": 2}'],
    )
    order: Literal["desc", "asc"] = Field("desc", description="By createdAt, then id.")
    limit: int = Field(images.DEFAULT_LIMIT, ge=1, le=200)
    cursor: str | None = Field(
        None,
        max_length=200,
        description="Go on where a page ended; with the other order, go back from there.",
        json_schema_extra={"format": "cursor"},
    )

    def filters(self) -> Filters:
        """The same for projections. Raises InvalidFilter."""
        return Filters(
            user_id=self.user,
            tool_name=self.tool,
            status=self.status,
            model=self.model,
            storage_provider=self.provider,
            tag=self.tag,
            since=self.since,
            until=self.until,
            text=self.text,
            metadata=None if self.metadata is None else _object(self.metadata),
        )


class ImagePage(Model):
    """Some images, and how to go on."""

    images: list[Image]
    next_cursor: str | None = Field(description="For the next page; null: there are no more.")
    searched_to: datetime | None = Field(
        description="How far the search came, when it took too long to fill the page: go on with"
        " the cursor."
    )


class ImageAnswer(Model):
    """An image."""

    image: Image


@router.get("", response_model=ImagePage, responses=CACHED | TIMEOUT)
def list_images(request: Request, query: Annotated[ImageQuery, Query()]) -> Response:
    """Images, the newest first; every page takes the same time, however far back it is."""
    site = site_of(request)
    try:
        filters = query.filters()
        query.arrive(site, "table")
        with site.pool.connection() as connection:
            page = list_page(
                connection,
                filters,
                cursor=query.cursor,
                limit=query.limit,
                oldest_first=query.order == "asc",
            )
    except (InvalidFilter, InvalidCursor) as exc:
        raise ApiError(HTTPStatus.BAD_REQUEST, str(exc)) from exc
    to = None if page.searched_to is None else page.searched_to.astimezone(UTC)
    shown = [Image.of(record) for record in page.images]
    found = ImagePage(images=shown, next_cursor=page.next_cursor, searched_to=to)
    return answer(request, found)


@router.get(
    "/{id:path}",
    response_model=ImageAnswer,
    responses=CACHED | TIMEOUT,
)
def get_image(
    request: Request,
    image_id: Annotated[
        str, Path(alias="id", description="A row's id, or a request's.", examples=["4294968320"])
    ],
    query: Annotated[Waiting, Query()],
) -> Response:
    """One image by its id, or by its request's, as an acknowledgement tells both."""
    site = site_of(request)
    query.arrive(site, "table")
    number = as_id(image_id)
    with site.pool.connection() as connection:
        found = None if number is None else images.get_generated_image(connection, number)
        if found is None and "\0" not in image_id:
            found = images.get_image_of_request(connection, image_id)
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "Image not found")
    return answer(request, ImageAnswer(image=Image.of(found)))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidFilter("metadata: must be a JSON object")
    return value
