"""Errors for people: a page that says what is wrong, and what to do."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request
from starlette.responses import Response

from web.templating import page

TODO = {
    HTTPStatus.BAD_REQUEST: "Go back, and ask for something else.",
    HTTPStatus.UNAUTHORIZED: "Log in, and try again.",
    HTTPStatus.FORBIDDEN: "Log in with a token that has the role, or load the page again.",
    HTTPStatus.NOT_FOUND: "It may have been deleted, or the address is mistyped.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Use the command line for so much at once.",
    HTTPStatus.MISDIRECTED_REQUEST: "Whoever runs the server can let it answer to this name: "
    "OMEGA_HTTP_ALLOWED_HOSTS.",
    HTTPStatus.TOO_MANY_REQUESTS: "Wait a little, and load the page again.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The server's log says more under this reference.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Try again; omega-images doctor says what is wrong.",
}


def error_page(request: Request, status: int, error: str, reference: str | None) -> Response:
    """The page; without a role, whoever asks is shown nothing but the error."""
    known = HTTPStatus(status)
    return page(
        request,
        "error.html",
        status,
        title=known.phrase,
        number=status,
        error=error,
        todo=TODO.get(known, "Go back, and try again."),
        reference=reference,
    )
