"""What every store of images must do; each store's test class inherits it."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from producers.storage import InvalidName, NotStored, Storage

ODD_NAMES = [
    "",
    ".",
    "..",
    "../up.png",
    "a/b.png",
    "a\\b.png",
    "/etc/passwd",
    ".hidden",
    ".part-0123",
    "a..png",
    "a.png.",
    "a b.png",
    "a\0.png",
    "a\n.png",
    "é.png",
    "-rf",
    "CON",
    "nul.png",
    "a:stream",
    "%2e%2e%2fup.png",
    "x" * 201,
]

GOOD_NAMES = ["a", "A.PNG", "a-b_c.d.png", "0", "console.png", "render-chart_1.png", "x" * 200]


class StorageContract:
    """Subclasses give a ``storage`` fixture: an empty store."""

    def test_what_was_put_is_read(self, storage: Storage) -> None:
        stored = storage.put(b"picture", "a.png", "image/png")
        assert storage.read("a.png") == b"picture"
        assert stored.provider == storage.provider
        assert stored.bytes == 7
        assert stored.sha256 == hashlib.sha256(b"picture").hexdigest()
        assert stored.url == storage.url_of("a.png")

    def test_the_same_name_again_replaces_and_does_not_store_twice(self, storage: Storage) -> None:
        first = storage.put(b"one", "a.png", "image/png")
        assert storage.put(b"one", "a.png", "image/png") == first
        second = storage.put(b"other", "a.png", "image/png")
        assert second.url == first.url
        assert storage.read("a.png") == b"other"
        assert [file.filename for file in storage.list()] == ["a.png"]

    def test_listing_is_sorted_and_tells_sizes(self, storage: Storage) -> None:
        assert list(storage.list()) == []
        for name, data in (("b.png", b"22"), ("a.jpg", b"1"), ("c.png", b"")):
            storage.put(data, name, "image/png")
        listed = [(file.filename, file.bytes) for file in storage.list()]
        assert listed == [("a.jpg", 1), ("b.png", 2), ("c.png", 0)]
        assert all(f.modified is None or f.modified.tzinfo is not None for f in storage.list())

    def test_deleting_is_for_good_and_may_be_repeated(self, storage: Storage) -> None:
        storage.put(b"x", "a.png", "image/png")
        assert storage.delete("a.png") is True
        assert storage.delete("a.png") is False
        with pytest.raises(NotStored):
            storage.read("a.png")

    def test_a_url_leads_back_to_its_file_and_no_other_url_does(self, storage: Storage) -> None:
        url = storage.url_of("a.png")
        assert storage.filename_of(url) == "a.png"
        assert storage.filename_of("https://elsewhere.example/a.png") is None
        assert storage.filename_of(url.replace("a.png", "../a.png")) is None
        assert storage.filename_of(url.replace("a.png", "%2e%2e%2fa.png")) is None

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_an_odd_name_is_refused_by_every_method(self, storage: Storage, name: str) -> None:
        with pytest.raises(InvalidName):
            storage.put(b"x", name, "image/png")
        with pytest.raises(InvalidName):
            storage.read(name)
        with pytest.raises(InvalidName):
            storage.delete(name)
        with pytest.raises(InvalidName):
            storage.url_of(name)
        with pytest.raises(InvalidName):
            storage.exists(name)
        with pytest.raises(InvalidName):
            storage.modified(name)

    def test_a_file_is_there_or_not(self, storage: Storage) -> None:
        assert storage.exists("a.png") is False
        for ask in (storage.read, storage.modified, storage.holder):
            with pytest.raises(NotStored):
                ask("a.png")
        before = datetime.now(UTC) - timedelta(seconds=2)
        storage.put(b"x", "a.png", "image/png")
        assert storage.exists("a.png") is True
        assert storage.holder("a.png").read("a.png") == b"x"
        assert before <= storage.modified("a.png") <= datetime.now(UTC) + timedelta(seconds=2)
        storage.delete("a.png")
        assert storage.exists("a.png") is False
        with pytest.raises(NotStored):
            storage.modified("a.png")

    @pytest.mark.parametrize("size", [0, 1, 2**20, 2**20 + 1, 6 * 2**20, 50 * 2**20])
    def test_bytes_of_any_size_come_back_as_they_were(self, storage: Storage, size: int) -> None:
        data = (random.Random(size).randbytes(2**16) * (size // 2**16 + 1))[:size]
        stored = storage.put(data, "big.png", "image/png")
        assert (stored.bytes, stored.sha256) == (size, hashlib.sha256(data).hexdigest())
        assert storage.read("big.png") == data
        assert [(file.filename, file.bytes) for file in storage.list()] == [("big.png", size)]

    @pytest.mark.parametrize("name", GOOD_NAMES)
    def test_a_name_with_any_allowed_character_is_stored(self, storage: Storage, name: str) -> None:
        url = storage.put(name.encode(), name, "image/png").url
        assert storage.filename_of(url) == name
        assert storage.read(name) == name.encode()

    def test_threads_store_at_the_same_time(self, storage: Storage) -> None:
        names = [f"{number:02}.png" for number in range(12)]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda name: storage.put(name.encode(), name, "image/png"), names))
        assert [file.filename for file in storage.list()] == names
        assert all(storage.read(name) == name.encode() for name in names)

    def test_threads_that_store_the_same_leave_one_file(self, storage: Storage) -> None:
        with ThreadPoolExecutor(6) as pool:
            stored = list(pool.map(lambda _: storage.put(b"x", "a.png", "image/png"), range(12)))
        assert len(set(stored)) == 1
        assert [file.filename for file in storage.list()] == ["a.png"]
