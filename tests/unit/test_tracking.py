"""track(): whatever a tool does, and however it ends, is told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.pictures import Picture, Tracked
from producers.publisher import Acknowledgement, Spooled
from producers.recovery import DIED, Recovered
from producers.spool import DEFAULT_LIMITS, Spool
from producers.spool_errors import SpoolFull
from producers.spool_rows import SpoolLimits
from producers.spooling_publisher import SpoolingPublisher, SpoolingSettings
from producers.storage import LocalStorage, StorageUnavailable, Stored
from producers.storage.fallback import FallbackStorage
from producers.tracking import Tracker
from schemas.codec import decode
from schemas.errors import InvalidEvent
from schemas.events import Event, ImageFailed, ImageGenerated
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic
from tests.support.tracked_process import BASE, DATA
from tests.support.waiting import eventually

TOOL = "generateIconEmoji"


class World:
    """Trackers over a topic in memory, a spool's file and a folder of images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.topic = MemoryTopic()
        self.storage = LocalStorage(folder / "images", BASE)
        self.opened: list[tuple[Tracker, SpoolingPublisher]] = []

    def open(self, limits: SpoolLimits = DEFAULT_LIMITS) -> Tracker:
        self.open_publisher(limits)
        return self.opened[-1][0]

    def open_publisher(self, limits: SpoolLimits = DEFAULT_LIMITS) -> SpoolingPublisher:
        publisher = SpoolingPublisher(
            Spool(self.folder / "spool.db", limits),
            MemoryPublisher(self.topic),
            SpoolingSettings(deadline_s=0.2),
        )
        self.opened.append((Tracker(publisher, self.storage), publisher))
        return publisher

    def told(self) -> list[Event]:
        """Everything in the log, as soon as nothing waits any more."""
        spool = self.opened[-1][1].spool
        eventually(lambda: spool.status().waiting == 0)
        records = [record for partition in self.topic.partitions for record in partition.records]
        return sorted((decode(r.value) for r in records), key=lambda e: e.data.request_id)

    def the_only(self) -> ImageGenerated | ImageFailed:
        """The only event's data; and no intent is left."""
        (event,) = self.told()
        assert self.opened[-1][1].spool.status().intents == 0
        assert isinstance(event.data, ImageGenerated | ImageFailed)
        return event.data


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for tracker, publisher in world.opened:
        tracker.close()
        publisher.close(1)


def test_an_image_is_stored_and_told(world: World) -> None:
    with world.open().track(
        TOOL, "123", "a fox", username="ada", size="64x64", tags=["icon"], metadata={"a": 1}
    ) as call:
        image = call.save(DATA, model="offline")

    data = world.the_only()
    assert isinstance(data, ImageGenerated)
    assert (data.request_id, data.user_id, data.prompt) == (call.request_id, "123", "a fox")
    assert (data.username, data.size, data.tags, data.metadata) == (
        "ada",
        "64x64",
        ("icon",),
        {"a": 1},
    )
    assert (data.model, data.mime_type, data.bytes) == ("offline", "image/png", len(DATA))
    assert data.storage_url == image.stored.url
    assert isinstance(image.receipt, Acknowledgement)
    filename = world.storage.filename_of(image.stored.url)
    assert filename is not None
    assert world.storage.read(filename) == DATA


def test_each_of_several_images_has_its_own_request(world: World) -> None:
    with world.open().track(TOOL, "123", "foxes", request_id="r-1", n=3) as call:
        for number in range(3):
            call.save(DATA + bytes([number]))
    assert [event.data.request_id for event in world.told()] == ["r-1", "r-1/2", "r-1/3"]
    assert len(list(world.storage.list())) == 3


class QuotaExceeded(Exception):
    error_code = "quota"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ValueError("bad \0 size \ud800"), "ValueError", "bad \ufffd size ?"),
        (QuotaExceeded("come back later"), "quota", "come back later"),
        (KeyboardInterrupt(), "KeyboardInterrupt", "KeyboardInterrupt"),
        (SystemExit(3), "SystemExit", "3"),
        (RuntimeError("ä" * 20_000), "RuntimeError", "ä" * 8_192),
    ],
)
def test_an_exception_is_told_and_goes_on(
    world: World, error: BaseException, code: str, text: str
) -> None:
    tracking = world.open().track(TOOL, "123", "a fox", request_id="r-1")
    with pytest.raises(type(error)) as raised, tracking:
        raise error
    assert raised.value is error
    data = world.the_only()
    assert isinstance(data, ImageFailed)
    assert (data.request_id, data.error_code, data.error) == ("r-1", code, text)


