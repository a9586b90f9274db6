"""A store behind a store, and the look at what goes into either."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.storage import (
    InvalidName,
    LocalStorage,
    NotStored,
    Storage,
    StorageRefused,
    StorageUnavailable,
    Stored,
    StoredFile,
)
from producers.storage.checked import CheckedStorage
from producers.storage.fallback import FallbackStorage
from tests.support.storage_contract import StorageContract

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
JPEG = b"\xff\xd8\xff\xe0" + bytes(8)


class Broken(LocalStorage):
    """A store that can be switched off, or made to refuse."""

    provider = "primary"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "http://primary.example/images")
        self.error: Exception | None = None
        self.asked = 0

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        self._ask()
        return super().put(data, filename, mime_type)

    def read(self, filename: str) -> bytes:
        self._ask()
        return super().read(filename)

    def exists(self, filename: str) -> bool:
        self._ask()
        return super().exists(filename)

    def _ask(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


class World:
    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.primary = Broken(folder / "primary")
        self.local = LocalStorage(folder / "local", "http://localhost/uploads")
        self.both = FallbackStorage(self.primary, self.local, clock=lambda: self.now)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestFallbackStorage(StorageContract):
    @pytest.fixture
    def storage(self, world: World) -> Storage:
        return world.both


class TestCheckedStorage(StorageContract):
    """With bytes that are what they are declared to be it is a store like any other."""

    @pytest.fixture
    def storage(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
        monkeypatch.setattr("producers.storage.checked._check_kind", lambda *_: None)
        return Lenient(LocalStorage(tmp_path, "http://localhost/uploads"))


class Lenient(CheckedStorage):
    """Zero bytes are of the contract of stores, not of the look before them."""

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        return (
            super().put(data, filename, mime_type)
            if data
            else self._storage.put(data, filename, mime_type)
        )


def test_while_the_primary_works_the_fallback_is_not_touched(world: World) -> None:
    assert world.both.put(b"x", "a.png", "image/png").provider == "primary"
    assert list(world.local.list()) == []


def test_the_fallback_takes_what_the_primary_cannot(world: World) -> None:
    world.primary.error = StorageUnavailable("down")
    stored = world.both.put(b"x", "a.png", "image/png")
    assert (stored.provider, stored.url) == ("local", "http://localhost/uploads/a.png")
    assert world.both.read("a.png") == b"x"
    assert world.both.holder("a.png") is world.local


def test_a_primary_that_is_down_is_left_alone_for_a_while(world: World) -> None:
    world.primary.error = StorageUnavailable("down")
    for number in range(10):
        world.both.put(b"x", f"{number}.png", "image/png")
    assert world.primary.asked == 1
    world.primary.error = None
    assert world.both.put(b"x", "b.png", "image/png").provider == "local"
    world.now = 31.0
    assert world.both.put(b"x", "c.png", "image/png").provider == "primary"


def test_when_both_are_down_the_error_tells_both_reasons(world: World, tmp_path: Path) -> None:
    world.primary.error = StorageUnavailable("no answer")
    (tmp_path / "local").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="no answer"):
            world.both.put(b"x", "a.png", "image/png")
    with pytest.raises(StorageUnavailable, match="and the fallback: cannot store"):
        FallbackStorage(world.primary, world.local).put(b"x", "a.png", "image/png")


def test_in_the_pause_a_broken_fallback_sends_the_image_to_the_primary(
    world: World, tmp_path: Path
) -> None:
    world.primary.error = StorageUnavailable("down")
    world.both.put(b"x", "a.png", "image/png")
    world.primary.error = None
    (tmp_path / "local" / "a.png").unlink()
    (tmp_path / "local").rmdir()
    (tmp_path / "local").write_bytes(b"")
    assert world.both.put(b"x", "b.png", "image/png").provider == "primary"


@pytest.mark.parametrize("error", [StorageRefused("too large"), InvalidName("odd")])
def test_what_the_primary_refuses_is_not_tried_elsewhere(world: World, error: Exception) -> None:
    world.primary.error = error
    with pytest.raises(type(error)):
        world.both.put(b"x", "a.png", "image/png")
    assert list(world.local.list()) == []


def test_while_the_primary_is_silent_nothing_is_said_to_be_missing(world: World) -> None:
    world.both.put(b"x", "a.png", "image/png")
    world.primary.error = StorageUnavailable("down")
    for ask in (world.both.read, world.both.exists, world.both.holder):
        with pytest.raises(StorageUnavailable):
            ask("a.png")


def test_a_file_in_both_is_one_file_and_is_deleted_from_both(world: World) -> None:
    for store in (world.primary, world.local):
        store.put(b"x", "b.png", "image/png")
    world.local.put(b"x", "a.png", "image/png")
    assert [file.filename for file in world.both.list()] == ["a.png", "b.png"]
    assert world.both.delete("b.png") is True
    assert world.both.delete("b.png") is False
    with pytest.raises(NotStored):
        world.both.read("b.png")


def test_urls_of_both_are_known(world: World) -> None:
    for store in (world.primary, world.local):
        assert world.both.filename_of(store.url_of("a.png")) == "a.png"
    assert world.both.filename_of("http://elsewhere.example/a.png") is None


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (PNG, "image/png"),
        (PNG, "IMAGE/PNG; charset=binary"),
        (JPEG, "image/jpeg"),
        (b"GIF89a" + bytes(8), "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "image/svg+xml"),
    ],
)
def test_an_image_that_is_what_it_says_is_stored(world: World, data: bytes, declared: str) -> None:
    CheckedStorage(world.local).put(data, "a.png", declared)
    assert world.local.read("a.png") == data


@pytest.mark.parametrize(
    ("data", "declared", "why"),
    [
        (b"", "image/png", "zero bytes"),
        (JPEG, "image/png", "begin as image/jpeg"),
        (PNG, "image/jpeg", "begin as image/png"),
        (b"<html><script>alert(1)</script>", "image/png", "begin as application/octet-stream"),
        (b"<html><script>alert(1)</script>", "image/svg+xml", "declared as image/svg"),
        (b"<html></html>", "text/html", "is none of image/avif"),
        (PNG, "", "is none of"),
        (PNG + bytes(101), "image/png", "117 bytes, 100 are allowed"),
    ],
)
def test_what_is_no_image_is_refused_and_nothing_is_stored(
    world: World, data: bytes, declared: str, why: str
) -> None:
    with pytest.raises(StorageRefused, match=why):
        CheckedStorage(world.local, max_bytes=100).put(data, "a.png", declared)
    assert list(world.local.list()) == []


def test_fifty_megabytes_pass(world: World) -> None:
    data = PNG + bytes(50 * 2**20)
    assert CheckedStorage(world.local).put(data, "a.png", "image/png").bytes == len(data)
    files: list[StoredFile] = list(world.local.list())
    assert files[0].bytes == len(data)
