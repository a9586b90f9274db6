"""The login of browsers, and that no other site can act in their name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import Depends
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.support.web import HOST, TOKENS, client_of, open_site
from web.app import create_app
from web.limits import WebLimits
from web.login import local
from web.security import Caller, require
from web.site import Site

OURS = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
PAGE = {"Accept": "text/html"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as made:
        yield made


def browser_of(site: Site) -> TestClient:
    """A browser, and an app with a form for operators and a page of its own."""
    app = create_app(site)

    def act(caller: Annotated[Caller, Depends(require("operate"))]) -> str:
        return str(caller.name)

    def csrf(caller: Annotated[Caller, Depends(require("read"))]) -> str:
        return caller.session.csrf if caller.session else ""

    app.add_api_route("/act", act, methods=["POST"])
    app.add_api_route("/csrf", csrf)
    return TestClient(app, base_url=HOST, follow_redirects=False)


def log_in(browser: TestClient, name: str = "boss", **form: str) -> str:
    """Log in; the token of our forms."""
    answer = browser.post("/login", data={"token": TOKENS[name], **form}, headers=OURS)
    assert answer.status_code == 303, answer.text
    found: str = browser.get("/csrf").json()
    return found


def test_a_page_that_needs_a_token_leads_to_the_login_and_back(site: Site) -> None:
    browser = browser_of(site)
    answer = browser.get("/csrf?a=b%20c", headers=PAGE)
    assert answer.status_code == 303
    form = browser.get(answer.headers["location"])
    (target,) = re.findall(r'name="next" value="([^"]*)"', form.text)
    assert target == "/csrf?a=b%20c"
    data = {"token": TOKENS["boss"], "next": target}
    assert browser.post("/login", data=data, headers=OURS).headers["location"] == target


def test_the_field_hides_the_token_and_lets_managers_fill_it(site: Site) -> None:
    (field,) = re.findall(r'<input id="token"[^>]*>', browser_of(site).get("/login").text)
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field


def test_programs_are_not_led_anywhere(site: Site) -> None:
    assert browser_of(site).get("/csrf").status_code == 401


@pytest.mark.parametrize("https", [False, True])
def test_the_cookie_is_for_this_server_alone(tmp_path: Path, https: bool) -> None:
    with open_site(tmp_path, https=https) as site:
        answer = client_of(site).post("/login", data={"token": TOKENS["boss"]}, headers=OURS)
    cookie = answer.headers["set-cookie"]
    name, _, attributes = cookie.partition("=")
    assert name == ("__Host-omega-images" if https else "omega-images")
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age="):
        assert attribute in attributes
    assert ("Secure" in attributes) is https
    assert "Domain" not in attributes
    assert TOKENS["boss"] not in cookie


def test_a_wrong_token_gets_nobody_in_and_is_not_shown_again(site: Site) -> None:
    wrong = "<b>wrong-token-0123456789"
    answer = browser_of(site).post("/login", data={"token": wrong}, headers=OURS)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "wrong-token" not in answer.text


def test_guessing_ends_soon(tmp_path: Path) -> None:
    with open_site(tmp_path, limits=WebLimits(failures_per_minute=2)) as site:
        browser = browser_of(site)
        wrong = {"token": "wrong-token-0123456789"}
        got = [browser.post("/login", data=wrong, headers=OURS).status_code for _ in range(3)]
        right = browser.post("/login", data={"token": TOKENS["boss"]}, headers=OURS)
    assert got == [401, 401, 429]
    assert right.status_code == 429


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": f"{HOST}.evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": HOST},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.test"},
    ],
)
def test_other_sites_can_neither_act_nor_log_in(site: Site, headers: dict[str, str]) -> None:
    browser = browser_of(site)
    token = log_in(browser)
    answer = browser.post("/act", data={"csrf_token": token}, headers=headers)
    assert answer.status_code == 403
    assert browser.post("/act", headers=headers | {"X-CSRF-Token": token}).status_code == 403
    login = browser.post("/login", data={"token": TOKENS["boss"]}, headers=headers)
    assert login.status_code == 403
    assert browser.post("/logout", data={"csrf_token": token}, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [OURS, {"Origin": HOST}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_pages_act_with_their_token(site: Site, headers: dict[str, str]) -> None:
    browser = browser_of(site)
    token = log_in(browser)
    assert browser.post("/act", data={"csrf_token": token}, headers=headers).json() == "boss"
    assert browser.post("/act", headers=headers | {"X-CSRF-Token": token}).json() == "boss"
    for wrong in ("", token[:-1], f"{token}a", "é"):
        assert browser.post("/act", data={"csrf_token": wrong}, headers=headers).status_code == 403
    assert browser.post("/act", headers=headers).status_code == 403


def test_a_token_in_the_header_needs_no_form(site: Site) -> None:
    answer = browser_of(site).post("/act", headers={"Authorization": f"Bearer {TOKENS['boss']}"})
    assert answer.json() == "boss"


def test_a_session_has_no_more_roles_than_its_token(site: Site) -> None:
    browser = browser_of(site)
    token = log_in(browser, "reader")
    answer = browser.post("/act", data={"csrf_token": token}, headers=OURS)
    assert answer.status_code == 403
    assert "operate" in answer.json()["error"]


def test_after_the_logout_the_cookie_opens_nothing(site: Site) -> None:
    browser = browser_of(site)
    token = log_in(browser)
    stolen = dict(browser.cookies)
    answer = browser.post("/logout", data={"csrf_token": token}, headers=OURS)
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.headers["Cache-Control"] == "no-store"
    thief = browser_of(site)
    thief.cookies.update(stolen)
    assert thief.get("/csrf").status_code == 401


def test_a_new_login_ends_the_session_before(site: Site) -> None:
    browser = browser_of(site)
    log_in(browser)
    before = dict(browser.cookies)
    log_in(browser)
    assert dict(browser.cookies) != before
    thief = browser_of(site)
    thief.cookies.update(before)
    assert thief.get("/csrf").status_code == 401


def test_forms_that_are_no_forms_are_refused(site: Site) -> None:
    browser = browser_of(site)
    form = OURS | {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/login", content=b"token=\xff", headers=form).status_code == 400
    assert browser.post("/login", content=b"a=b&" * 1_000, headers=form).status_code == 400


@given(st.text(max_size=30))
@example("//evil.test")
@example("/\\evil.test")
@example("/%09/evil.test")
@example("/\t/evil.test")
@example("https://evil.test")
@example("javascript:alert(1)")
@example("/a:b@evil.test")
@example("/////evil.test")
@example("http:evil.test")
@example("/[")
def test_a_login_never_leads_to_another_site(target: str) -> None:
    led = local(target)
    assert led.startswith("/")
    assert urlsplit(urljoin(f"{HOST}/login", led)).netloc == urlsplit(HOST).netloc
    assert led in {target, "/"}
    assert not re.match(r"/[/\\\t\r\n]", led)
