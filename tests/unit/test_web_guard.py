"""The guard: what every request passes and every answer has, whatever the route does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from psycopg_pool import PoolTimeout
from starlette.testclient import TestClient
from starlette.types import Message
from structlog.contextvars import merge_contextvars
from structlog.testing import LogCapture

from tests.support.web import HOST, TOKENS, bearer, client_of, open_site
from web.app import create_app
from web.guard import INGEST
from web.headers import HEADERS
from web.limits import WebLimits, address_group
from web.site import Site

ONE = {"Content-Type": "application/cloudevents+json"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as made:
        yield made


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the guard logs, with what is bound to the request."""
    capture = LogCapture()
    monkeypatch.setattr("web.guard.log", structlog.wrap_logger(None, [merge_contextvars, capture]))
    return capture.entries


def with_limits(folder: Path, **limits: Any) -> Any:
    return open_site(folder, limits=WebLimits(**limits))


ANSWERS = [
    ("GET", "/healthz", None, 200),
    ("GET", "/login", None, 200),
    ("GET", "/static/app.css", None, 200),
    ("GET", "/static/../app.py", None, 404),
    ("GET", "/static/%2e%2e/app.py", None, 404),
    ("GET", "/nothing", "reader", 404),
    ("DELETE", "/login", None, 405),
    ("GET", "/metrics", None, 401),
    ("GET", "/metrics", "bot", 403),
    ("GET", "/metrics", "reader", 200),
    ("POST", INGEST, "reader", 403),
    ("POST", INGEST, None, 401),
    ("POST", INGEST, "bot", 415),
    ("GET", "/boom", None, 500),
]


@pytest.mark.parametrize("expected", ANSWERS, ids=str)
def test_every_answer_has_the_headers(
    site: Site, lines: list[Any], expected: tuple[str, str, str | None, int]
) -> None:
    method, path, token, status = expected
    answer = exploding(site, "").request(method, path, headers=bearer(token) if token else {})
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert name in answer.headers
        if name != "Cache-Control":
            assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "server" not in answer.headers
    assert not any(name.startswith("access-control") for name in answer.headers)
    kind = answer.headers["Content-Type"]
    assert not kind.startswith("text/") or "charset=utf-8" in kind.lower()
    assert "Strict-Transport-Security" not in answer.headers
    if status >= 400:
        body = answer.json()
        assert body["success"] is False
        assert isinstance(body["error"], str)
    assert lines[-1]["status"] == status


REFUSED = [
    ({"Host": "evil.test"}, 421),
    ({"Authorization": "Bearer wrong-token-0123456789"}, 401),
    ({}, 429),
]


@pytest.mark.parametrize(("headers", "status"), REFUSED, ids=str)
def test_browsers_are_refused_with_a_page(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    """And programs with JSON, whatever the page's address."""
    with with_limits(tmp_path, anonymous_requests_per_minute=2) as site:
        client = client_of(site)
        if status == 429:
            assert [client.get("/login").status_code for _ in range(2)] == [200, 200]
        page = client.get("/", headers=headers | {"Accept": "text/html,*/*"})
        posted = client.post("/login", headers=headers | {"Accept": "text/html"})
        plain = client.get("/", headers=headers)
    assert page.status_code == posted.status_code == plain.status_code == status
    for shown in (page, posted):
        assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
        assert plain.json()["error"] in shown.text
    for name in ("Retry-After", "WWW-Authenticate"):
        assert (name in page.headers) == (name in plain.headers)


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/login", None, 200),
        ("/healthz", None, 200),
        ("/static/app.css", None, 200),
        ("/api/openapi.json", None, 200),
        ("/metrics", "reader", 200),
        ("/metrics", None, 401),
        ("/nothing", None, 404),
        (INGEST, "bot", 405),
    ],
)
def test_head_is_get_without_the_body(
    site: Site, lines: list[Any], path: str, token: str | None, status: int
) -> None:
    client, headers = client_of(site), bearer(token) if token else {}
    sent, heads = (asyncio.run(messages_of(create_app(site), m, path, headers)) for m in METHODS)
    assert client.head(path, headers=headers).status_code == status
    for name in (b"content-type", b"content-length", b"etag"):
        if path != "/metrics" or name != b"content-length":
            assert dict(heads[0]["headers"]).get(name) == dict(sent[0]["headers"]).get(name)
    assert b"".join(m["body"] for m in sent[1:])
    assert [m["body"] for m in heads[1:]] == [b""]
    assert not heads[-1].get("more_body")
    assert [line["method"] for line in lines] == [*METHODS, "HEAD"]


