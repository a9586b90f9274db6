"""Nothing but images goes into a store: looked at before it is stored, whatever the store is."""

from __future__ import annotations

from producers.image_kind import mime_type_of
from producers.storage.names import EXTENSIONS
from producers.storage.storage import Storage, StorageRefused, Stored
from producers.storage.wrapped import WrappedStorage

MAX_BYTES = 64 * 2**20
SVG_BEGINNINGS = (b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg")


class CheckedStorage(WrappedStorage):
    """Storage that refuses what no viewer would show; everything else is the store's own."""

    def __init__(self, storage: Storage, max_bytes: int = MAX_BYTES) -> None:
        super().__init__(storage)
        self._max_bytes = max_bytes

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        """Raises StorageRefused for no bytes, too many, or others than declared."""
        if not data:
            raise StorageRefused(f"{filename}: an image of zero bytes is none")
        if len(data) > self._max_bytes:
            raise StorageRefused(f"{filename} has {len(data)} bytes, {self._max_bytes} are allowed")
        _check_kind(data, filename, mime_type.partition(";")[0].strip().lower())
        return self._storage.put(data, filename, mime_type)


def _check_kind(data: bytes, filename: str, declared: str) -> None:
    if declared not in EXTENSIONS:
        kinds = ", ".join(sorted(EXTENSIONS))
        raise StorageRefused(f"{filename}: {declared[:80]!r} is none of {kinds}")
    if declared == "image/svg+xml":
        fits = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(SVG_BEGINNINGS)
    else:
        fits = mime_type_of(data) == declared
    if not fits:
        raise StorageRefused(
            f"{filename} is declared as {declared}, but its bytes begin as {mime_type_of(data)}"
        )
