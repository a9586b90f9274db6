"""Small pictures of images: made once, of what lies in configured storage and of nothing else.

No address that a record names is ever asked: a store says which of its files a URL means, if any.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import structlog
from PIL import Image, ImageOps

from producers.storage import NotStored, Storage, StorageError
from projections.images import GeneratedImageRecord

log = structlog.stdlib.get_logger(__name__)

Size = Literal["small", "large"]
SIDES: dict[Size, int] = {"small": 480, "large": 1600}
"""Pixels of the longer side."""

MAX_BYTES = 40 * 10**6
MAX_PIXELS = 60_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF")
AT_ONCE = 3
"""Images that are read and decoded at the same time; each may need some hundred megabytes."""

PATIENCE_S = 20.0
KEPT_S = 7 * 86_400
"""After so long a thumbnail is made again: what was erased is gone from here, too."""

PRUNE_S = 3_600
FORGET_S = 60.0
MOST_REMEMBERED = 10_000


class NoThumbnail(Exception):
    """There is nothing to show; the text says why: missing, broken or busy."""


class TooLarge(Exception):
    """The picture is not decoded."""


def version_of(record: GeneratedImageRecord) -> str:
    """Changes whenever the image does; part of the thumbnail's address."""
    parts = (record.id, record.storage_url, record.sha256, record.bytes, record.event_id)
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


class Thumbnails:
    """Makes them and keeps them in a folder. All threads may use it."""

    def __init__(self, folder: Path, stores: Sequence[Storage]) -> None:
        self._folder = folder
        self._stores = stores
        self._working = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._prune_at = 0.0

    def get(self, record: GeneratedImageRecord, size: Size) -> bytes:
        """The thumbnail as WebP. Raises NoThumbnail."""
        version = version_of(record)
        path = self._folder / version[:2] / f"{version}-{size}.webp"
        with suppress(OSError):
            return path.read_bytes()
        self._recall(version)
        if not self._working.acquire(timeout=PATIENCE_S):
            raise NoThumbnail("busy")
        try:
            made = _made(self._original(record), SIDES[size])
        except NoThumbnail as exc:
            self._remember(version, str(exc))
            raise
        finally:
            self._working.release()
        self._keep(path, made)
        return made

    def _original(self, record: GeneratedImageRecord) -> bytes:
        if (record.bytes or 0) > MAX_BYTES:
            raise NoThumbnail("broken")
        for store in self._stores:
            try:
                name = store.filename_of(record.storage_url)
                data = None if name is None else store.read(name)
            except NotStored:
                continue
            except StorageError as exc:
                log.warning("an image cannot be read", row=record.id, reason=str(exc))
                raise NoThumbnail("busy") from exc
            if data is not None:
                return data
        raise NoThumbnail("missing")

    def _recall(self, version: str) -> None:
        """Raises NoThumbnail when it did not work just now."""
        with self._lock:
            until, reason = self._failed.get(version, (0.0, ""))
        if time.monotonic() < until:
            raise NoThumbnail(reason)

    def _remember(self, version: str, reason: str) -> None:
        with self._lock:
            self._failed[version] = (time.monotonic() + FORGET_S, reason)
            while len(self._failed) > MOST_REMEMBERED:
                self._failed.popitem(last=False)

    def _keep(self, path: Path, data: bytes) -> None:
        """Without it everything works, only slower."""
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError as exc:
            log.warning("a thumbnail cannot be kept", folder=str(self._folder), reason=str(exc))
            with suppress(OSError):
                temporary.unlink()
        self._prune()

    def _prune(self) -> None:
        with self._lock:
            if time.monotonic() < self._prune_at:
                return
            self._prune_at = time.monotonic() + PRUNE_S
        oldest = time.time() - KEPT_S
        with suppress(OSError):
            for folder in self._folder.iterdir():
                for entry in os.scandir(folder):
                    if entry.stat().st_mtime < oldest:
                        Path(entry.path).unlink(missing_ok=True)


def _made(data: bytes, side: int) -> bytes:
    """The picture within a square of this side. Raises NoThumbnail."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check(image, len(data))
            image.draft("RGB", (side, side))
            small = ImageOps.exif_transpose(image)
            clear = small.has_transparency_data
            small = small.convert("RGBA" if clear else "RGB")
            small.thumbnail((side, side))
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=82, method=4)
        return buffer.getvalue()
    except Exception as exc:
        # Decoders raise almost anything for a broken file, and warn of a huge one.
        log.info("an image cannot be decoded", reason=type(exc).__name__)
        raise NoThumbnail("broken") from exc


def _check(image: Image.Image, size: int) -> None:
    """Only its head has been read; a small file can hold a picture that fills the memory."""
    if size > MAX_BYTES or image.width * image.height > MAX_PIXELS:
        raise TooLarge
