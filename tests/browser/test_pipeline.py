"""The pipeline's page in a real browser: it follows what happens, and mends what can be mended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from consumers.rebuild import Rebuild
from operations.rebuilding import source_of
from projections.dead_letters import DeadLetter, store
from schemas.codec import encode
from schemas.record import Record
from tests.browser.conftest import Tab
from tests.support.builders import generated
from tests.support.ledger_world import LedgerWorld

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def set_aside(world: LedgerWorld, offset: int, value: bytes, why: str) -> None:
    """A dead letter of the table."""
    record = Record(world.ledger.topic, 0, offset, 0, b"late", value, ())
    store(world.connection, "table", [DeadLetter(record, "TooEarly", why)])


def test_a_dead_letter_is_inspected_and_redriven(tab: Tab, world: LedgerWorld) -> None:
    set_aside(world, 900_001, encode(generated("late", prompt="Came late")), "not yet")
    tab.log_in("boss")
    page = tab.go("/pipeline")
    line = page.locator("#dead-letters tr", has_text="TooEarly")
    line.get_by_role("link", name="Inspect").click()
    page.get_by_role("cell").get_by_role("link").first.click()
    expect(page.locator("pre")).to_contain_text("Came late")
    tab.go("/pipeline")
    line.get_by_role("button", name="Redrive").click()
    expect(page.get_by_role("status")).to_have_text("1 redriven.")
    expect(line).to_have_count(0)
    tab.go("/?text=%22Came+late%22")
    expect(page.locator(".tile")).to_have_count(1)


def test_what_is_broken_stays_until_it_is_given_up(tab: Tab, world: LedgerWorld) -> None:
    set_aside(world, 900_002, b"<b>poison</b> \xff", "is no <i>JSON</i>")
    tab.log_in("boss")
    page = tab.go("/pipeline")
    line = page.locator("#dead-letters tr", has_text="is no <i>JSON</i>")
    line.get_by_role("button", name="Redrive").click()
    expect(page.get_by_role("status")).to_contain_text("1 failed again")
    letter = world.connection.execute('SELECT id FROM dead_letters WHERE "offset" = 900002')
    tab.go(f"/pipeline/letters/{letter.fetchall()[0][0]}")
    expect(page.locator("pre")).to_contain_text("<b>poison</b> \\xff")
    page.get_by_label("or give it up, because").fill("a test")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("status")).to_have_text("1 given up.")


def test_who_may_only_read_finds_no_button(tab: Tab, world: LedgerWorld) -> None:
    set_aside(world, 900_003, b"poison", "is nothing")
    for log_in in (False, True):
        if log_in:
            tab.log_in("reader")
        page = tab.go("/pipeline")
        expect(page.get_by_role("link", name="Inspect").first).to_be_visible()
        expect(page.get_by_role("button", name="Redrive")).to_have_count(0)
        expect(page.locator("#dead-letters")).to_contain_text("role operate")


def test_lag_is_seen_as_it_grows_and_goes(tab: Tab, world: LedgerWorld) -> None:
    page = tab.go("/pipeline")
    table = page.locator("section", has=page.get_by_role("heading", name="Table", exact=True))
    expect(table.locator(".state")).to_have_text("up to date")
    for number in range(3):
        world.publish(generated(f"waiting-{number}"))
    expect(table.locator(".state")).to_have_text("behind")
    expect(table).to_contain_text("3 records")
    world.project()
    expect(table.locator(".state")).to_have_text("up to date")


def test_a_rebuild_is_watched_from_beginning_to_end(tab: Tab, world: LedgerWorld) -> None:
    """Without the page being loaded again."""
    page = tab.go("/pipeline")
    page.evaluate("window.same = true")
    watched = page.get_by_role("region", name="rebuild of table")
    expect(page.locator("[data-live-status]")).to_have_text("Live")
    expect(watched).to_have_count(0)
    with Rebuild(source_of(world.ledger, "table")) as rebuild:
        state = rebuild.prepare(fresh=True)
        expect(watched).to_contain_text("Reading the log.")
        expect(watched).to_contain_text("0 of")
        with ThreadPoolExecutor(1) as pool:
            rebuild.load(state, [pool])
        rebuild.finish()
        expect(watched).to_contain_text("now it is compared")
        expect(watched.get_by_role("img", name="100 % of the log")).to_be_visible()
        rebuild.catch_up_to_the_end()
        rebuild.compare(unmade=True)
        rebuild.swap(unmade=True)
    expect(watched).to_have_count(0)
    expect(page.locator("[data-announce]")).to_have_text("No longer in work: rebuild of table")
    expect(page.locator("[data-pipeline]")).to_contain_text("rebuild table --rollback")
    assert page.evaluate("window.same") is True
