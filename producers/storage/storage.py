"""What every store of images can do, and what can go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """An image that lies in a store: what ImageGenerated says about its place."""

    url: str
    provider: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a store, as a listing shows it."""

    filename: str
    bytes: int
    modified: datetime | None
    """None where the store's listing does not tell; ``Storage.modified`` asks for one file."""


class Storage(Protocol):
    """A flat folder of image files, each with a URL. Safe to use from several threads.

    Every method takes a file name as ``file_name`` makes it and raises InvalidName for any other
    kind, and StorageUnavailable when the store cannot do it now. No message shows a secret.
    """

    @property
    def provider(self) -> str:
        """The name that goes into ``storage_provider``."""
        ...

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        """Store the bytes and return when they are safe. The same name again replaces the file.

        A call whose outcome is not known may be repeated. Raises StorageRefused.
        """
        ...

    def read(self, filename: str) -> bytes:
        """The bytes. Raises NotStored."""
        ...

    def exists(self, filename: str) -> bool:
        """Whether there is such a file."""
        ...

    def modified(self, filename: str) -> datetime:
        """When the file was last written, with its time zone. Raises NotStored."""
        ...

    def holder(self, filename: str) -> Storage:
        """The store that has the file: this one, or a part of it. Raises NotStored."""
        ...

    def delete(self, filename: str) -> bool:
        """Remove the file; whether there was one. A second call is not an error."""
        ...

    def list(self) -> Iterator[StoredFile]:
        """All files, sorted by name."""
        ...

    def url_of(self, filename: str) -> str:
        """The URL under which the file is, or would be, read."""
        ...

    def filename_of(self, url: str) -> str | None:
        """The file that a URL of this store names; None for any other URL."""
        ...


class StorageError(Exception):
    """An image could not be stored, read or removed."""


class InvalidName(StorageError, ValueError):
    """The file name is not one that a store accepts."""


class NotStored(StorageError):
    """There is no such file."""


class StorageUnavailable(StorageError):
    """The store cannot do it now (disk full, no access, network): retry, or use another one."""


class StorageRefused(StorageError):
    """The store will never take this file: empty, too large, not what it is declared to be."""
