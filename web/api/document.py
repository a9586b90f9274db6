"""The OpenAPI document at its short address; there is no page for it, whose scripts others host."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

router = APIRouter()


@router.get("/api/openapi.json", include_in_schema=False)
def document(request: Request) -> Response:
    """The same as /api/v1/openapi.json."""
    return JSONResponse(request.app.openapi())