def test_an_end_without_an_image_is_a_failure(world: World) -> None:
    with world.open().track(TOOL, "123", "a fox"):
        pass
    data = world.the_only()
    assert isinstance(data, ImageFailed)
    assert data.error_code == "NoImage"


def test_what_goes_wrong_after_the_last_image_is_no_failure_of_the_image(world: World) -> None:
    tracker = world.open()

    def tool() -> None:
        with tracker.track(TOOL, "123", "a fox") as call:
            call.save(DATA)
            raise RuntimeError("Discord is away")

    with pytest.raises(RuntimeError, match="Discord"):
        tool()
    assert isinstance(world.the_only(), ImageGenerated)


def test_what_goes_wrong_between_two_images_is_told_of_the_second(world: World) -> None:
    tracker = world.open()

    def tool() -> None:
        with tracker.track(TOOL, "123", "foxes", request_id="r-1", n=3) as call:
            call.save(DATA)
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        tool()
    first, second = world.told()
    assert isinstance(first.data, ImageGenerated)
    assert isinstance(second.data, ImageFailed)
    assert second.data.request_id == "r-1/2"


class BrokenStorage(LocalStorage):
    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:  # noqa: ARG002  # Storage
        raise StorageUnavailable("no space left")

    def holder(self, filename: str) -> LocalStorage:
        raise StorageUnavailable(f"no way to {filename}")


def test_an_image_that_cannot_be_stored_is_a_failure(world: World) -> None:
    world.storage = BrokenStorage(world.folder / "images", BASE)
    tracking = world.open().track(TOOL, "123", "a fox")
    with pytest.raises(StorageUnavailable), tracking as call:
        call.save(DATA)
    data = world.the_only()
    assert isinstance(data, ImageFailed)
    assert (data.error, data.error_code) == ("no space left", "StorageUnavailable")


def test_a_bad_parameter_is_refused_before_the_body_runs(world: World) -> None:
    tracking = world.open().track(TOOL, "1" * 33, "a fox")
    with pytest.raises(InvalidEvent, match="user_id"), tracking:
        pytest.fail("the body ran")
    assert world.told() == []


def test_a_full_spool_is_refused_before_the_body_runs(world: World) -> None:
    world.topic.set_available(False)
    tracker = world.open(SpoolLimits(max_events=1))
    with tracker.track(TOOL, "123", "a fox", request_id="r-1") as call:
        assert isinstance(call.save(DATA).receipt, Spooled)
        with pytest.raises(SpoolFull), tracker.track(TOOL, "123", "another"):
            pytest.fail("the body ran")
    world.topic.set_available(True)
    assert [event.data.request_id for event in world.told()] == ["r-1"]


def test_a_dead_kafka_is_nothing_to_the_tool(world: World) -> None:
    world.topic.set_available(False)
    tracker = world.open()
    for number in range(20):
        with tracker.track(TOOL, "123", "a fox", request_id=f"r-{number:02}") as call:
            call.save(DATA)
    world.topic.set_available(True)
    assert [event.data.request_id for event in world.told()] == [f"r-{n:02}" for n in range(20)]


def test_a_decorated_function_tells_by_its_parameters(world: World) -> None:
    tracker = world.open()

    @tracker.track(TOOL, n=2)
    def draw(user_id: str, prompt: str, request_id: str | None = None) -> list[object]:
        return [DATA, Picture(b"GIF89a", fields={"model": "small"})]

    made = draw("123", "a fox", request_id="r-1")
    assert isinstance(made, Tracked)
    assert [image.request_id for image in made.images] == ["r-1", "r-1/2"]
    first, second = (event.data for event in world.told())
    assert isinstance(first, ImageGenerated)
    assert isinstance(second, ImageGenerated)
    assert (first.user_id, first.prompt, first.mime_type) == ("123", "a fox", "image/png")
    assert (second.model, second.mime_type) == ("small", "image/gif")
    assert draw("123", "a hen").request_id != draw("123", "a hen").request_id


def test_a_decorated_function_that_returns_something_else_fails(world: World) -> None:
    tracker = world.open()

    @tracker.track(TOOL, user="123")
    def draw(prompt: str) -> list[object]:
        return ["a path"]

    with pytest.raises(TypeError, match="bytes or Picture, not str"):
        draw("a fox")
    assert isinstance(world.the_only(), ImageFailed)


def test_a_function_that_says_too_little_is_refused_when_it_is_decorated(world: World) -> None:
    with pytest.raises(TypeError, match="no parameter user or user_id"):
        world.open().track(TOOL)(lambda prompt: prompt)


