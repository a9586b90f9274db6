"""The gallery in a real browser: filters, older images, keyboard, viewer, news."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Tab, context_of
from tests.support.builders import generated
from tests.support.dashboard import NOW
from tests.support.ledger_world import LedgerWorld

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

COUNT = "SELECT count(*) FROM generated_images"
DAY = f"{NOW:%Y-%m-%d}"

BACK_AND_FORWARD = """async () => {
  const went = (way) => new Promise((done) => {
    addEventListener("popstate", done, { once: true });
    history[way]();
  });
  for (let time = 0; time < 20; time++) { await went("back"); await went("forward"); }
}"""


def ids(page: Page) -> list[int]:
    """The images that are shown, in their order."""
    found = page.locator("[data-image]").evaluate_all("all => all.map(a => a.pathname)")
    return [int(path.removeprefix("/images/")) for path in found]


def fill_in(page: Page, fields: dict[str, str]) -> None:
    """Fill in the form, and send it."""
    if set(fields) != {"text"} and not page.get_by_label("User id").is_visible():
        page.get_by_text("Filters", exact=True).click()
    for name, value in fields.items():
        field = page.locator(f"#{name}")
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    # The pictures of a page that is looked at for its addresses only are not waited for.
    with page.expect_navigation(wait_until="domcontentloaded"):
        page.get_by_role("button", name="Apply" if set(fields) != {"text"} else "Search").click()


@pytest.mark.parametrize(
    ("fields", "condition"),
    [
        ({"text": 'lighthouse "by the sea" -night'}, "prompt ~ 'lighthouse.*by the sea.*dawn'"),
        ({"user": "u1"}, "user_id = 'u1'"),
        (
            {"tool": "generateComic", "since": DAY},
            f"tool_name = 'generateComic' AND created_at >= '{DAY}'",
        ),
        ({"model": "model-2"}, "model = 'model-2'"),
        ({"status": "failed", "user": "123"}, "status = 'failed' AND user_id = '123'"),
        ({"tag": "n7"}, "tags @> ARRAY['n7']"),
        ({"provider": "local"}, "storage_provider = 'local'"),
        ({"until": "2026-10-31"}, "created_at < '2026-11-01'"),
        (
            {"user": "u2", "model": "model-2", "status": "success"},
            "user_id = 'u2' AND model = 'model-2'",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_each_filter(tab: Tab, rows: Any, fields: dict[str, str], condition: str) -> None:
    page = tab.go("/")
    fill_in(page, fields)
    wanted = rows.execute(
        f"SELECT id FROM generated_images WHERE {condition} ORDER BY created_at DESC, id DESC"  # noqa: S608  # the test's own
    )
    assert ids(page) == [row[0] for row in wanted]
    # The address has these and no others, and each can be taken away again.
    assert set(page.evaluate("[...new URLSearchParams(location.search).keys()]")) == set(fields)
    for _ in fields:
        page.locator(".chips a").first.click()
    page.wait_for_url(tab.address + "/", wait_until="domcontentloaded")


def test_what_cannot_be_meant_is_said(tab: Tab) -> None:
    page = tab.go("/?since=yesterday")
    assert "must be a day" in page.get_by_role("alert").inner_text()
    tab.wrong.clear()  # browsers call the 400 an error


def test_all_images_come_while_one_scrolls(tab: Tab, rows: Any) -> None:
    page = tab.go("/")
    (count,) = rows.execute(COUNT).fetchone()
    assert len(ids(page)) < count
    while page.locator("[data-older]").count():
        page.mouse.wheel(0, 5_000)
        page.wait_for_timeout(20)
    found = ids(page)
    assert (len(found), len(set(found))) == (count, count)


def test_without_scripts_there_is_a_link_to_older_images(
    browser: Browser, address: str, rows: Any
) -> None:
    context = context_of(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "/")
    found = ids(page)
    while page.get_by_role("link", name="Older images").count():
        page.get_by_role("link", name="Older images").click()
        found += ids(page)
    (count,) = rows.execute(COUNT).fetchone()
    assert (len(found), len(set(found))) == (count, count)
    context.close()


def test_the_keyboard_is_enough(tab: Tab) -> None:
    page = tab.go("/?user=u1")
    all_ids = ids(page)
    focused = "document.activeElement.pathname"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == f"/images/{all_ids[1]}"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) != f"/images/{all_ids[1]}"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("lighthouse")
    page.wait_for_url(f"**/images/{all_ids[1]}")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/images/{all_ids[2]}")
    page.keyboard.press("Escape")
    page.wait_for_url("**/?user=u1")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate(focused) == f"/images/{all_ids[2]}"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "text"


def test_back_and_forward_show_what_the_address_says(tab: Tab) -> None:
    page = tab.go("/?user=u1")
    viewer, count = page.get_by_role("dialog"), len(ids(page))
    page.locator("[data-image]").first.click()
    expect(viewer).to_contain_text("lighthouse")
    address = page.url
    page.go_back()
    expect(viewer).to_be_hidden()
    page.go_forward()
    expect(viewer).to_contain_text("lighthouse")
    assert page.url == address
    page.reload()
    expect(viewer).to_have_count(0)
    expect(page.locator("h1")).to_contain_text("Image")
    page.go_back()
    expect(page.locator("[data-image]")).to_have_count(count)
    assert page.url == tab.address + "/?user=u1"


def test_going_back_and_at_once_forward_leaves_the_viewer_open(tab: Tab) -> None:
    page = tab.go("/?user=u1")
    viewer = page.get_by_role("dialog")
    page.locator("[data-image]").first.click()
    expect(viewer).to_contain_text("lighthouse")
    address = page.url
    # A dialog tells that it was closed with the next frame, when it may be open again.
    page.evaluate(BACK_AND_FORWARD)
    expect(viewer).to_contain_text("lighthouse")
    assert page.url == address
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(page).to_have_url(tab.address + "/?user=u1")


def test_the_viewer_tells_everything(browser: Browser, address: str, rows: Any) -> None:
    context = context_of(browser, permissions=["clipboard-read", "clipboard-write"])
    tab = Tab(context.new_page(), address)
    page = tab.go("/?tag=n3")
    page.locator("[data-image]").click()
    viewer = page.get_by_role("dialog")
    for text in ("lighthouse number 3", '"seed": 3', "ada (u0)", "model-2", "n3"):
        expect(viewer).to_contain_text(text)
    picture = viewer.locator(".picture img")
    assert picture.evaluate("async i => { await i.decode(); return i.naturalWidth }") == 96
    viewer.get_by_text("History of this request").click()
    expect(viewer).to_contain_text("made the row: the first success")
    viewer.get_by_role("button", name="Copy the prompt").click()
    expect(viewer.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("A lighthouse number 3")
    used = rows.execute("SELECT 1 FROM image_uses WHERE request_id = 'picture-3'")
    assert used.fetchone() is not None
    page.go_back()
    expect(viewer).to_be_hidden()
    tab.check()
    context.close()


def test_thumbnails_are_shown_and_kept(tab: Tab) -> None:
    page = tab.go("/?provider=local&tag=sea")
    pictures = page.locator(".tile img")
    sizes = pictures.evaluate_all(
        "all => Promise.all(all.map(async i => { await i.decode(); return i.naturalWidth }))"
    )
    assert sizes == [96] * 24
    cached = "i => fetch(i.src).then(a => [a.headers.get('cache-control'), a.headers.get('etag')])"
    control, etag = pictures.first.evaluate(cached)
    assert "immutable" in control
    assert etag
    # Nothing of it lies in a store of this server.
    page = tab.go("/?provider=github")
    told = "async i => (await fetch(i.src)).headers.get('x-thumbnail')"
    assert page.locator(".tile img").first.evaluate(told) == "missing"


def test_new_images_are_told_while_the_page_is_open(tab: Tab, world: LedgerWorld) -> None:
    page = tab.go("/?tool=generateIcon")
    every = context_of(tab.page.context.browser, viewport={"width": 900, "height": 700})  # type: ignore[arg-type]  # it has one
    other = every.new_page()
    other.goto(tab.address + "/")
    expect(other.locator("[data-live-status]")).to_have_text("Live")
    expect(page.locator("[data-live-status]")).to_have_text("Live")
    world.publish(generated("brand-new", time=datetime.now(UTC), prompt="A brand new picture"))
    world.project()
    expect(other.locator(".news")).to_have_text("1 new image")
    expect(page.locator(".news")).to_be_hidden()
    other.locator(".news").click()
    expect(other.locator(".tile .prompt").first).to_have_text("A brand new picture")
    every.close()
