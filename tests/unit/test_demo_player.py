"""The demonstration's player, with a list in place of Kafka."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import Future
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from operations.demo.player import Player
from operations.demo.run import misjudged
from operations.demo.sheet import contact_sheet
from operations.demo.story import FATES, Fate, Request, requests
from producers.publisher import Acknowledgement
from producers.storage import LocalStorage
from projections.images import GeneratedImageRecord
from schemas.events import Event, ImageDeleted, ImageFailed, ImageGenerated, ImageMoved

END = datetime(2026, 11, 23, tzinfo=UTC)


class Topic:
    """Keeps what is sent; its deliveries fail when it is told so."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.broken = False

    def send(self, event: Event) -> Future[Acknowledgement]:
        future: Future[Acknowledgement] = Future()
        self.events.append(event)
        if self.broken:
            future.set_exception(TimeoutError("not acknowledged"))
        else:
            future.set_result(Acknowledgement(0, len(self.events), event.data.request_id, event.id))
        return future


@pytest.fixture
def story() -> list[Request]:
    """A short one that has every fate, in small sizes."""
    chosen: dict[Fate, list[Request]] = defaultdict(list)
    for request in requests():
        chosen[request.fate].append(request)
    return [
        Request(r.request_id, r.user, r.tool, r.prompt, r.style, (96, 96), r.fate, r.failure, "1")
        for group in chosen.values()
        for r in group[:3]
    ]


def played(story: list[Request], folder: Path) -> tuple[Topic, Player, LocalStorage, LocalStorage]:
    topic = Topic()
    images = LocalStorage(folder / "images", "http://localhost/images")
    archive = LocalStorage(folder / "archive", "http://localhost/archive")
    return topic, Player(topic.send, images, archive, END), images, archive


def test_every_fate_ends_as_it_should(story: list[Request], tmp_path: Path) -> None:
    topic, player, images, archive = played(story, tmp_path)
    ticks: list[int] = []
    assert len(player.ask(story, ticks.append)) == len(topic.events) == len(story) + 3
    assert len(player.follow_up(story, ticks.append)) == len(topic.events) - len(story) - 3
    assert sum(ticks) == 2 * len(story)

    by_request: dict[str, list[type]] = defaultdict(list)
    for event in topic.events:
        by_request[event.data.request_id].append(type(event.data))
    expected = {
        Fate.GOOD: [ImageGenerated],
        Fate.FAILED: [ImageFailed],
        Fate.RETRIED: [ImageFailed, ImageGenerated],
        Fate.DUPLICATED: [ImageGenerated, ImageGenerated],
        Fate.MOVED: [ImageGenerated, ImageMoved],
        Fate.DELETED: [ImageGenerated, ImageDeleted],
    }
    assert {r.request_id: expected[r.fate] for r in story} == by_request
    assert set(FATES) < {r.fate for r in story}

    stored = Counter(file.filename.partition("_")[2].split(".")[0] for file in images.list())
    here = {Fate.GOOD, Fate.RETRIED, Fate.DUPLICATED}
    assert stored == Counter(r.request_id for r in story if r.fate in here)
    assert len(list(archive.list())) == 3


def test_what_the_events_say_is_what_lies_in_the_store(
    story: list[Request], tmp_path: Path
) -> None:
    topic, player, images, archive = played(story, tmp_path)
    player.ask(story, lambda _: None)
    player.follow_up(story, lambda _: None)
    gone = {e.data.request_id for e in topic.events if type(e.data) is ImageDeleted}
    moved = {e.data.request_id for e in topic.events if type(e.data) is ImageMoved}
    for event in topic.events:
        data = event.data
        if isinstance(data, ImageGenerated) and data.request_id not in gone | moved:
            name = images.filename_of(data.storage_url)
            assert name is not None
            assert len(images.read(name)) == data.bytes
        if isinstance(data, ImageMoved):
            name = archive.filename_of(data.storage_url)
            assert name is not None
            with Image.open(tmp_path / "archive" / name) as image:
                assert image.size == (96, 96)
        assert event.time < END


def test_a_delivery_that_fails_is_not_overlooked(story: list[Request], tmp_path: Path) -> None:
    topic, player, *_ = played(story, tmp_path)
    topic.broken = True
    with pytest.raises(TimeoutError, match="not acknowledged"):
        player.ask(story, lambda _: None)


def test_the_contact_sheet_shows_every_image(story: list[Request], tmp_path: Path) -> None:
    _, player, images, _ = played(story, tmp_path)
    player.ask(story, lambda _: None)
    (tmp_path / "sheet.jpg").write_bytes(contact_sheet(images))
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (20 * 96, 96)


def rows_of(story: list[Request], events: list[Event]) -> list[GeneratedImageRecord]:
    """What the events of a request come to, without Postgres."""
    states: dict[str, dict[str, Any]] = {}
    for event in events:
        data = event.data
        if isinstance(data, ImageGenerated):
            changes = {"status": "success", "error": None, "storage_url": data.storage_url}
        elif isinstance(data, ImageFailed):
            changes = {"status": "failed", "error": data.error, "storage_url": ""}
        elif isinstance(data, ImageMoved):
            changes = {"storage_url": data.storage_url}
        else:
            del states[data.request_id]
            continue
        states.setdefault(data.request_id, {}).update(changes)
    blank = dict.fromkeys(field.name for field in fields(GeneratedImageRecord))
    return [
        GeneratedImageRecord(**{**blank, "request_id": name, **state})
        for name, state in states.items()
    ]


def test_the_judge_sees_every_row_that_is_not_as_the_story_has_it(
    story: list[Request], tmp_path: Path
) -> None:
    topic, player, _, archive = played(story, tmp_path)
    player.ask(story, lambda _: None)
    player.follow_up(story, lambda _: None)
    rows = rows_of(story, topic.events)

    def judged(rows: list[GeneratedImageRecord]) -> list[str]:
        return misjudged(story, rows, lambda url: archive.filename_of(url) is not None)

    assert judged(rows) == []
    assert judged(rows[1:]) == [rows[0].request_id]
    assert judged([*rows, replace(rows[0], request_id="stranger")]) == ["stranger"]
    gone = next(r.request_id for r in story if r.fate is Fate.DELETED)
    assert judged([*rows, replace(rows[0], request_id=gone)]) == [gone]
    for row in rows:
        turned = "failed" if row.status == "success" else "success"
        others = [other for other in rows if other is not row]
        assert judged([*others, replace(row, status=turned)]) == [row.request_id]
