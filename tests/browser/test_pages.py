"""Every page in a real browser: nothing wrong with it, for anybody, in any scheme and width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has none
from playwright.sync_api import Browser

from tests.browser.conftest import Tab, context_of
from tests.support.dashboard import HOSTILE
from tests.support.ledger_world import LedgerWorld
from tests.support.web import TOKENS

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

PAGES = (
    "/",
    "/?text=lighthouse&status=success",
    "/?text=nothing-has-this-word",
    "IMAGE",
    "IMAGE/history",
    "/failures",
    "/analytics",
    "/pipeline",
    "/pipeline/letters",
    "LETTER",
    "/storage",
    "/login",
)
OUTSIDE = """() => {
  const right = (element) => element.getBoundingClientRect().right;
  const texts = [...document.querySelectorAll(".card > svg > g > text, .plotted text")];
  return texts.filter((t) => right(t) > right(t.closest(".card"))).map((t) => t.textContent);
}"""
"""What charts write beyond their card, where it cannot be read."""
SERIOUS = {"serious", "critical"}


def place(world: LedgerWorld, page: str) -> str:
    """The page's path, with the ids that there are."""
    if page.startswith("IMAGE"):
        (row,) = world.connection.execute(
            "SELECT id FROM generated_images WHERE request_id = 'picture-0'"
        ).fetchall()
        return f"/images/{row[0]}{page.removeprefix('IMAGE')}"
    if page == "LETTER":
        (row,) = world.connection.execute("SELECT min(id) FROM dead_letters").fetchall()
        return f"/pipeline/letters/{row[0]}"
    return page


@pytest.fixture(scope="module", params=["light", "dark"])
def schemed(
    browser: Browser, address: str, request: pytest.FixtureRequest
) -> Iterator[tuple[str, Tab]]:
    scheme: Literal["light", "dark"] = request.param
    context = context_of(browser, viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    tab = Tab(context.new_page(), address)
    tab.log_in("boss")
    yield scheme, tab
    context.close()


@pytest.mark.parametrize("page", PAGES)
def test_each_page_is_right_and_accessible(
    world: LedgerWorld, schemed: tuple[str, Tab], page: str
) -> None:
    scheme, tab = schemed
    tab.wrong.clear()
    shown = tab.go(place(world, page))
    assert shown.locator("h1").count() == 1
    for closed in shown.locator("details:not([data-load]) > summary").all()[:6]:
        closed.click()
    found = Axe().run(shown).response["violations"]
    told = [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in SERIOUS
    ]
    assert told == [], f"{page} in {scheme}"
    tab.check()


def test_no_page_is_wider_than_a_phone(world: LedgerWorld, browser: Browser, address: str) -> None:
    context = context_of(browser, viewport={"width": 360, "height": 740}, has_touch=True)
    tab = Tab(context.new_page(), address)
    for page in PAGES:
        shown = tab.go(place(world, page))
        assert shown.evaluate("document.documentElement.scrollWidth") <= 360, page
        # Every page of the menu can be reached.
        last = shown.get_by_role("link", name="Storage").bounding_box()
        assert last is not None
        assert last["x"] + last["width"] <= 360, page
        assert shown.evaluate(OUTSIDE) == [], page
        tab.check()
    context.close()


def test_the_scheme_that_was_chosen_stays(tab: Tab) -> None:
    shown = tab.go("/storage")
    background = "getComputedStyle(document.body).backgroundColor"
    light = shown.evaluate(background)
    shown.get_by_role("button", name="Dark").click()
    dark = shown.evaluate(background)
    assert light != dark
    shown.reload()
    assert shown.evaluate(background) == dark
    tab.go("/failures")
    assert shown.evaluate(background) == dark
    shown.get_by_role("button", name="Light").click()
    assert shown.evaluate(background) == light


def test_hostile_texts_are_shown_as_texts(tab: Tab, rows: Any) -> None:
    """On every page that shows them; a tab that ran one of them fails at its end."""
    for name, prompt in HOSTILE.items():
        (image,) = rows.execute(
            "SELECT id FROM generated_images WHERE request_id = %s", (f"hostile-{name}",)
        ).fetchone()
        shown = tab.go(f"/images/{image}")
        assert shown.locator("#prompt").evaluate("e => e.textContent") == prompt
        assert shown.locator("pre").evaluate("e => JSON.parse(e.textContent)") == {
            prompt[:60]: prompt
        }
        protocols = shown.locator("main a").evaluate_all("all => all.map(a => a.protocol)")
        assert protocols
        assert set(protocols) <= {"http:", "https:"}
        tab.check()
    for page in ("/?user=123", "/failures?days=7", "/analytics?days=7"):
        shown = tab.go(page)
        assert (
            shown.evaluate("document.querySelectorAll('main script, main [onerror]').length") == 0
        )
        assert shown.title().count("Omega Images") == 1
    shown = tab.go("/?user=123")
    told = shown.locator(".tile .prompt").all_text_contents()
    assert any("<script>window.hacked" in text for text in told)
    shown.mouse.move(400, 500)


def test_a_row_with_a_url_of_another_kind_is_no_link(tab: Tab, rows: Any) -> None:
    """No event can have one; somebody who writes rows directly can."""
    rows.execute(
        "INSERT INTO generated_images (id, request_id, user_id, tool_name, prompt, storage_url,"
        " storage_provider, created_at) VALUES (7, 'by-hand', 'u9', 'x', 'y',"
        " 'javascript:window.hacked=1', 'local', '2020-01-01')"
    )
    shown = tab.go("/images/7")
    address = shown.get_by_text("javascript:window.hacked=1")
    assert address.count() == 1
    assert address.locator("xpath=ancestor::a").count() == 0
    address.click()
    picture = shown.locator(".picture img")
    assert (
        picture.evaluate("async i => (await fetch(i.src)).headers.get('x-thumbnail')") == "missing"
    )
    rows.execute("DELETE FROM generated_images WHERE id = 7")


def test_logging_in_and_out(tab: Tab) -> None:
    tab.log_in("reader")
    assert tab.page.get_by_role("button", name="Log out reader").is_visible()
    tab.page.get_by_role("button", name="Log out").click()
    tab.page.wait_for_url("**/login")
    tab.page.get_by_label("Access token").fill("wrong" + TOKENS["boss"])
    tab.page.get_by_role("button", name="Log in").click()
    assert "not known" in tab.page.get_by_role("alert").inner_text()
    # Browsers call the 401 an error.
    tab.wrong.clear()