METHODS = ("GET", "HEAD")


def test_with_https_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    with open_site(tmp_path, https=True) as site:
        answer = client_of(site).get("/healthz")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("LOCALHOST", 200),
        ("[::1]:9", 200),
        ("localhost.:80", 200),
        ("evil.test", 421),
        ("127.0.0.1.evil.test", 421),
        ("evil.test:127.0.0.1", 421),
        ("", 421),
    ],
)
def test_only_known_hosts_are_answered(site: Site, host: str, status: int) -> None:
    client = client_of(site)
    assert client.get("/login", headers={"Host": host}).status_code == status
    # A probe asks by an address that nobody can know beforehand.
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "shown",
    ["Bearer wrong-token-0123456789", "Bearer ", "Basic YTpi", "Bearer", TOKENS["reader"], ""],
)
def test_a_wrong_token_is_refused_even_where_none_is_needed(site: Site, shown: str) -> None:
    answer = client_of(site).get("/login", headers={"Authorization": shown})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_more_tokens_are_tried_after_some_wrong_ones(tmp_path: Path) -> None:
    with with_limits(tmp_path, failures_per_minute=3) as site:
        client = client_of(site)
        wrong = {"Authorization": "Bearer wrong-token-0123456789"}
        statuses = [client.get("/metrics", headers=wrong).status_code for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        answer = client.get("/metrics", headers=bearer("reader"))
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 120
        # Who shows none is not locked out.
        assert client.get("/login").status_code == 200


def test_requests_are_counted_by_token_and_by_address(tmp_path: Path) -> None:
    with with_limits(tmp_path, requests_per_minute=3, anonymous_requests_per_minute=2) as site:
        client = client_of(site)
        assert [client.get("/login").status_code for _ in range(3)] == [200, 200, 429]
        for name in ("reader", "boss"):
            got = [client.get("/metrics", headers=bearer(name)).status_code for _ in range(4)]
            assert got == [200, 200, 200, 429]
        assert client.get("/healthz").status_code == 200
        told = client.get("/healthz", headers=bearer("reader"))
        assert told.status_code == 200


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("2001:db8:1:3::", "2001:db8:1:3::"),
        ("a line\nmore", "unknown"),
    ],
)
def test_of_ipv6_a_whole_network_is_one(address: str, group: str) -> None:
    assert address_group(address) == group


@pytest.mark.parametrize(("path", "limit"), [("/login", 100), (INGEST, 1_000)])
def test_a_large_body_is_refused_as_soon_as_it_is_known(
    tmp_path: Path, path: str, limit: int
) -> None:
    with with_limits(tmp_path, body_bytes=100, ingest_bytes=1_000) as site:
        client = client_of(site, as_="bot")
        client.headers["Sec-Fetch-Site"] = "same-origin"
        form = {"Content-Type": "application/x-www-form-urlencoded"} if path == "/login" else ONE
        told = client.post(path, content=b"a" * (limit + 1), headers=form)
        streamed = client.post(path, content=(b"a" * 50 for _ in range(limit)), headers=form)
        for answer in (told, streamed):
            assert answer.status_code == 413
            assert answer.json() == {
                "success": False,
                "error": f"The body is too large: limit {limit} bytes",
            }
            assert "Content-Security-Policy" in answer.headers
        fits = client.post(path, content=b"a" * limit, headers=form)
        assert fits.status_code in {400, 401}