async def draw_later(prompt: str, user: str) -> bytes:
    await asyncio.sleep(0)
    return DATA


def test_coroutines_are_tracked_as_functions_are(world: World) -> None:
    tracker = world.open()

    async def main() -> None:
        made = await tracker.track(TOOL)(draw_later)("a fox", user="123")
        assert isinstance(made.images[0].receipt, Acknowledgement)
        async with tracker.track(TOOL, "123", "foxes", request_id="r-2", n=4) as call:
            await asyncio.gather(*(call.save(DATA + bytes([n])) for n in range(4)))
        with pytest.raises(ValueError, match="no"):
            async with tracker.track(TOOL, "123", "none", request_id="r-3"):
                raise ValueError("no")

    asyncio.run(main())
    told = [(event.data.request_id, event.type) for event in world.told()]
    assert told[-5:] == [
        *((f"r-2{part}", "ImageGenerated") for part in ("", "/2", "/3", "/4")),
        ("r-3", "ImageFailed"),
    ]
    assert len(told) == 6


def test_a_cancelled_coroutine_is_told(world: World) -> None:
    tracker = world.open()

    async def main() -> None:
        begun = asyncio.Event()

        async def tool() -> None:
            async with tracker.track(TOOL, "123", "a fox"):
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(tool())
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    tracker.close()
    data = world.the_only()
    assert isinstance(data, ImageFailed)
    assert data.error_code == "CancelledError"


def test_a_coroutine_that_is_cancelled_before_its_body_is_told(world: World) -> None:
    tracker = world.open()

    async def main() -> None:
        async def tool() -> None:
            async with tracker.track(TOOL, "123", "a fox"):
                pytest.fail("the body ran")

        task = asyncio.create_task(tool())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    tracker.close()
    for event in world.told():
        assert isinstance(event.data, ImageFailed)
    assert world.opened[-1][1].spool.status().intents == 0


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("in-the-body", {"r-1": "ImageFailed"}),
        ("before-put", {"r-1": "ImageFailed"}),
        ("after-put", {"r-1": "ImageGenerated"}),
        ("after-save", {"r-1": "ImageGenerated"}),
        ("in-the-second", {"r-1": "ImageGenerated", "r-1/2": "ImageFailed"}),
    ],
)
def test_a_process_that_dies_is_told_of_at_the_next_start(
    world: World, when: str, told: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "tests.support.tracked_process", str(world.folder), when]
    died = subprocess.run(command, check=False, timeout=60)
    assert died.returncode == -9

    world.open().recover()
    assert {event.data.request_id: event.type for event in world.told()} == told
    for event in world.told():
        data = event.data
        if isinstance(data, ImageGenerated):
            filename = world.storage.filename_of(data.storage_url)
            assert filename is not None
            assert len(world.storage.read(filename)) == data.bytes
        else:
            assert isinstance(data, ImageFailed)
            assert data.error_code == DIED
            assert (data.user_id, data.prompt) == ("123", "a fox")
    assert world.opened[-1][1].spool.status().intents == 0
    assert world.open().recover() == Recovered()


def test_a_living_call_is_not_taken_for_dead(world: World) -> None:
    tracker = world.open()
    with tracker.track(TOOL, "123", "a fox") as call:
        assert tracker.recover() == Recovered()
        assert world.open().recover() == Recovered()
        call.save(DATA)
    assert isinstance(world.the_only(), ImageGenerated)


def test_an_image_that_the_fallback_took_is_told_of_there(world: World) -> None:
    command = [sys.executable, "-m", "tests.support.tracked_process", str(world.folder)]
    subprocess.run([*command, "after-put"], check=False, timeout=60)
    elsewhere = LocalStorage(world.folder / "primary", "http://primary/uploads")
    with_fallback = Tracker(world.open_publisher(), FallbackStorage(elsewhere, world.storage))
    assert with_fallback.recover() == Recovered(generated=1)
    data = world.the_only()
    assert isinstance(data, ImageGenerated)
    assert data.storage_url.startswith(BASE)


def test_a_store_that_does_not_answer_is_asked_again_at_the_next_start(world: World) -> None:
    command = [sys.executable, "-m", "tests.support.tracked_process", str(world.folder)]
    subprocess.run([*command, "after-put"], check=False, timeout=60)
    world.storage = BrokenStorage(world.folder / "images", BASE)
    assert world.open().recover() == Recovered(later=1)
    world.storage = LocalStorage(world.folder / "images", BASE)
    assert world.open().recover() == Recovered(generated=1)
