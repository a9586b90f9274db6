"""The pages without a browser: what they say when there is nothing, or something is wrong."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from projections.dead_letters import DeadLetter, store
from projections.retention import Condemned
from schemas.codec import encode
from schemas.record import Record
from tests.support.builders import failed, generated
from tests.support.reading import ReadingWorld, reading_world
from tests.support.web import HOST, TOKENS, client_of, open_site
from web import live
from web.live import Live, TooManyWatchers

pytestmark = pytest.mark.postgres

PAGES = ("/", "/failures", "/analytics", "/pipeline", "/storage")
ACCEPT = {"Accept": "text/html"}
OURS = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[ReadingWorld]:
    with reading_world(tmp_path, database_url) as made:
        yield made


def text_of(client: TestClient, path: str, expected: int = 200) -> str:
    answer = client.get(path, headers=ACCEPT)
    assert answer.status_code == expected, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def session_of(world: ReadingWorld, name: str) -> tuple[TestClient, str]:
    """A browser that has logged in, and what its forms carry."""
    browser = TestClient(world.client.app, base_url=HOST, follow_redirects=False)
    browser.post("/login", data={"token": TOKENS[name]}, headers=OURS)
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/storage").text))
    return browser, token


@pytest.mark.parametrize(
    ("page", "what"),
    [
        ("/", "omega-images demo"),
        ("/?user=nobody", "No image fits"),
        ("/failures", "There were no requests at all"),
        ("/analytics", "omega-images demo"),
        ("/pipeline", "None: every record was projected"),
        ("/pipeline/letters", "No open dead letters"),
        ("/storage", "Nothing is stored yet"),
    ],
)
def test_an_empty_page_says_what_to_do(empty_world: ReadingWorld, page: str, what: str) -> None:
    assert what in text_of(empty_world.client, page)


@pytest.mark.parametrize("page", PAGES)
def test_whoever_has_not_logged_in_is_led_there(empty_world: ReadingWorld, page: str) -> None:
    answer = empty_world.stranger.get(page, headers=ACCEPT)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=")


@pytest.mark.parametrize("page", PAGES)
def test_without_the_database_a_page_says_so(tmp_path: Path, page: str) -> None:
    with open_site(tmp_path) as site:
        told = text_of(client_of(site, as_="reader"), page, 503)
    assert "The database is away" in told
    assert "omega-images doctor" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "path", ["/images/1", "/images/x", "/images/1/history", "/pipeline/letters/9", "/nothing"]
)
def test_what_is_not_there_is_a_page_too(empty_world: ReadingWorld, path: str) -> None:
    assert "<h1>Not Found</h1>" in text_of(empty_world.client, path, 404)


def test_the_numbers_behind_the_charts_are_those_of_the_tables(world: ReadingWorld) -> None:
    now = datetime.now(UTC)
    for number in range(12):
        fields: dict[str, Any] = {"time": now - timedelta(hours=number), "tool_name": "renderChart"}
        event = failed if number % 4 == 0 else generated
        world.send(event(f"r{number}", **fields))
    world.project()
    told = re.sub(r"<[^>]+>|\s+", " ", text_of(world.client, "/analytics"))
    assert re.search(r"renderChart\s+12\s+75\.0 %\s+3\s+1\s+524 kB", told)
    assert "Of all time, as are tools, models and users; everything else is of 30 days." in told
    failures = re.sub(r"<[^>]+>|\s+", " ", text_of(world.client, "/failures?days=7"))
    assert "3 of 12 requests in 7 days, 25.0 %" in failures


def test_a_row_is_shown_with_its_history(world: ReadingWorld) -> None:
    world.send(failed("a"), generated("a"))
    world.project()
    row = world.get("/api/v1/images/a")["image"]["id"]
    told = text_of(world.client, f"/images/{row}/history")
    assert "overruled: a success beats a failure" in told
    assert "made the row: the first success" in told


def letter(world: ReadingWorld, value: bytes) -> int:
    record = Record("events", 0, 5, 0, b"k", value, ())
    with world.site.connect() as connection:
        store(connection, "table", [DeadLetter(record, "TooEarly", "not yet")])
        return int(connection.execute("SELECT max(id) FROM dead_letters").fetchall()[0][0])


def test_only_our_own_forms_redrive(world: ReadingWorld) -> None:
    number = str(letter(world, encode(generated("late"))))
    browser, token = session_of(world, "boss")
    for headers, form in (
        ({}, {"csrf_token": token}),
        (OURS, {}),
        (OURS, {"csrf_token": "wrong"}),
        (OURS | {"Origin": "https://evil.test"}, {"csrf_token": token}),
    ):
        answer = browser.post("/pipeline/redrive", data=form | {"id": number}, headers=headers)
        assert answer.status_code == 403
    reader, his = session_of(world, "reader")
    refused = reader.post(
        "/pipeline/redrive", data={"csrf_token": his, "id": number}, headers=OURS | ACCEPT
    )
    assert (refused.status_code, "role operate" in refused.text) == (403, True)
    done = browser.post("/pipeline/redrive", data={"csrf_token": token, "id": number}, headers=OURS)
    assert done.headers["location"] == "/pipeline?done=1&failed=0&skipped=0#dead-letters"
    again = browser.post(
        "/pipeline/redrive", data={"csrf_token": token, "id": number}, headers=OURS | ACCEPT
    )
    assert "No such open dead letter" in again.text
    for form in ({}, {"all": "no"}, {"id": "x"}, {"id": "0"}, {"fingerprint": "<b>"}):
        answer = browser.post(
            "/pipeline/redrive", data={"csrf_token": token} | form, headers=OURS | ACCEPT
        )
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")


def test_an_upload_that_is_loaded_was_used(world: ReadingWorld) -> None:
    url = world.site.uploads.put(b"x", "a_1.png", "image/png").url
    world.send(generated("used", storage_url=url), generated("unused"))
    world.project()
    assert world.client.get("/uploads/a_1.png").content == b"x"
    with world.site.pool.connection() as connection:
        found = connection.execute("SELECT request_id FROM image_uses").fetchall()
    assert found == [("used",)]


def test_what_cleanup_would_free_is_worked_out_when_asked_for(
    tmp_path: Path, database_url: str
) -> None:
    asked: list[int] = []

    def would_free() -> dict[str, Condemned]:
        asked.append(1)
        return {"<b>old": Condemned(7, 5_000_000, datetime(2026, 1, 2, tzinfo=UTC), None)}

    with reading_world(tmp_path, database_url) as world:
        client = client_of(replace(world.site, would_free=would_free), as_="reader")
        assert "Work it out" in text_of(client, "/storage")
        assert asked == []
        told = text_of(client, "/storage?cleanup=yes")
    assert "&lt;b&gt;old" in told
    assert "5.0 MB" in told


def test_scripts_and_styles_are_kept_under_addresses_that_change(empty_world: ReadingWorld) -> None:
    told = text_of(empty_world.client, "/")
    addresses = re.findall(r'"(/static/[^"]+)"', told)
    assert len(addresses) > 4
    for address in addresses:
        assert "immutable" in empty_world.stranger.get(address).headers["cache-control"]
    plain = empty_world.stranger.get("/static/common.js")
    assert plain.headers["cache-control"] == "no-cache"
    assert empty_world.stranger.get("/static/app.css?v=old").headers["cache-control"] == "no-cache"


def test_nothing_is_inline_and_nothing_from_elsewhere() -> None:
    """As the policy demands, which a browser would tell only on pages that a test opens."""
    templates = Path(live.__file__).parent / "templates"
    for path in templates.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text
        ), path
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text), path
        assert not re.search(r"\|\s*safe\b|autoescape", text), path


def test_streams_are_few_and_all_get_the_same(
    world: ReadingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_WATCHERS", 2)
    watched = Live(world.site)

    async def watch() -> list[int | None]:
        streams = [watched.states() for _ in range(3)]
        first, second = await anext(streams[0]), await anext(streams[1])
        with pytest.raises(TooManyWatchers):
            await anext(streams[2])
        world.send(generated("new"))
        await asyncio.to_thread(world.project)
        told = [first.images, second.images]
        for stream in streams[:2]:
            while (state := await anext(stream)).images != 1:
                pass
            told.append(state.images)
        watched.end()
        for stream in streams[:2]:
            async for _ in stream:
                pass
        return told

    assert asyncio.run(watch()) == [0, 0, 1, 1]


def test_the_stream_goes_on_when_the_database_is_back(world: ReadingWorld) -> None:
    broken: list[int] = []
    connect = world.site.connect

    def sometimes() -> Any:
        if not broken:
            broken.append(1)
            raise ConnectionError
        return connect()

    watched = Live(replace(world.site, connect=sometimes))

    async def watch() -> list[bool]:
        stream = watched.states()
        found = [(await anext(stream)).pipeline is not None for _ in range(2)]
        await stream.aclose()
        return found

    assert asyncio.run(watch()) == [False, True]
