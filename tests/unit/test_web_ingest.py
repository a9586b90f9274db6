"""Handing in events over HTTP: each judged by itself, answered for itself, and never lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from producers.publisher import parse_token
from producers.spool_rows import SpoolLimits
from schemas.codec import decode, encode
from schemas.events import Event
from schemas.record import row_id
from tests.support.builders import (
    deleted,
    events,
    failed,
    generated,
    malformed_values,
    moved,
)
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic
from tests.support.waiting import eventually
from tests.support.web import client_of, open_site
from web.batches import BATCH, LINES, ONE
from web.guard import INGEST
from web.limits import WebLimits


class World:
    """A server, and the topic that its events go to."""

    def __init__(self, folder: Path, **others: Any) -> None:
        self.topic = MemoryTopic("events", 6)
        self.kafka = MemoryPublisher(self.topic)
        self._opened = open_site(folder, kafka=self.kafka, **others)
        self.site = self._opened.__enter__()
        self.client = client_of(self.site, as_="bot")

    def close(self) -> None:
        self._opened.__exit__(None, None, None)

    def post(self, body: bytes, kind: str = ONE, **headers: str) -> Any:
        return self.client.post(INGEST, content=body, headers={"Content-Type": kind, **headers})

    def post_all(self, values: list[bytes]) -> Any:
        return self.post(b"[" + b",".join(values) + b"]", BATCH)

    def logged(self) -> list[Event]:
        return [
            decode(record.value)
            for partition in range(6)
            for record in self.topic.read(partition, 0, 10_000)[0]
        ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_one_event_is_acknowledged_with_its_place(world: World) -> None:
    event = generated("req-1")
    answer = world.post(encode(event))
    assert answer.status_code == 202
    body = answer.json()
    (one,) = body.pop("results")
    assert body == {"success": True, "accepted": 1, "refused": 0}
    place = parse_token(one["token"])
    assert (one["partition"], one["offset"]) == (place.partition, str(place.offset))
    assert one["rowId"] == str(row_id(place.partition, place.offset))
    assert (one["requestId"], one["eventId"]) == ("req-1", event.id)
    assert (one["status"], one["index"], one["spooled"]) == (202, 0, False)
    assert world.logged() == [event]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(events(), max_size=6), as_lines=st.booleans())
def test_whatever_is_an_event_comes_into_the_log_as_it_is(
    world: World, batch: list[Event], as_lines: bool
) -> None:
    # Old ids are for another role; see below.
    batch = [without_row_id(event) for event in batch]
    before = len(world.logged())
    values = [encode(event) for event in batch]
    answer = world.post(b"\n".join(values), LINES[0]) if as_lines else world.post_all(values)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(batch)
    after = world.logged()
    assert all(event in after for event in batch)
    assert len(after) == before + len(batch)


def without_row_id(event: Event) -> Event:
    if getattr(event.data, "row_id", None) is None:
        return event
    return event.model_copy(update={"data": event.data.model_copy(update={"row_id": None})})


def test_old_ids_are_not_for_tools(world: World) -> None:
    event = generated("old", row_id=17)
    refused = world.post(encode(event))
    assert refused.status_code == 403
    assert "role operate" in refused.json()["error"]
    assert world.logged() == []


def test_each_of_a_batch_is_judged_by_itself(world: World) -> None:
    values = [encode(generated("a")), b'{"specversion":"1.0"}', b"7", encode(failed("b"))]
    answer = world.post_all(values)
    assert answer.status_code == 207
    body = answer.json()
    assert [one["status"] for one in body["results"]] == [202, 400, 400, 202]
    assert [one["index"] for one in body["results"]] == [0, 1, 2, 3]
    assert (body["success"], body["accepted"], body["refused"]) == (False, 2, 2)
    assert body["error"].startswith("Event 1: ")
    assert body["results"][2]["errorClass"] == "NotCloudEvent"
    assert {event.data.request_id for event in world.logged()} == {"a", "b"}


def test_what_is_no_event_is_refused_with_its_class_and_nothing_is_written(world: World) -> None:
    for bad in malformed_values():
        if bad.error_class != "NoKey":
            answer = world.post(bad.value or b"")
            assert answer.status_code == 400, bad.name
            (one,) = answer.json()["results"]
            assert one["errorClass"] == bad.error_class, bad.name
    assert world.logged() == []


def test_unknown_fields_are_refused_as_from_any_producer(world: World) -> None:
    value = json.loads(encode(generated()))
    value["data"]["promt"] = "misspelt"
    answer = world.post(json.dumps(value).encode())
    assert answer.status_code == 400
    assert answer.json()["results"][0]["errorClass"] == "UnknownField"


def test_a_token_for_one_tool_is_good_for_its_images_only(world: World) -> None:
    client = client_of(world.site, as_="chart")
    batch = [
        generated("a", tool_name="renderChart"),
        failed("b", tool_name="renderChart"),
        generated("c"),
        moved("d"),
        deleted("e"),
    ]
    lines = b"\n".join(encode(event) for event in batch)
    answer = client.post(INGEST, content=lines, headers={"Content-Type": LINES[0]})
    assert answer.status_code == 207
    assert [one["status"] for one in answer.json()["results"]] == [202, 202, 403, 403, 403]
    alone = client.post(INGEST, content=encode(deleted()), headers={"Content-Type": ONE})
    assert alone.status_code == 403
    assert {event.data.request_id for event in world.logged()} == {"a", "b"}


def test_while_kafka_is_away_events_are_kept_and_then_delivered(world: World) -> None:
    world.topic.set_available(False)
    answer = world.post_all([encode(generated(f"r{number}")) for number in range(20)])
    assert answer.status_code == 202
    assert all(one["spooled"] and "rowId" not in one for one in answer.json()["results"])
    assert world.logged() == []
    world.topic.set_available(True)
    eventually(lambda: len(world.logged()) == 20, what="the delivery")


def test_a_full_spool_asks_to_come_again(tmp_path: Path) -> None:
    world = World(tmp_path, spool_limits=SpoolLimits(max_events=3))
    try:
        world.topic.set_available(False)
        some = world.post_all([encode(generated(f"r{number}")) for number in range(5)])
        assert some.status_code == 207
        assert [one["status"] for one in some.json()["results"]] == [202] * 3 + [503] * 2
        none = world.post(encode(generated("last")))
        for answer in (some, none):
            assert answer.headers["Retry-After"] == "5"
        assert none.status_code == 503
        assert none.json()["results"][0]["errorClass"] == "SpoolFull"
        assert str(tmp_path) not in none.text
        world.topic.set_available(True)
        eventually(lambda: len(world.logged()) == 3, what="the delivery")
        assert eventually(lambda: world.post(encode(generated("last"))).status_code == 202)
    finally:
        world.close()


def test_too_many_requests_at_once_are_asked_to_come_again(tmp_path: Path) -> None:
    world = World(tmp_path, limits=WebLimits(ingest_threads=1))
    try:
        desk = world.client.app.state.desk  # type: ignore[attr-defined]  # of our own app
        desk.present = desk.room
        answer = world.post(encode(generated()))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        desk.present = 0
        assert world.post(encode(generated())).status_code == 202
        assert desk.present == 0
    finally:
        world.close()


def test_the_loop_goes_on_while_kafka_does_not_answer(world: World) -> None:
    world.kafka.withhold()
    posted: list[Any] = []
    with TestClient(world.client.app, base_url=str(world.client.base_url)) as shared:
        shared.headers.update(world.client.headers)
        body, kind = encode(generated()), {"Content-Type": ONE}
        thread = threading.Thread(
            target=lambda: posted.append(shared.post(INGEST, content=body, headers=kind))
        )
        thread.start()
        eventually(lambda: len(world.logged()) == 1, what="the event on its way")
        assert shared.get("/healthz").status_code == 200
        assert not posted
        thread.join()
    assert posted[0].json()["results"][0]["spooled"] is True
    world.kafka.release()


def test_a_request_that_is_sent_again_with_its_key_is_answered_alike(world: World) -> None:
    body, key = encode(generated()), {"Idempotency-Key": "try-1"}
    first, again = world.post(body, **key), world.post(body, **key)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(world.logged()) == 1
    other = world.post(encode(failed()), **key)
    assert other.status_code == 409
    someone = client_of(world.site, as_="chart")
    mine = encode(generated("mine", tool_name="renderChart"))
    headers = {"Content-Type": ONE, **key}
    assert someone.post(INGEST, content=mine, headers=headers).status_code == 202


def test_a_request_that_failed_is_tried_anew_with_the_same_key(world: World) -> None:
    key = {"Idempotency-Key": "try-1"}
    assert world.post(b"{}", **key).status_code == 400
    assert world.post(encode(generated()), **key).status_code == 202


def test_more_events_than_one_request_may_have_are_refused(tmp_path: Path) -> None:
    world = World(tmp_path, limits=WebLimits(ingest_events=3))
    try:
        answer = world.post_all([encode(generated(f"r{number}")) for number in range(4)])
        assert answer.status_code == 413
        assert world.logged() == []
    finally:
        world.close()


def test_outcomes_are_counted(world: World) -> None:
    world.post_all([encode(generated("a")), b"{}", b"{}"])
    counted = world.site.metrics.events
    assert counted.labels("acknowledged")._value.get() == 1
    assert counted.labels("invalid")._value.get() == 2
