"""Pages by key: every filter and combination of filters, in both orders, against plain Python."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row
from psycopg.sql import SQL, Composed
from psycopg.types.json import Jsonb

from projections import image_search, images
from projections.image_filters import Filters, InvalidFilter
from projections.image_search import InvalidCursor, Page, list_page
from projections.images import GeneratedImageRecord
from tests.support.load import EPOCH

pytestmark = pytest.mark.postgres

NewDatabase = Callable[[], AbstractContextManager[str]]

INSERT = """
INSERT INTO generated_images (request_id, user_id, tool_name, prompt, model, storage_url,
    storage_provider, tags, status, metadata, created_at)
VALUES (%s, %s, %s, %s, %s, 'https://x.test/1', %s, %s, %s, %s, %s)
"""
WORDS = ("Harbour", "dusk", "100%", "snow_man", "back\\slash", "Größe", "夕暮れの港")
TEXTS = (
    "harbour",
    "DUSK -harbour",
    '"dusk 100%"',
    "snow_m",
    "\\",
    "größe",
    "暮れ",
    "no such",
    "-x",
)


def insert(connection: Connection[Any], rng: random.Random, number: int) -> None:
    """One row; many share their time with others."""
    row = (
        f"req-{number}",
        f"user{rng.randrange(4)}",
        rng.choice(("generateComic", "renderChart")),
        " ".join(rng.choices(WORDS, k=3)),
        rng.choice(("gemini", "gpt", None)),
        rng.choice(("github", "local", None)),
        rng.choice((None, [], ["portrait"], ["portrait", "rare"])),
        rng.choice(("success", "success", "failed", "cancelled")),
        rng.choice((None, Jsonb({"a": {"b": rng.randrange(3)}, "list": [1, 2]}))),
        EPOCH + timedelta(seconds=rng.randrange(80)),
    )
    connection.execute(INSERT, row)


@pytest.fixture
def rng() -> random.Random:
    """The same for each run."""
    return random.Random(5)


def fill(connection: Connection[Any]) -> Connection[Any]:
    """Some hundred rows of all kinds."""
    rng = random.Random(7)
    with connection.transaction():
        for number in range(240):
            insert(connection, rng, number)
    return connection


@pytest.fixture(scope="module")
def filled(new_database: NewDatabase) -> Iterator[Connection[Any]]:
    """Rows that stay as they are."""
    with new_database() as url:
        in_utc = make_conninfo(url, options="-c timezone=UTC")
        with psycopg.connect(in_utc, autocommit=True) as connection:
            yield fill(connection)


@pytest.fixture(params=[(7, 11, 5), (7, 11, 10_000), (10_000, 10_000, 10_000)])
def stretches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches so short that a page needs many, and so long that it needs one."""
    first, further, few = request.param
    monkeypatch.setattr(image_search, "FIRST_STRETCH", first)
    monkeypatch.setattr(image_search, "STRETCH", further)
    monkeypatch.setattr(image_search, "FEW", few)


def everything(connection: Connection[Any]) -> list[GeneratedImageRecord]:
    """All rows, the newest first."""
    with connection.cursor(row_factory=class_row(GeneratedImageRecord)) as cursor:
        cursor.execute("SELECT * FROM generated_images ORDER BY created_at DESC, id DESC")
        return cursor.fetchall()


def pages(connection: Connection[Any], filters: Filters, **options: Any) -> Iterator[Page]:
    """All pages of a search."""
    cursor = None
    while True:
        page = list_page(connection, filters, cursor=cursor, **options)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return


def meets(image: GeneratedImageRecord, filters: Filters) -> bool:
    """What a filter means, said once more."""
    plain = ("user_id", "tool_name", "model", "storage_provider")
    failed = image.status != "success"
    return (
        all(getattr(filters, name) in (None, getattr(image, name)) for name in plain)
        and (filters.status is None or failed == (filters.status == "failed"))
        and (filters.tag is None or filters.tag in (image.tags or ()))
        and (filters.since is None or image.created_at >= filters.since)
        and (filters.until is None or image.created_at < filters.until)
        and (filters.text is None or has_words(image.prompt.lower(), filters.text.lower()))
        and (filters.metadata is None or contains(image.metadata, filters.metadata))
    )


def has_words(prompt: str, text: str) -> bool:
    """Whether the prompt has the words; a text in quotes is one."""
    words = [text.strip('"')] if text.startswith('"') else text.split()
    return all((word.lstrip("-") in prompt) != word.startswith("-") for word in words)


def contains(value: Any, part: Any) -> bool:
    """The @> of jsonb, as far as these rows need it."""
    if isinstance(part, dict):
        if not isinstance(value, dict):
            return False
        return all(k in value and contains(value[k], part[k]) for k in part)
    if isinstance(part, list):
        return isinstance(value, list) and set(part) <= set(value)
    return bool(value == part)


