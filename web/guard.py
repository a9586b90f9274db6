"""The gate that every request passes, and every answer: who, how often, how large, in what name."""

from __future__ import annotations

import asyncio
import secrets
import time
from http import HTTPStatus
from typing import Any

import structlog
from psycopg_pool import PoolTimeout
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from projections.faults import database_complaint
from web.error_pages import error_page
from web.errors import error_answer, is_for_people
from web.headers import HEADERS, HTTPS_ONLY
from web.limits import address_group
from web.security import WrongToken, caller_of
from web.site import Site

log = structlog.stdlib.get_logger(__name__)

PROBES = frozenset({"/healthz", "/readyz"})
INGEST = "/api/v1/events"
FILES = ("/uploads/", "/static/")
SHOWN = 200
"""Characters of a path in the log."""


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # The life-cycle's messages; there are no web sockets.
            await self._app(scope, receive, send)
            return
        reference = secrets.token_hex(8)
        asked = _as_get(scope)
        answering = _Answering(asked, send, self._site, reference, scope["method"])
        with structlog.contextvars.bound_contextvars(reference=reference):
            try:
                app = self._refusal(asked) or self._app
                await app(asked, self._limited(asked, receive), answering.send)
            except Exception as exc:  # noqa: BLE001  # nothing of it may be seen outside
                await answering.fail(exc, receive)
            answering.told()

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        path = scope["path"]
        # Until it is known who asks it is somebody who has shown nothing.
        scope.setdefault("state", {})["caller"] = caller_of(self._site, Headers())
        if path in PROBES:
            return None
        if _host_of(headers) not in self._site.hosts:
            return self._refused(scope, "host", HTTPStatus.MISDIRECTED_REQUEST, "No such host here")
        return self._without_leave(scope, headers) or self._too_much(scope, headers)

    def _without_leave(self, scope: Scope, headers: Headers) -> Response | None:
        """Too many requests, or a token that is none."""
        rates, address = self._site.rates, client_group(scope)
        if "authorization" in headers and (wait := rates.locked_out(address)):
            return self._wait(scope, wait)
        try:
            caller = caller_of(self._site, headers)
        except WrongToken:
            rates.failed(address)
            log.warning("a wrong token was shown", address=address)
            error = "The token is not known"
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return self._refused(scope, "token", HTTPStatus.UNAUTHORIZED, error, challenge)
        scope["state"]["caller"] = caller
        wait = rates.of_address(address) if caller.name is None else rates.of_token(caller.name)
        return self._wait(scope, wait) if wait else None

    def _too_much(self, scope: Scope, headers: Headers) -> Response | None:
        length, room = headers.get("content-length", "0"), self._room(scope["path"])
        if length.isdecimal() and int(length[:20]) > room:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return self._refused(scope, "size", status, _too_large(room))
        if headers.get("content-encoding", "identity") != "identity":
            error = "Content-Encoding: send it as it is, not compressed"
            return self._refused(scope, "size", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error)
        return None

    def _wait(self, scope: Scope, seconds: int) -> Response:
        error = f"Too many requests: try again in {seconds} s"
        wait = {"Retry-After": str(seconds)}
        return self._refused(scope, "rate", HTTPStatus.TOO_MANY_REQUESTS, error, wait)

    def _refused(
        self,
        scope: Scope,
        reason: str,
        status: int,
        error: str,
        headers: dict[str, str] | None = None,
    ) -> Response:
        self._site.metrics.refusals.labels(reason).inc()
        request = Request(scope)
        people = is_for_people(request)
        answer = error_page(request, status, error, None) if people else error_answer(status, error)
        # What is left of the body is not read.
        answer.headers.update({**(headers or {}), "Connection": "close"})
        return answer

    def _room(self, path: str) -> int:
        limits = self._site.limits
        return limits.ingest_bytes if path == INGEST else limits.body_bytes

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Receives the body, as far as it is neither too large nor too slow."""
        room = self._room(scope["path"])
        ends_at = asyncio.get_running_loop().time() + self._site.limits.body_s
        taken, whole = 0, False

        async def limited() -> Message:
            nonlocal taken, whole
            if whole:
                # Waits for the client to go away, which may take as long as the answer.
                return await receive()
            try:
                async with asyncio.timeout_at(ends_at):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The body did not come") from None
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if taken > room:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large(room))
            return message

        return limited


class _Answering:
    """One answer on its way out."""

    def __init__(self, scope: Scope, send: Send, site: Site, reference: str, method: str) -> None:
        self._scope = scope
        self._method = method
        self._send = send
        self._site = site
        self._reference = reference
        self._began = time.perf_counter()
        self._status: int | None = None
        self._seconds = 0.0
        self._ended = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._seconds = time.perf_counter() - self._began
            headers = MutableHeaders(scope=message)
            for name, value in {**HEADERS, **(HTTPS_ONLY if self._site.https else {})}.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = self._reference
        elif self._method == "HEAD":
            if self._ended:
                return
            self._ended = True
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def fail(self, exc: Exception, receive: Receive) -> None:
        """Answer an exception that nobody has caught, if there is no answer yet."""
        if isinstance(exc, HTTPException):
            error = exc.detail
            answer: Response = error_answer(exc.status_code, error, exc.headers)
        elif isinstance(exc, PoolTimeout) or database_complaint(exc) is not None:
            log.warning("the database does not answer", path=self._path, exc_info=exc)
            error = "The database is away: try again"
            wait = {"Retry-After": "5"}
            answer = error_answer(HTTPStatus.SERVICE_UNAVAILABLE, error, wait, self._reference)
        else:
            log.error("a request failed", path=self._path, exc_info=exc)
            error = "Internal server error"
            answer = error_answer(HTTPStatus.INTERNAL_SERVER_ERROR, error, None, self._reference)
        if self._status is None:
            request = Request(self._scope, receive)
            if is_for_people(request):
                later = answer.headers.get("retry-after")
                answer = error_page(request, answer.status_code, error, self._reference)
                answer.headers.update({"Retry-After": later} if later else {})
            await answer(self._scope, receive, self.send)

    def told(self) -> None:
        """Count it, and write a line, but for what nobody will look for."""
        route = getattr(self._scope.get("route"), "path", "none")
        method = self._method if route != "none" else "any"
        status = int(self._status or 499)
        metrics = self._site.metrics
        metrics.requests.labels(route, method, str(status)).inc()
        metrics.request_seconds.labels(route).observe(self._seconds)
        quiet = status < 400 and self._method in {"GET", "HEAD"}
        caller: Any = self._scope.get("state", {}).get("caller")
        (log.debug if quiet else log.info)(
            "request",
            method=self._method,
            path=self._path,
            status=status,
            ms=round(self._seconds * 1000, 1),
            token=caller.name if caller else None,
            address=client_group(self._scope),
        )

    @property
    def _path(self) -> str:
        """Without the query, which may name people."""
        return str(self._scope["path"])[:SHOWN]


def _as_get(scope: Scope) -> Scope:
    """HEAD is answered as GET is, without the body; routes of files know it themselves."""
    if scope["method"] != "HEAD" or scope["path"].startswith(FILES):
        return scope
    return {**scope, "method": "GET"}


def client_group(scope: Scope) -> str:
    """Whose requests are counted together, when they come without a token."""
    client = scope.get("client")
    return address_group(client[0]) if client else "unknown"


def _host_of(headers: Headers) -> str:
    """The host's name, without port, in lower case."""
    host = headers.get("host", "").lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")


def _too_large(limit: int) -> str:
    return f"The body is too large: limit {limit} bytes"
