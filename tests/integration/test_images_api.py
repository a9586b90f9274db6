"""The document's two routes, and /api/v1/images beside them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from projections import image_search
from tests.support.builders import failed, generated
from tests.support.reading import ReadingWorld, reading_world
from web.api import parameters

pytestmark = pytest.mark.postgres

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIELDS = (
    "id requestId userId username toolName prompt model size quality style n storageUrl"
    " storageProvider mimeType bytes sha256 tags status error metadata messageId createdAt"
)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[ReadingWorld]:
    with reading_world(tmp_path, database_url) as made:
        yield made


@pytest.fixture
def filled(world: ReadingWorld) -> ReadingWorld:
    """Thirty images, every fifth a failure."""
    for number in range(30):
        fields: dict[str, Any] = {
            "user_id": f"u{number % 3}",
            "tool_name": ("generateComic", "renderChart")[number % 2],
            "model": ("gemini", None)[number % 2],
            "prompt": f"harbour number {number}" + (" at dawn" if number % 7 == 0 else ""),
            "tags": ("portrait",) if number % 4 == 0 else None,
            "metadata": {"variant": number % 3, "latency_ms": 10 * number},
            "time": START + timedelta(minutes=number),
        }
        make = failed if number % 5 == 0 else generated
        world.send(make(f"r{number}", **fields))
    world.project()
    return world


def test_the_documents_list_has_its_names_and_its_pagination(filled: ReadingWorld) -> None:
    found = filled.get("/api/generated-images")
    assert found["success"] is True
    assert found["pagination"] == {"total": 30, "limit": 50, "offset": 0, "hasMore": False}
    assert [" ".join(image) for image in found["images"]] == [FIELDS] * 30
    assert [image["requestId"] for image in found["images"]] == [f"r{29 - n}" for n in range(30)]
    newest = found["images"][0]
    assert newest["createdAt"] == "2026-11-23T12:29:00Z"
    assert isinstance(newest["id"], str)
    assert newest["metadata"] == {"variant": 2, "latency_ms": 290}


def test_the_documents_pages_follow_each_other(filled: ReadingWorld) -> None:
    whole = filled.get("/api/generated-images")["images"]
    page = filled.get("/api/generated-images", limit=7, offset=14)
    assert page["images"] == whole[14:21]
    assert page["pagination"] == {"total": 30, "limit": 7, "offset": 14, "hasMore": True}
    last = filled.get("/api/generated-images", limit=10, offset=20)["pagination"]
    assert last["hasMore"] is False
    assert filled.get("/api/generated-images", offset=99)["images"] == []
    much = filled.get("/api/generated-images", limit=5_000)
    assert much["pagination"]["limit"] == 1_000


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": "x"}, {"offset": -1}, {"offset": 2**63}, {"limit": "9" * 99}]
)
def test_the_documents_list_refuses_what_is_no_number(
    empty_world: ReadingWorld, query: dict[str, Any]
) -> None:
    if query == {"limit": "9" * 99}:
        assert empty_world.get("/api/generated-images", **query)["pagination"]["limit"] == 1_000
        return
    found = empty_world.get("/api/generated-images", 400, **query)
    assert found["success"] is False
    assert next(iter(query)) in found["error"]


def test_the_documents_one_image_and_its_two_errors(filled: ReadingWorld) -> None:
    image = filled.get("/api/generated-images")["images"][3]
    assert filled.get(f"/api/generated-images/{image['id']}") == {"success": True, "image": image}
    invalid = {"success": False, "error": "Invalid image ID"}
    for wrong in ("abc", "-1", "1.5", "²", "9" * 19, "9" * 30, "1e3", "%00", "1%20"):
        assert filled.get(f"/api/generated-images/{wrong}", 400) == invalid
    missing = {"success": False, "error": "Image not found"}
    assert filled.get("/api/generated-images/1", 404) == missing
    assert filled.get(f"/api/generated-images/{2**63 - 1}", 404) == missing


def test_whoever_has_an_answer_is_told_that_it_still_holds(filled: ReadingWorld) -> None:
    image_id = filled.get("/api/generated-images")["images"][0]["id"]
    for path in ("/api/generated-images", f"/api/v1/images/{image_id}", "/api/v1/stats"):
        first = filled.client.get(path)
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache"
        for given in (tag, f'W/{tag}, "other"', "*", f'"other" , {tag}'):
            again = filled.client.get(path, headers={"If-None-Match": given})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
        assert filled.client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    filled.send(generated("new", time=START + timedelta(days=1)))
    filled.project()
    changed = filled.client.get("/api/generated-images", headers={"If-None-Match": tag})
    assert changed.status_code == 200


def test_every_route_asks_for_a_token(empty_world: ReadingWorld) -> None:
    paths = empty_world.client.get("/api/v1/openapi.json").json()["paths"]
    ours = [path for path in paths if path != "/api/v1/events"]
    assert len(ours) >= 13
    for path in ours:
        for method in paths[path]:
            answer = empty_world.stranger.request(method, path.replace("{by}", "day"))
            assert answer.status_code == 401, path


def test_filters_and_their_combinations(filled: ReadingWorld) -> None:
    whole = filled.get("/api/v1/images", limit=200)["images"]

    def asked(**query: Any) -> list[str]:
        return [one["requestId"] for one in filled.get("/api/v1/images", **query)["images"]]

    def those(**values: Any) -> list[str]:
        return [one["requestId"] for one in whole if values.items() <= one.items()]

    assert asked(user="u1") == those(userId="u1")
    assert asked(tool="renderChart", status="failed") == those(
        toolName="renderChart", status="failed"
    )
    assert asked(model="gemini", user="u2") == those(model="gemini", userId="u2")
    assert asked(provider="github") == those(storageProvider="github")
    assert asked(tag="portrait") == those(tags=["portrait"])
    assert asked(text="DAWN harbour") == ["r28", "r21", "r14", "r7", "r0"]
    assert asked(text="dawn -28") == ["r21", "r14", "r7", "r0"]
    assert asked(metadata='{"variant": 1}', status="success", user="u1", limit=3) == [
        "r28",
        "r22",
        "r19",
    ]
    assert asked(since="2026-11-23T12:28:00Z") == ["r29", "r28"]
    assert asked(until="2026-11-23T13:01:00+01:00") == ["r0"]
    assert asked(order="asc", limit=2) == ["r0", "r1"]
    assert asked(user="nobody") == []


def test_pages_by_cursor_meet_each_image_once(filled: ReadingWorld) -> None:
    whole = filled.get("/api/v1/images", limit=200)["images"]
    for order in ("desc", "asc"):
        found: list[Any] = []
        query: dict[str, Any] = {"limit": 7, "order": order}
        while True:
            page = filled.get("/api/v1/images", **query)
            found += page["images"]
            if page["nextCursor"] is None:
                break
            query["cursor"] = page["nextCursor"]
        assert found == (whole if order == "desc" else whole[::-1])


def test_a_search_that_took_too_long_can_be_gone_on_with(
    filled: ReadingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_search, "FIRST_STRETCH", 5)
    monkeypatch.setattr(image_search.list_page, "__kwdefaults__", _impatient())
    page = filled.get("/api/v1/images", text="nowhere")
    assert page["images"] == []
    assert page["searchedTo"] == "2026-11-23T12:25:00Z"
    assert page["nextCursor"] is not None


def _impatient() -> dict[str, Any]:
    return {**(image_search.list_page.__kwdefaults__ or {}), "patience_s": 0}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"status": "lost"}, "status"),
        ({"order": "bytes"}, "order"),
        ({"cursor": "x"}, "begin without one"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-23T12:00:00"}, "since"),
        ({"since": "1763899200"}, "since"),
        ({"until": "2026-13-01T00:00:00Z"}, "until"),
        ({"metadata": "[1]"}, "must be a JSON object"),
        ({"metadata": "{"}, "must be a JSON object"),
        ({"metadata": '{"a": NaN}'}, "NaN"),
        ({"metadata": '{"a": "\\u0000"}'}, "NUL"),
        ({"metadata": "[" * 3_000}, "must be a JSON object"),
        ({"user": "a\0"}, "NUL"),
        ({"text": "a " * 11}, "words"),
        ({"wait": "x"}, "wait"),
        ({"wait": "2000:1"}, "no partition"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": 31}, "timeout"),
        ({"users": "u1"}, "users"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(
    empty_world: ReadingWorld, query: dict[str, Any], said: str
) -> None:
    found = empty_world.get("/api/v1/images", 400, **query)
    assert found["success"] is False
    assert said in found["error"]
    assert "\n" not in found["error"]


def test_one_image_by_its_id_or_its_request(filled: ReadingWorld) -> None:
    filled.send(generated("a/b c/2"), generated("12345"))
    filled.project()
    image = filled.get("/api/v1/images", limit=1)["images"][0]
    assert filled.get(f"/api/v1/images/{image['id']}") == {"image": image}
    assert filled.get(f"/api/v1/images/{image['requestId']}") == {"image": image}
    assert filled.get("/api/v1/images/a/b%20c/2")["image"]["requestId"] == "a/b c/2"
    assert filled.get("/api/v1/images/12345")["image"]["requestId"] == "12345"
    for missing in ("1", "nobody's", "9" * 40, "%00", "²"):
        assert filled.get(f"/api/v1/images/{missing}", 404)["error"] == "Image not found"


def test_an_answer_waits_for_what_was_acknowledged(filled: ReadingWorld) -> None:
    place = filled.send(generated("mine", user_id="me"))
    token = f"{place.partition}:{place.offset}"
    worker = threading.Timer(0.2, filled.project)
    worker.start()
    found = filled.get("/api/v1/images", wait=token, user="me", timeout=20)
    worker.join()
    assert [one["requestId"] for one in found["images"]] == ["mine"]
    for path in ("images/mine", "stats", "stats/tool", "analytics", "failures", "explain/mine"):
        filled.get(f"/api/v1/{path}", wait=token)


def test_an_answer_that_would_come_without_it_is_none(filled: ReadingWorld) -> None:
    place = filled.send(generated("mine"))
    for path in ("/api/v1/images", "/api/v1/images/mine", "/api/v1/stats"):
        query: dict[str, str] = {"wait": f"{place.partition}:{place.offset}", "timeout": "0.05"}
        answer = filled.client.get(path, params=query)
        assert answer.status_code == 504
        assert answer.json()["error"] == "Not here within 0.05 s: the event is safe, ask again"
        assert answer.headers["retry-after"] == "1"


def test_only_so_many_wait(filled: ReadingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "_waiting", threading.BoundedSemaphore(1))
    monkeypatch.setattr(parameters, "wait_for", lambda *_: _ask_within(filled))
    found = filled.get("/api/v1/images", wait="0:999999")
    assert found["images"]


def _ask_within(world: ReadingWorld) -> None:
    answer = world.client.get("/api/v1/images", params={"wait": "0:999999"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_metadata_of_any_numbers_is_told_as_json(world: ReadingWorld) -> None:
    world.send(generated("r1"))
    world.project()
    with world.site.connect() as connection:
        connection.execute(
            "UPDATE generated_images SET metadata = %s::jsonb",
            ('{"huge": 1e400, "fraction": ' + "9" * 400 + '.5, "tiny": 1e-400}',),
        )
    (image,) = world.get("/api/v1/images")["images"]
    assert image["metadata"] == {"huge": 10**400, "fraction": None, "tiny": 0}


def test_without_the_database_it_is_said_so(world: ReadingWorld) -> None:
    world.site.pool.close()
    for path in ("/api/generated-images", "/api/v1/images", "/api/v1/pipeline"):
        assert world.client.get(path).status_code == 503