def any_filters(rng: random.Random) -> Filters:
    """Some filters, or none."""
    choices: dict[str, tuple[Any, ...]] = {
        "user_id": ("user1", "nobody"),
        "tool_name": ("generateComic", "none"),
        "status": ("success", "failed"),
        "model": ("gemini", "none"),
        "storage_provider": ("local",),
        "tag": ("portrait", "rare", "none"),
        "since": (EPOCH + timedelta(seconds=20),),
        "until": (EPOCH + timedelta(seconds=60),),
        "text": TEXTS,
        "metadata": ({}, {"a": {"b": 1}}, {"list": [2]}, {"c": None}),
    }
    given = rng.sample(sorted(choices), rng.choice((0, 1, 1, 2, 3)))
    return Filters(**{name: rng.choice(choices[name]) for name in given})


@pytest.mark.usefixtures("stretches")
@pytest.mark.parametrize("patience_s", [0, 60])
def test_pages_hold_what_meets_the_filters_once_and_in_order(
    filled: Connection[Any], rng: random.Random, patience_s: float
) -> None:
    rows = everything(filled)
    singles = [Filters(text=text) for text in TEXTS]
    for filters in [*singles, *(any_filters(rng) for _ in range(25))]:
        for oldest_first in (False, True):
            options = {"limit": rng.choice((7, 20, 1_000)), "oldest_first": oldest_first}
            found = list(pages(filled, filters, patience_s=patience_s, **options))
            expected = [image for image in rows if meets(image, filters)]
            assert [i for page in found for i in page.images] == (
                expected[::-1] if oldest_first else expected
            ), filters
            if patience_s:
                full = [len(page.images) == options["limit"] for page in found[:-1]]
                assert all(full)
                assert all(page.searched_to is None for page in found)


def test_a_search_that_takes_too_long_says_how_far_it_came(
    filled: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_search, "FIRST_STRETCH", 100)
    page = list_page(filled, Filters(model="none"), patience_s=0)
    assert page.images == []
    assert page.searched_to == everything(filled)[99].created_at
    assert page.next_cursor is not None


def test_a_cursor_leads_back_in_the_other_order(filled: Connection[Any]) -> None:
    rows = everything(filled)
    cursor = list_page(filled, limit=30).next_cursor
    back = list_page(filled, cursor=cursor, limit=10, oldest_first=True)
    assert back.images == rows[19:29][::-1]


def test_what_is_added_or_goes_meanwhile_moves_no_page(
    connection: Connection[Any], rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = fill(connection)
    monkeypatch.setattr(image_search, "FIRST_STRETCH", 9)
    monkeypatch.setattr(image_search, "STRETCH", 9)
    chosen = Filters(model="gemini")
    before = [image.id for image in everything(filled) if image.model == "gemini"]
    gone, found = set(before[5::7]), []
    for number, page in enumerate(pages(filled, chosen, limit=7, patience_s=0)):
        found += [image.id for image in page.images]
        insert(filled, rng, 1_000 + number)
        if number == 0:
            left = sorted(gone - set(found))
            filled.execute("DELETE FROM generated_images WHERE id = ANY(%s)", (left,))
    assert len(found) == len(set(found))
    assert set(before) - gone <= set(found)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "ünfug",
        "WzFd",
        "WyIyMDI2LTExLTAxIiwxXQ",
        "W251bGwsbnVsbF0",
        "A" * 999,
        "W1tb" * 999,
    ],
)
def test_a_cursor_of_nobody_s_is_refused_in_a_line(
    connection: Connection[Any], cursor: str
) -> None:
    with pytest.raises(InvalidCursor, match="begin without one") as refused:
        list_page(connection, cursor=cursor)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"user_id": "a\0"}, "NUL"),
        ({"text": "\ud800"}, "half a character"),
        ({"text": "x" * 501}, "501 characters"),
        ({"text": "a " * 11}, "over 10 words"),
        ({"metadata": {"a": float("nan")}}, "NaN"),
        ({"metadata": {"a": "b\0"}}, "NUL"),
        ({"metadata": {"a\0": 1}}, "NUL"),
        ({"metadata": {"a": "\udfff"}}, "half a character"),
        ({"since": EPOCH.replace(tzinfo=None)}, "no zone"),
    ],
)
def test_what_no_image_can_meet_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidFilter, match=why):
        Filters(**given)
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(InvalidFilter, match="levels"):
        Filters(metadata={"a": deep})


def test_a_backslash_before_u0000_is_text(connection: Connection[Any]) -> None:
    insert(connection, random.Random(1), 1)
    connection.execute("UPDATE generated_images SET metadata = %s", (Jsonb({"a": "\\u0000"}),))
    assert len(list_page(connection, Filters(metadata={"a": "\\u0000"})).images) == 1


