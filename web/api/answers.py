"""Answers in JSON with an ETag, so that whoever has them already need not load them again."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from starlette.responses import Response

PRIVATE = "private, no-cache"
"""Keep it, but ask each time whether it still holds."""

CACHED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not Modified: what If-None-Match names still holds"}
}
"""For OpenAPI: what a route with ETags may answer beside."""


class Model(BaseModel):
    """A part of an answer: camelCase outside, snake_case inside."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True
    )


def answer(request: Request, model: BaseModel, status: int = HTTPStatus.OK) -> Response:
    """The model as JSON, or 304 when the request says that it has just this."""
    body = model.model_dump_json(by_alias=True).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": PRIVATE}
    if _has(request.headers.get("if-none-match"), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, status, headers, "application/json")


def _has(given: str | None, tag: str) -> bool:
    """Whether an If-None-Match names the tag (RFC 9110, 13.1.2: compared weakly)."""
    if given is None:
        return False
    names = [name.strip().removeprefix("W/") for name in given.split(",")]
    return "*" in names or tag in names
