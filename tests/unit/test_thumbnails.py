"""Thumbnails: made once, of configured storage only, and of nothing that would fill the memory."""

from __future__ import annotations

import io
import os
import time
import zlib
from pathlib import Path
from struct import pack

import pytest
from PIL import Image

from producers.storage import LocalStorage, StorageUnavailable
from projections.images import GeneratedImageRecord
from tests.support.builders import TIME
from web import thumbnails
from web.thumbnails import NoThumbnail, Thumbnails, version_of

BASE = "https://images.test/uploads"


class Counting(LocalStorage):
    """Counts what is read."""

    reads = 0

    def read(self, filename: str) -> bytes:
        self.reads += 1
        return super().read(filename)


class Away(LocalStorage):
    """Does not answer."""

    def read(self, filename: str) -> bytes:
        raise StorageUnavailable(filename)


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    return Counting(tmp_path / "uploads", BASE)


@pytest.fixture
def made(tmp_path: Path, store: Counting) -> Thumbnails:
    return Thumbnails(tmp_path / "cache", [store])


def record(url: str, **fields: object) -> GeneratedImageRecord:
    names = GeneratedImageRecord.__slots__
    known: dict[str, object] = {
        "id": 1,
        "storage_url": url,
        "status": "success",
        "created_at": TIME,
    }
    return GeneratedImageRecord(**dict.fromkeys(names) | known | fields)  # type: ignore[arg-type]  # None where nothing is told


def stored(store: LocalStorage, image: Image.Image, kind: str, name: str) -> GeneratedImageRecord:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return record(store.put(buffer.getvalue(), name, "image/png").url)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "CMYK", "I;16", "LA"])
def test_any_picture_becomes_a_small_one(made: Thumbnails, store: Counting, mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = stored(store, Image.new(mode, (1200, 600)), kind, f"a.{kind.lower()}")
    for size, side in (("small", 480), ("large", 1200)):
        with Image.open(io.BytesIO(made.get(image, size))) as small:  # type: ignore[arg-type]  # one of two
            assert (small.format, small.size) == ("WEBP", (side, side // 2))


def test_it_is_made_once(made: Thumbnails, store: Counting, tmp_path: Path) -> None:
    image = stored(store, Image.new("RGB", (600, 600)), "PNG", "a.png")
    first = made.get(image, "small")
    assert [made.get(image, "small") for _ in range(3)] == [first] * 3
    assert Thumbnails(tmp_path / "cache", [store]).get(image, "small") == first
    assert store.reads == 1


def test_what_changes_the_image_changes_its_address() -> None:
    one = record(f"{BASE}/a.png", sha256="a" * 64)
    others = [record(f"{BASE}/b.png", sha256="a" * 64), record(f"{BASE}/a.png", id=2)]
    assert len({version_of(each) for each in (one, *others, record(f"{BASE}/a.png"))}) == 4


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1:1/latest/meta-data",
        f"{BASE}/../secret",
        f"{BASE}/nothing.png",
        f"{BASE}.evil.test/a.png",
        "file:///etc/passwd",
    ],
)
def test_nothing_but_configured_storage_is_read(made: Thumbnails, url: str) -> None:
    with pytest.raises(NoThumbnail, match="missing"):
        made.get(record(url), "small")


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is very large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    head = pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\n",
        bomb(9_000, 9_000),
        bomb(60_000, 60_000),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        bomb(10, 10),
    ],
    ids=["nothing", "svg", "cut", "large", "bomb", "eps", "truncated"],
)
def test_what_is_no_picture_is_said_to_be_broken(
    made: Thumbnails, store: Counting, data: bytes
) -> None:
    image = record(store.put(data or b" ", "a.png", "image/png").url)
    for _ in range(2):
        with pytest.raises(NoThumbnail, match="broken"):
            made.get(image, "small")
    # It is not tried again at each look.
    assert store.reads == 1


def test_what_is_told_to_be_huge_is_not_even_read(made: Thumbnails, store: Counting) -> None:
    with pytest.raises(NoThumbnail, match="broken"):
        made.get(record(f"{BASE}/a.png", bytes=thumbnails.MAX_BYTES + 1), "small")
    assert store.reads == 0


def test_a_store_that_does_not_answer_is_no_missing_file(tmp_path: Path) -> None:
    made = Thumbnails(tmp_path / "cache", [Away(tmp_path, BASE)])
    with pytest.raises(NoThumbnail, match="busy"):
        made.get(record(f"{BASE}/a.png"), "small")


def test_what_cannot_be_kept_is_shown_all_the_same(tmp_path: Path, store: Counting) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    made = Thumbnails(tmp_path / "cache", [store])
    assert made.get(stored(store, Image.new("RGB", (9, 9)), "PNG", "a.png"), "small")


def test_what_is_old_goes(made: Thumbnails, store: Counting, tmp_path: Path) -> None:
    """So that nothing of an erased user stays."""
    image = stored(store, Image.new("RGB", (9, 9)), "PNG", "a.png")
    made.get(image, "small")
    (kept,) = (tmp_path / "cache").glob("*/*.webp")
    before = time.time() - thumbnails.KEPT_S - 1
    os.utime(kept, (before, before))
    again = Thumbnails(tmp_path / "cache", [store])
    again.get(stored(store, Image.new("RGB", (8, 8)), "PNG", "b.png"), "small")
    assert not kept.exists()
