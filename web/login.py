"""The login of browsers: a token is shown once, and a cookie stands for it from then on."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from web.errors import ApiError
from web.guard import client_group
from web.security import Caller, check_form, cookie_name, form_of, same_origin
from web.sessions import LIFETIME_S
from web.site import Site, site_of
from web.templating import page

router = APIRouter(include_in_schema=False)

log = structlog.stdlib.get_logger(__name__)


@router.get("/login")
async def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002  # in the URL
    """The form."""
    return page(request, "login.html", target=local(next), error=None)


@router.post("/login")
async def login(request: Request) -> Response:
    """Begin a session, and go on to where the browser wanted to."""
    if not same_origin(request):
        raise ApiError(HTTPStatus.FORBIDDEN, "The request comes from another site")
    site, form, address = site_of(request), await form_of(request), client_group(request.scope)
    target = local(form.get("next", "/"))
    if wait := site.rates.locked_out(address):
        error = f"Too many attempts: try again in {wait} s"
        return page(request, "login.html", HTTPStatus.TOO_MANY_REQUESTS, target=target, error=error)
    holder = site.tokens.holder_of(form.get("token", "").strip())
    if holder is None:
        site.rates.failed(address)
        log.warning("a login failed", address=address)
        error = "This token is not known."
        return page(request, "login.html", HTTPStatus.UNAUTHORIZED, target=target, error=error)
    log.info("a login", token=holder.name, address=address)
    _end(request, site)
    answer = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    _set_cookie(answer, site, site.sessions.begin(holder), LIFETIME_S)
    return answer


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session, here and in the browser."""
    caller: Caller = request.state.caller
    if caller.session is not None:
        await check_form(request, caller.session)
    site = site_of(request)
    _end(request, site)
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    _set_cookie(answer, site, "", 0)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def local(target: str) -> str:
    """A path of this server; the first page for anything that leads elsewhere."""
    parts = urlsplit(target) if target.isprintable() and "\\" not in target else None
    if parts is None or parts.scheme or parts.netloc or not target.startswith("/"):
        return "/"
    return "/" if target.startswith("//") else target


def _end(request: Request, site: Site) -> None:
    """Whoever was logged in with this browser before is not any more."""
    site.sessions.end(request.cookies.get(cookie_name(site), ""))


def _set_cookie(answer: Response, site: Site, value: str, age_s: int) -> None:
    answer.set_cookie(
        cookie_name(site),
        value,
        max_age=age_s,
        path="/",
        secure=site.https,
        httponly=True,
        samesite="strict",
    )
