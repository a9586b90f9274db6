"""What every store of images must do; each store's test class inherits it."""

from __future__ import annotations

import hashlib

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
        assert all(file.modified.tzinfo is not None for file in storage.list())

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
