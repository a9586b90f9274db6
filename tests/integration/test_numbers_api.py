"""The API beside images: numbers, failures, explain, dead letters and the pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from projections.dead_letters import DeadLetter, store
from projections.shadow import Shadow
from projections.shadow_tables import create
from schemas.codec import encode
from schemas.record import Record
from tests.support.builders import deleted, failed, generated, moved
from tests.support.reading import ReadingWorld, reading_world
from web import pipeline_facts as facts
from web.api import dead_letters, explain
from web.api import failures as failures_api

pytestmark = pytest.mark.postgres

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def world(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ReadingWorld]:
    monkeypatch.setattr(facts, "FRESH_S", 0.0)
    monkeypatch.setattr(facts, "PATIENCE_S", 0.0)
    with reading_world(tmp_path, database_url) as made:
        yield made


@pytest.fixture
def filled(world: ReadingWorld) -> ReadingWorld:
    """Twelve images of three days, a third of them failures."""
    for number in range(12):
        fields: dict[str, Any] = {
            "user_id": f"u{number % 3}",
            "tool_name": ("generateComic", "renderChart")[number % 2],
            "tags": ("portrait", f"t{number}"),
            "metadata": {"latency_ms": 100 * (number + 1)},
            "time": START + timedelta(days=number // 4, hours=number),
        }
        if number % 3 == 0:
            world.send(failed(f"r{number}", error=f"no answer in {number} s", **fields))
        else:
            world.send(generated(f"r{number}", bytes=1_000 * number, size="512x512", **fields))
    world.project()
    return world


def test_the_sums_and_their_breakdowns(filled: ReadingWorld) -> None:
    sums = filled.get("/api/v1/stats")
    assert sums == {
        "totalImages": 12,
        "uniqueUsers": 3,
        "successful": 8,
        "failed": 4,
        "avgFileSize": 6_000.0,
        "successRate": 8 / 12,
    }
    for by in ("day", "tool", "model", "provider", "user"):
        groups = filled.get(f"/api/v1/stats/{by}")["groups"]
        assert sum(group["totalImages"] for group in groups) == 12
    days = [group["value"] for group in filled.get("/api/v1/stats/day")["groups"]]
    assert days == ["2026-11-23", "2026-11-24", "2026-11-25"]
    one = filled.get("/api/v1/stats/day", first="2026-11-24", last="2026-11-24")
    assert [group["value"] for group in one["groups"]] == days[1:2]
    newest = filled.get("/api/v1/stats/day", limit=2)["groups"]
    assert [group["value"] for group in newest] == days[1:]
    (error,) = filled.get("/api/v1/stats/error")["groups"]
    assert (error["label"], error["failed"]) == ("no answer in <number> s", 4)
    assert filled.get("/api/v1/stats/tool", limit=1)["groups"][0]["uniqueUsers"] == 3
    filled.get("/api/v1/stats/colour", 400)


def test_without_images_the_numbers_are_none(world: ReadingWorld) -> None:
    sums = world.get("/api/v1/stats")
    assert (sums["totalImages"], sums["avgFileSize"], sums["successRate"]) == (0, None, None)
    assert world.get("/api/v1/stats/day")["groups"] == []
    assert world.get("/api/v1/analytics")["first"] is None
    assert world.get("/api/v1/failures") == {"kinds": [], "complete": True}


def test_analytics_of_a_span(filled: ReadingWorld) -> None:
    found = filled.get("/api/v1/analytics")
    assert (found["images"], found["complete"]) == (12, True)
    assert found["last"] == "2026-11-25T23:00:00Z"
    assert found["tags"][0] == {"tag": "portrait", "images": 12}
    assert found["sizes"] == [{"size": "512x512", "images": 8, "avgBytes": 6_000}]
    assert sum(one["images"] for one in found["fileSizes"]) == 8
    assert sum(one["images"] for one in found["hours"]) == 12
    assert {"weekday": 1, "hour": 12, "images": 1} in found["hours"]
    overall = found["latency"][0]
    assert (overall["toolName"], overall["images"], overall["maxMs"]) == (None, 12, 1_200)
    span = {"since": "2026-11-24T00:00:00Z", "until": "2026-11-25T00:00:00Z"}
    assert filled.get("/api/v1/analytics", **span)["images"] == 4


def test_failures_by_kind_with_examples(
    filled: ReadingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = filled.get("/api/v1/failures")
    (kind,) = found["kinds"]
    assert (kind["failures"], kind["users"], found["complete"]) == (4, 1, True)
    assert kind["trend"] == [
        {"day": "2026-11-23", "failures": 2},
        {"day": "2026-11-24", "failures": 1},
        {"day": "2026-11-25", "failures": 1},
    ]
    assert {one["toolName"]: one["failures"] for one in kind["origins"]} == {
        "generateComic": 2,
        "renderChart": 2,
    }
    assert [image["requestId"] for image in kind["examples"]] == ["r9", "r6", "r3"]
    assert kind["last"] == kind["examples"][0]["createdAt"]
    one = filled.get(f"/api/v1/failures/{kind['fingerprint']}")["kind"]
    assert [image["requestId"] for image in one["examples"]] == ["r9", "r6", "r3", "r0"]
    filled.get(f"/api/v1/failures/{kind['fingerprint']}", 404, until="2026-01-01T00:00:00Z")
    for missing in ("nothing", "%00"):
        filled.get(f"/api/v1/failures/{missing}", 404)
    monkeypatch.setattr(failures_api, "MAX_FAILURES", 4)
    assert filled.get("/api/v1/failures")["complete"] is False


def test_a_request_is_explained_by_its_id_and_its_row(
    world: ReadingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [START + timedelta(minutes=number) for number in range(4)]
    world.send(failed("a/2", time=times[0]), generated("a/2", time=times[1]), generated("other"))
    world.send(moved("a/2", time=times[2]))
    world.project()
    told = world.get("/api/v1/explain/a/2")
    assert [event["type"] for event in told["events"]] == [
        "ImageFailed",
        "ImageGenerated",
        "ImageMoved",
    ]
    assert [event["madeTheRow"] for event in told["events"]] == [False, True, True]
    assert told["kept"]["generated_images"]["status"] == "success"
    assert told["complete"] is True
    row = told["kept"]["generated_images"]["id"]
    assert world.get(f"/api/v1/explain/{row}") == told
    world.send(deleted("a/2", time=times[3]))
    world.project()
    assert world.get("/api/v1/explain/a/2")["events"][-1]["type"] == "ImageDeleted"
    for missing in ("nobody's", "1", "²", "%00"):
        error = world.get(f"/api/v1/explain/{missing}", 404)["error"]
        assert error == "Neither the log nor a table knows this request"
    monkeypatch.setattr(explain, "MAX_RECORDS", 1)
    assert world.get("/api/v1/explain/a/2")["complete"] is False


def set_aside(world: ReadingWorld, number: int, value: bytes, why: str) -> None:
    """A dead letter of the table."""
    record = Record("events", 0, number, 0, b"k\xff", value, (("h", b"v"),))
    with world.site.connect() as connection:
        store(connection, "table", [DeadLetter(record, "InvalidEvent", why)])


@pytest.fixture
def with_letters(world: ReadingWorld) -> ReadingWorld:
    """Three letters that are good by now, and two that are not."""
    return put_letters(world)


@pytest.fixture(scope="module")
def letters_that_stay(empty_world: ReadingWorld) -> ReadingWorld:
    """The same, for tests that change nothing."""
    return put_letters(empty_world)


def put_letters(world: ReadingWorld) -> ReadingWorld:
    for number in range(3):
        set_aside(world, number, encode(generated(f"late{number}")), f"not yet {number}")
    for number in (3, 4):
        set_aside(world, number, b"poison \xff", "is no JSON")
    return world


def test_dead_letters_are_seen_by_kind_and_one_by_one(with_letters: ReadingWorld) -> None:
    kinds = with_letters.get("/api/v1/dead-letters")["kinds"]
    assert [kind["count"] for kind in kinds] == [3, 2]
    assert with_letters.get("/api/v1/dead-letters", projection="stats")["kinds"] == []
    page = with_letters.get("/api/v1/dead-letters/letters", limit=4)
    assert len(page["letters"]) == 4
    rest = with_letters.get("/api/v1/dead-letters/letters", after=page["nextAfter"])
    assert ([one["offset"] for one in rest["letters"]], rest["nextAfter"]) == ([4], None)
    of_kind = with_letters.get(
        "/api/v1/dead-letters/letters", fingerprint=kinds[1]["fingerprint"], state="open"
    )
    assert [one["offset"] for one in of_kind["letters"]] == [3, 4]
    good = with_letters.get(f"/api/v1/dead-letters/letters/{kinds[0]['firstId']}")["letter"]
    assert (good["readAs"], good["record"]["data"]["request_id"]) == ("an event", "late0")
    bad = with_letters.get(f"/api/v1/dead-letters/letters/{kinds[1]['firstId']}")["letter"]
    assert (bad["readAs"], bad["key"], bad["headers"]) == ("bytes", "k\\xff", {"h": "v"})
    with_letters.get("/api/v1/dead-letters/letters/999999", 404)
    with_letters.get("/api/v1/dead-letters/letters/x", 400)


def test_dead_letters_are_redriven_and_discarded(
    with_letters: ReadingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post(what: str, expected: int = 200, **order: Any) -> Any:
        answer = with_letters.boss.post(f"/api/v1/dead-letters/{what}", json=order)
        assert answer.status_code == expected, answer.text
        return answer.json()

    good, bad = with_letters.get("/api/v1/dead-letters")["kinds"]
    tried = post("redrive", fingerprint=good["fingerprint"], dry_run=True)
    assert tried == {"done": 3, "failed": 0, "skipped": 0, "dryRun": True}
    with_letters.get("/api/v1/images/late0", 404)
    assert post("redrive", id=good["firstId"])["done"] == 1
    post("redrive", 404, id=good["firstId"])
    assert with_letters.get("/api/v1/images/late0")["image"]["requestId"] == "late0"
    everything = post("redrive", all=True, canary=True)
    assert everything["skipped"] == 1
    for number in (1, 2):
        with_letters.get(f"/api/v1/images/late{number}")
    left = with_letters.get("/api/v1/dead-letters/letters")["letters"]
    assert [one["offset"] for one in left] == [3, 4]
    assert post("discard", id=bad["firstId"], reason="a test") == {"discarded": 1}
    post("discard", 404, id=bad["firstId"], reason="a test")
    assert post("discard", all=True, reason="a test") == {"discarded": 1}
    letter = with_letters.get(f"/api/v1/dead-letters/letters/{bad['firstId']}")["letter"]
    assert (letter["state"], letter["history"][-1]["note"]) == ("discarded", "a test")
    set_aside(with_letters, 9, b"x", "y")
    monkeypatch.setattr(dead_letters, "MAX_AT_ONCE", 0)
    assert "too many at once" in post("redrive", 413, all=True)["error"]


@pytest.mark.parametrize(
    ("what", "order"),
    [
        ("redrive", {}),
        ("redrive", {"id": 1, "all": True}),
        ("redrive", {"id": "1"}),
        ("redrive", {"all": 1}),
        ("redrive", {"fingerprint": "x"}),
        ("redrive", {"all": True, "state": "open"}),
        ("discard", {"all": True}),
        ("discard", {"all": True, "reason": " "}),
        ("discard", {"all": True, "reason": "a\0"}),
        ("discard", []),
    ],
)
def test_an_order_that_is_not_clear_is_refused(
    letters_that_stay: ReadingWorld, what: str, order: Any
) -> None:
    answer = letters_that_stay.boss.post(f"/api/v1/dead-letters/{what}", json=order)
    assert answer.status_code == 400
    assert len(letters_that_stay.get("/api/v1/dead-letters")["kinds"]) == 2


def test_only_operators_mend(letters_that_stay: ReadingWorld) -> None:
    for what in ("redrive", "discard"):
        order = {"all": True, "reason": "x"}
        answer = letters_that_stay.client.post(f"/api/v1/dead-letters/{what}", json=order)
        assert answer.status_code == 403
        answer = letters_that_stay.stranger.post(f"/api/v1/dead-letters/{what}", json=order)
        assert answer.status_code == 401


def test_the_pipeline_tells_lag_letters_and_what_is_built(with_letters: ReadingWorld) -> None:
    with_letters.send(*(generated(f"r{number}") for number in range(8)))
    with_letters.project("table")
    found = with_letters.get("/api/v1/pipeline")
    table, stats = found["projections"]
    assert (table["lagRecords"], table["lagSeconds"], table["deadLetters"]) == (0, 0, 5)
    assert (stats["lagRecords"], stats["deadLetters"]) == (8, 0)
    assert stats["lagSeconds"] >= 0
    assert sum(line["end"] for line in table["partitions"]) == 8
    assert (found["building"], found["rollback"], found["logError"]) == ([], [], None)
    with with_letters.site.connect() as connection, connection.transaction():
        create(connection, Shadow("table", "public"))
        connection.execute("CREATE SCHEMA omega_previous_stats")
    found = with_letters.get("/api/v1/pipeline")
    assert found["building"][0] | {"bytes": 0} == {
        "projection": "table",
        "kind": "rebuild",
        "inWork": False,
        "loaded": False,
        "bytes": 0,
        "records": 0,
        "recordsTotal": 8,
    }
    assert found["rollback"] == ["stats"]


def test_the_pipeline_is_told_without_kafka_too(filled: ReadingWorld) -> None:
    filled.topic.available = False
    found = filled.get("/api/v1/pipeline")
    assert found["logError"] is not None
    assert found["projections"][0]["lagRecords"] is None
    assert sum(line["nextOffset"] for line in found["projections"][0]["partitions"]) == 12
    assert filled.client.get("/api/v1/explain/r1").status_code == 503


def test_kafka_is_not_asked_for_every_answer(
    filled: ReadingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "FRESH_S", 60.0)
    before = filled.get("/api/v1/pipeline")
    filled.topic.available = False
    assert filled.get("/api/v1/pipeline") == before
