"""A store that does as another one does: the base for those that add something to ``put``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from producers.storage.storage import Storage, Stored, StoredFile


class WrappedStorage:
    """Storage by way of another one."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def provider(self) -> str:
        return self._storage.provider

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        return self._storage.put(data, filename, mime_type)

    def read(self, filename: str) -> bytes:
        return self._storage.read(filename)

    def exists(self, filename: str) -> bool:
        return self._storage.exists(filename)

    def modified(self, filename: str) -> datetime:
        return self._storage.modified(filename)

    def holder(self, filename: str) -> Storage:
        return self._storage.holder(filename)

    def delete(self, filename: str) -> bool:
        return self._storage.delete(filename)

    def list(self) -> Iterator[StoredFile]:
        return self._storage.list()

    def url_of(self, filename: str) -> str:
        return self._storage.url_of(filename)

    def filename_of(self, url: str) -> str | None:
        return self._storage.filename_of(url)