@pytest.fixture(scope="module")
def large(new_database: NewDatabase) -> Iterator[Connection[Any]]:
    """Rows enough for the planner to mind, of which it knows; they stay as they are."""
    with new_database() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO generated_images"
            " (user_id, tool_name, prompt, storage_url, tags, metadata, status, created_at)"
            " SELECT 'u' || i % 50, 't' || i % 40, 'p', '/x' || i,"
            " CASE WHEN i % 9000 = 0 THEN '{rare}'::text[] ELSE '{many}' END,"
            " jsonb_build_object('number', i), CASE i % 10 WHEN 3 THEN 'failed' ELSE 'success' END,"
            " now() - i * interval '1 second' FROM generate_series(1, 40000) AS i"
        )
        connection.execute("VACUUM ANALYZE generated_images")
        yield connection


class Explaining:
    """Stands for a connection, and keeps the plan of each statement that is executed."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self.plans: list[str] = []

    def execute(self, query: Composed, parameters: Any, **_: Any) -> Any:
        rows = self._connection.execute(SQL("EXPLAIN (ANALYZE) ") + query, parameters).fetchall()
        self.plans.append("\n".join(row[0] for row in rows))
        return self._connection.execute(query, parameters)

    def cursor(self, row_factory: Any) -> Any:
        return _ExplainingCursor(self, self._connection, row_factory)


class _ExplainingCursor:
    def __init__(self, explaining: Explaining, connection: Any, row_factory: Any) -> None:
        self._explaining, self._connection = explaining, connection
        self._cursor = connection.cursor(row_factory=row_factory)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()

    def execute(self, query: Any, parameters: Any, **_: Any) -> Any:
        self._explaining.execute(query, parameters)
        return self._cursor.execute(query, parameters)


IN_ORDER = "idx_generated_images_created_at_id"
READ_IN_ORDER: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, IN_ORDER),
    "user": ({"user_id": "u7"}, "idx_generated_images_user_id_created_at"),
    "tool": ({"tool_name": "t1"}, "idx_generated_images_tool_name_created_at_id"),
    "status": ({"status": "failed"}, IN_ORDER),
    "success": ({"status": "success"}, IN_ORDER),
    "tag": ({"tag": "many"}, IN_ORDER),
    "text": ({"text": "P"}, IN_ORDER),
}


def pages_and_plans(
    connection: Connection[Any], given: dict[str, Any], *, oldest_first: bool
) -> Iterator[tuple[Page, list[str]]]:
    """The first page and one from the middle, with the plans of their statements."""
    middle = connection.execute(
        "SELECT created_at, id FROM generated_images ORDER BY id OFFSET 20000 LIMIT 1"
    ).fetchone()
    assert middle is not None
    for cursor in (None, image_search.encode_cursor(image_search.Place(*middle))):
        explaining: Any = Explaining(connection)
        page = list_page(explaining, Filters(**given), cursor=cursor, oldest_first=oldest_first)
        yield page, explaining.plans


@pytest.mark.parametrize("name", READ_IN_ORDER)
@pytest.mark.parametrize("oldest_first", [False, True])
def test_every_page_reads_an_index_in_its_order(
    large: Connection[Any], name: str, *, oldest_first: bool
) -> None:
    given, index = READ_IN_ORDER[name]
    for page, plans in pages_and_plans(large, given, oldest_first=oldest_first):
        assert len(page.images) == images.DEFAULT_LIMIT
        assert len(plans) <= 2
        for plan in plans:
            assert f"using {index}" in plan
            assert "Seq Scan" not in plan
            assert not re.search("(?<!Incremental) Sort  ", plan)


@pytest.mark.parametrize(
    "given", [{"model": "none"}, {"text": "none"}, {"storage_provider": "none", "tool_name": "t1"}]
)
def test_what_has_no_index_is_looked_for_in_stretches(
    large: Connection[Any], given: dict[str, Any]
) -> None:
    for page, plans in pages_and_plans(large, given, oldest_first=False):
        assert page.images == []
        for plan in plans:
            assert "Seq Scan" not in plan
            read = [float(n) for n in re.findall(r" Scan .*actual .*rows=([0-9.]+) ", plan)]
            assert max(read) <= image_search.STRETCH


@pytest.mark.parametrize(
    ("given", "index"),
    [
        ({"tag": "rare"}, "idx_generated_images_tags_gin"),
        ({"metadata": {"number": 39_000}}, "idx_generated_images_metadata_gin"),
    ],
)
def test_what_is_rare_is_found_by_its_own_index(
    large: Connection[Any], given: dict[str, Any], index: str
) -> None:
    explaining: Any = Explaining(large)
    page = list_page(explaining, Filters(**given))
    assert page.images
    assert page.next_cursor is None
    assert len(explaining.plans) == 4
    assert f"on {index}" in explaining.plans[2]


def test_a_limit_is_checked_whatever_the_filters(connection: Connection[Any]) -> None:
    for filters in (Filters(), Filters(model="x")):
        with pytest.raises(ValueError, match="must be 1 to 1000"):
            list_page(connection, filters, limit=images.MAX_LIMIT + 1)
