"""Who asks, and whether they may: ``require(role)`` for routes, and the check of forms."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from web.errors import ApiError
from web.sessions import Session
from web.site import Site
from web.tokens import Holder, Role

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"
MAX_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks."""

    holder: Holder | None
    """None for somebody who has shown nothing."""
    roles: frozenset[Role]
    session: Session | None = None
    """For a browser that has logged in."""

    @property
    def name(self) -> str | None:
        """The token's name; None for somebody who has shown none."""
        return self.holder.name if self.holder else None


class WrongToken(Exception):
    """A token was shown that is none."""


def cookie_name(site: Site) -> str:
    """With https a name that browsers let no other host and no plain http set."""
    return "__Host-omega-images" if site.https else "omega-images"


def caller_of(site: Site, headers: Headers) -> Caller:
    """Whose the token or the session is. Raises WrongToken."""
    everybody: frozenset[Role] = frozenset({"read"} if site.open_reading else ())
    shown = headers.get("authorization")
    if shown is not None:
        scheme, _, token = shown.partition(" ")
        holder = site.tokens.holder_of(token.strip()) if scheme.lower() == "bearer" else None
        if holder is None:
            raise WrongToken
        return Caller(holder, everybody | holder.roles)
    cookies = cookie_parser(headers.get("cookie", ""))
    session = site.sessions.find(cookies.get(cookie_name(site), ""))
    if session is None:
        return Caller(None, everybody)
    return Caller(session.holder, everybody | session.holder.roles, session)


_bearer = HTTPBearer(auto_error=False, description="A token of OMEGA_API_TOKENS")


def require(role: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who has this role. Answers 401 or 403 to anybody else.

    A browser's session may change something only from our own pages, with their token.
    """

    async def check(
        request: Request,
        _documented: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> Caller:
        caller: Caller = request.state.caller
        if role not in caller.roles:
            raise _refusal(caller, role)
        if caller.session is not None and request.method not in SAFE_METHODS:
            await check_form(request, caller.session)
        return caller

    return check


def _refusal(caller: Caller, role: Role) -> ApiError:
    if caller.holder is None:
        return ApiError(
            HTTPStatus.UNAUTHORIZED, "A token is needed", {"WWW-Authenticate": "Bearer"}
        )
    return ApiError(HTTPStatus.FORBIDDEN, f"The token {caller.name} has not the role {role}")


async def check_form(request: Request, session: Session) -> None:
    """Whether it comes from one of our pages: by its origin, and by the token that those have."""
    if not same_origin(request):
        raise ApiError(HTTPStatus.FORBIDDEN, "The request comes from another site")
    shown = request.headers.get(CSRF_HEADER)
    if shown is None:
        shown = (await form_of(request)).get(CSRF_FIELD, "")
    if not hmac.compare_digest(shown.encode(), session.csrf.encode()):
        raise ApiError(HTTPStatus.FORBIDDEN, "The page is out of date: load it again")


def same_origin(request: Request) -> bool:
    """Whether a browser says that the request comes from a page of this server."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site not in {None, "same-origin"}:
        return False
    if origin is None:
        return site is not None
    try:
        return urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:
        return False


async def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a posted form; none when the body is something else."""
    if "form" not in request.state._state:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await request.body() if kind == "application/x-www-form-urlencoded" else b""
        request.state.form = _fields(body)
    found: Mapping[str, str] = request.state.form
    return found


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except (ValueError, UnicodeDecodeError):
        raise ApiError(HTTPStatus.BAD_REQUEST, "The form cannot be read") from None
    return dict(pairs)


def csrf_of(request: Request) -> str:
    """What a page's forms carry as ``csrf_token``; nothing for somebody without a session."""
    caller: Caller = request.state.caller
    return caller.session.csrf if caller.session else ""
