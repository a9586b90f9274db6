"""Errors as others see them: one line and a reference; what is behind it stands in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

MAX_ERROR = 500
FORMS = ("/pipeline/", "/login", "/logout")


class ErrorAnswer(BaseModel):
    """What every error looks like."""

    success: Literal[False] = False
    error: str
    reference: str | None = None
    """Under which the log has more of it; also the header X-Request-Id."""


class ApiError(HTTPException):
    """An answer that is an error; ``error`` is shown to whoever asked."""

    def __init__(self, status: int, error: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, error, dict(headers or {}))


RESPONSES: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorAnswer, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 403, 404, 405, 408, 413, 415, 421, 429, 500, 503)
}
"""What any route may answer, for OpenAPI."""


def error_answer(
    status: int,
    error: str,
    headers: Mapping[str, str] | None = None,
    reference: str | None = None,
) -> JSONResponse:
    """The answer: ``{"success": false, "error": …}``."""
    content: dict[str, object] = {"success": False, "error": error[:MAX_ERROR]}
    if reference is not None:
        content["reference"] = reference
    return JSONResponse(content, status, headers)


PageMaker = Callable[[Request, int, str, str | None], Response]
"""Makes a page for people from a status, an error and a reference."""


def install(app: FastAPI, make_page: PageMaker) -> None:
    """Answer the errors that routes raise. Any other exception is the guard's."""

    @app.exception_handler(HTTPException)
    async def _known(request: Request, exc: HTTPException) -> Response:
        if exc.status_code == HTTPStatus.UNAUTHORIZED and wants_page(request):
            return to_login(request)
        if is_for_people(request):
            shown = make_page(request, exc.status_code, exc.detail, None)
            shown.headers.update(exc.headers or {})
            return shown
        return error_answer(exc.status_code, exc.detail, exc.headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, exc: RequestValidationError) -> Response:
        if wants_page(request):
            return make_page(request, HTTPStatus.BAD_REQUEST, _first(exc), None)
        return error_answer(HTTPStatus.BAD_REQUEST, _first(exc))


def wants_page(request: Request) -> bool:
    """Whether a browser asks for one of the pages, and not a program for data."""
    path = request.url.path
    return (
        request.method in {"GET", "HEAD"}
        and "text/html" in request.headers.get("accept", "")
        and not path.startswith(("/api/", "/uploads/", "/static/"))
    )


def is_for_people(request: Request) -> bool:
    """Whether the answer is looked at: to one of the pages, or to a form that one of them sent."""
    is_form = request.method == "POST" and request.url.path.startswith(FORMS)
    return wants_page(request) or (is_form and "text/html" in request.headers.get("accept", ""))


def to_login(request: Request) -> Response:
    """Lead a browser to the login, and from there back."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quote(path, safe='')}", HTTPStatus.SEE_OTHER)


def _first(exc: RequestValidationError) -> str:
    """The first thing that is wrong, without the value itself."""
    first = exc.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {str(first['msg']).removeprefix('Value error, ')}"
