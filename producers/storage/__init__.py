"""Where the bytes of images lie. One protocol, several providers."""

from producers.storage.local import LocalStorage
from producers.storage.names import file_name
from producers.storage.storage import (
    InvalidName,
    NotStored,
    Storage,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    Stored,
    StoredFile,
)

__all__ = [
    "LocalStorage",
    "InvalidName",
    "NotStored",
    "Storage",
    "StorageError",
    "StorageRefused",
    "StorageUnavailable",
    "Stored",
    "StoredFile",
    "file_name",
]
