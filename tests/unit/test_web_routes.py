"""Every route there is asks for a role, whoever wrote it; and the page about security is true."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from tests.support.web import client_of, open_site
from web.app import ROUTERS, create_app
from web.security import SAFE_METHODS
from web.site import Site

ROOT = Path(__file__).parents[2]
OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/v1/openapi.json"),
    ("HEAD", "/api/v1/openapi.json"),
}
"""What anybody may ask for: nothing of it shows images, numbers or names."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as made:
        yield made


def routes_of(site: Site) -> list[tuple[str, str]]:
    """Methods and paths of all routes but the open ones, with something for each parameter."""
    routes = [route for router in ROUTERS for route in router.routes]
    routes += [route for route in create_app(site).routes if isinstance(route, Route)]
    found = {
        (method, re.sub(r"\{[^}]*\}", "1", route.path))
        for route in routes
        if isinstance(route, Route | APIRoute)
        for method in route.methods or ()
    }
    assert found > OPEN
    return sorted(found - OPEN)


def test_whoever_has_no_token_gets_nothing_but_what_is_open(site: Site) -> None:
    anybody, reader, bot = (
        client_of(site),
        client_of(site, as_="reader"),
        client_of(site, as_="bot"),
    )
    routes = routes_of(site)
    assert len(routes) > 10
    for method, path in routes:
        assert anybody.request(method, path).status_code == 401, (method, path)
        # Who may read changes nothing, and who hands in events reads nothing.
        other = bot if method in SAFE_METHODS else reader
        assert other.request(method, path).status_code == 403, (method, path)


def test_the_page_about_security_names_tests_that_there_are() -> None:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", text)
    assert len(named) > 30
    for file, test in named:
        assert (ROOT / file).exists(), file
        if test:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