def test_a_body_that_lies_about_its_length_is_cut_off(tmp_path: Path) -> None:
    with with_limits(tmp_path, ingest_bytes=1_000) as site:
        headers = ONE | {"Content-Length": "10"}
        body = (b"a" * 600 for _ in range(100))
        answer = client_of(site, as_="bot").post(INGEST, content=body, headers=headers)
        assert answer.status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    with with_limits(tmp_path, body_s=0.05) as site:
        waited = asyncio.run(asyncio.wait_for(answer_to_half_a_request(create_app(site)), 10))
    assert waited == 408


async def answer_to_half_a_request(app: FastAPI) -> int:
    """The status that a client gets who sends a part of its body and then nothing."""
    part: Message = {"type": "http.request", "body": b"{", "more_body": True}
    return int(
        (await messages_of(app, "POST", INGEST, {**bearer("bot"), **ONE}, part))[0]["status"]
    )


async def messages_of(
    app: FastAPI, method: str, path: str, headers: dict[str, str], part: Message | None = None
) -> list[Message]:
    """What the app sends to a client that sends this, and then nothing more."""
    parts: list[Message] = [part or {"type": "http.request", "body": b"", "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    given = {"host": "127.0.0.1", **headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
    scope |= {"headers": raw, "query_string": b"", "http_version": "1.1", "scheme": "http"}
    await app(scope, receive, send)
    return sent


def test_a_compressed_body_is_refused(site: Site) -> None:
    headers = ONE | {"Content-Encoding": "gzip"}
    answer = client_of(site, as_="bot").post(INGEST, content=b"x", headers=headers)
    assert answer.status_code == 415


def exploding(site: Site, secret: str, error: type[Exception] = RuntimeError) -> TestClient:
    """A client of an app one of whose routes fails."""
    app = create_app(site)

    def boom() -> None:
        raise error(f"password={secret}")

    app.add_api_route("/boom", boom)
    return TestClient(app, base_url=HOST, follow_redirects=False)


def test_an_error_is_told_outside_by_its_reference_only(site: Site, lines: list[Any]) -> None:
    answer = exploding(site, "hunter2").get("/boom")
    assert answer.status_code == 500
    reference = answer.headers["X-Request-Id"]
    assert answer.json() == {
        "success": False,
        "error": "Internal server error",
        "reference": reference,
    }
    assert "hunter2" not in answer.text
    failed, told = lines
    assert failed["event"] == "a request failed"
    assert failed["reference"] == told["reference"] == reference
    assert "hunter2" in str(failed["exc_info"])


def test_a_line_names_the_token_and_neither_its_text_nor_the_query(
    site: Site, lines: list[Any]
) -> None:
    client_of(site, as_="bot").get("/nothing?user=ada&token=hunter2")
    (line,) = lines
    assert (line["token"], line["path"], line["status"]) == ("bot", "/nothing", 404)
    assert "hunter2" not in str(line)
    assert TOKENS["bot"] not in str(line)


def test_what_is_only_looked_at_leaves_no_line_at_level_info(site: Site, lines: list[Any]) -> None:
    client_of(site).get("/healthz")
    assert [line["log_level"] for line in lines] == ["debug"]


def test_a_database_that_is_away_is_no_error_of_ours(site: Site, lines: list[Any]) -> None:
    answer = exploding(site, "", PoolTimeout).get("/boom")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["error"] == "The database is away: try again"
    assert lines[0]["reference"] == answer.headers["X-Request-Id"]


def test_references_are_never_the_same(site: Site) -> None:
    client = client_of(site)
    assert len({client.get("/healthz").headers["X-Request-Id"] for _ in range(50)}) == 50
    shown = client.get("/healthz", headers={"X-Request-Id": "forged"})
    assert shown.headers["X-Request-Id"] != "forged"
