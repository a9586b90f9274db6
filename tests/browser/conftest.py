"""A real Chromium, and the pages over one filled ledger for all tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from psycopg import Connection, conninfo

from consumers.kafka_topics import create_topic
from schemas.kafka_connection import KafkaConnection
from tests.plugins.databases import administer, database
from tests.support.dashboard import fill, served
from tests.support.ledger_world import LedgerWorld, ledger_world, local_variables
from tests.support.web import TABLE, TOKENS

TOPIC = "browser-events"
DATABASE = "omega_browser"

WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


class Tab:
    """A page of the browser, and whatever went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.wrong: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))
        page.on("dialog", lambda dialog: self.wrong.append(f"dialog {dialog.message}"))

    def go(self, path: str) -> Page:
        """Load one of the pages."""
        self.page.goto(self.address + path, wait_until="domcontentloaded")
        return self.page

    def log_in(self, name: str) -> None:
        """Through the form, as people do."""
        page = self.go("/login")
        page.get_by_label("Access token").fill(TOKENS[name])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(self.address + "/", wait_until="domcontentloaded")

    def check(self) -> None:
        """Nothing went wrong: no error, no violation of the policy, no other host asked."""
        assert self.wrong == []
        assert self.page.evaluate("window.violations") == []
        assert self.page.evaluate("window.hacked") is None

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(message.text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.address, "blob:", "about:")):
            self.wrong.append(f"asked {url}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """It has an event loop in this thread, and so must not outlive the folder."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium: apt-get install chromium")
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="package")
def world(
    browser: Browser,
    kafka_server: str,
    postgres_server: str,
    template_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LedgerWorld]:
    """A filled ledger. The browser comes first: without one nothing need be filled."""
    create_topic(KafkaConnection(kafka_server), TOPIC, partitions=6)
    administer(postgres_server, "CREATE DATABASE {} TEMPLATE {}", DATABASE, template_database)
    url = database(postgres_server, DATABASE)
    home: Path = tmp_path_factory.mktemp("browser")
    variables = local_variables(kafka_server, TOPIC, url, home) | {
        "OMEGA_API_TOKENS": TABLE,
        "OMEGA_HTTP_OPEN_READING": "local",
        "OMEGA_HTTP_ANONYMOUS_REQUESTS_PER_MINUTE": "100000",
    }
    in_utc = conninfo.make_conninfo(url, options="-c timezone=UTC")
    with (
        pytest.MonkeyPatch.context() as patch,
        psycopg.connect(in_utc, autocommit=True) as connection,
        ledger_world(variables, connection, patch) as made,
    ):
        fill(made, kafka_server)
        yield made


@pytest.fixture(scope="package")
def address(world: LedgerWorld) -> Iterator[str]:
    """Where the pages are."""
    with served(world) as found:
        yield found


@pytest.fixture
def rows(world: LedgerWorld) -> Connection[Any]:
    """Reads the tables, to compare."""
    return world.connection


def context_of(browser: Browser, **options: Any) -> BrowserContext:
    """A browser of its own, without cookies; it fails soon rather than late."""
    context = browser.new_context(**options)
    context.set_default_timeout(20_000)
    context.add_init_script(WATCH)
    return context


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Tab]:
    """A fresh tab; whatever happened in it must have been right."""
    context = context_of(browser, viewport={"width": 1280, "height": 900})
    made = Tab(context.new_page(), address)
    yield made
    made.check()
    context.close()
