"""Images in a folder of this machine, read under a configured base URL."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from producers.storage.names import check_name
from producers.storage.storage import (
    InvalidName,
    NotStored,
    StorageUnavailable,
    Stored,
    StoredFile,
)
from producers.storage.urls import FileUrls

TEMPORARY = ".part-"
"""What an unfinished file's name begins with; no accepted name does, so no reader meets one."""


class LocalStorage:
    """Files of one flat folder. A reader sees a whole file or none, also after a power cut."""

    provider = "local"

    def __init__(self, folder: Path, base_url: str) -> None:
        """``base_url``: http(s), without query; the file's name is put behind it and a slash.

        Touches nothing: the folder is made by the first ``put``. Raises ValueError for the URL.
        """
        self._folder = folder
        self._urls = FileUrls(base_url)

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:  # noqa: ARG002  # Storage
        """Write a temporary file, fsync it, rename it, fsync the folder.

        A file that already has these very bytes is left alone. Raises InvalidName,
        StorageUnavailable.
        """
        path = self._path(filename)
        with _unavailable(f"cannot store {filename} in {self._folder}"):
            if not _holds(path, data):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._write(path, data)
            _sync_folder(self._folder)
        return Stored(
            url=self.url_of(filename),
            provider=self.provider,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def read(self, filename: str) -> bytes:
        """The bytes. A symbolic link is not followed: it may lead out of the folder."""
        with (
            _unavailable(f"cannot read {filename} in {self._folder}"),
            self.open(filename) as file,
        ):
            return file.read()

    def open(self, filename: str) -> BinaryIO:
        """The file, to be read piece by piece. Close it. As ``read``."""
        path = self._path(filename)
        with _unavailable(f"cannot read {filename} in {self._folder}"):
            try:
                # Without waiting: what is no file may be a pipe, to which nobody writes.
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                raise NotStored(f"{filename} is not in {self._folder}") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotStored(f"{filename} is not in {self._folder}")
        return os.fdopen(descriptor, "rb")

    def exists(self, filename: str) -> bool:
        """A symbolic link is no file of this store."""
        return self._found(filename) is not None

    def modified(self, filename: str) -> datetime:
        found = self._found(filename)
        if found is None:
            raise NotStored(f"{filename} is not in {self._folder}")
        return datetime.fromtimestamp(found.st_mtime, UTC)

    def holder(self, filename: str) -> LocalStorage:
        if not self.exists(filename):
            raise NotStored(f"{filename} is not in {self._folder}")
        return self

    def delete(self, filename: str) -> bool:
        """Remove the file for good; False when there was none."""
        path = self._path(filename)
        with _unavailable(f"cannot remove {filename} from {self._folder}"):
            try:
                path.unlink()
            except FileNotFoundError:
                return False
            _sync_folder(self._folder)
        return True

    def list(self) -> Iterator[StoredFile]:
        """The folder's accepted files, sorted by name; none when the folder is not there yet."""
        with _unavailable(f"cannot list {self._folder}"):
            try:
                names = sorted(os.listdir(self._folder))  # noqa: PTH208  # names, not paths
            except FileNotFoundError:
                return
        for name in names:
            file = self._listed(name)
            if file is not None:
                yield file

    def url_of(self, filename: str) -> str:
        return self._urls.url_of(filename)

    def filename_of(self, url: str) -> str | None:
        return self._urls.filename_of(url)

    def _path(self, filename: str) -> Path:
        return self._folder / check_name(filename)

    def _found(self, filename: str) -> os.stat_result | None:
        path = self._path(filename)
        with _unavailable(f"cannot look for {filename} in {self._folder}"):
            try:
                state = path.lstat()
            except FileNotFoundError:
                return None
        return state if stat.S_ISREG(state.st_mode) else None

    def _listed(self, name: str) -> StoredFile | None:
        try:
            state = self._found(name)
        except InvalidName:
            return None
        if state is None:
            return None
        return StoredFile(name, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC))

    def _write(self, path: Path, data: bytes) -> None:
        temporary = self._folder / f"{TEMPORARY}{secrets.token_hex(8)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def _holds(path: Path, data: bytes) -> bool:
    """Whether the file already has these bytes, so that a retry has nothing to write."""
    try:
        return (
            not path.is_symlink() and path.stat().st_size == len(data) and path.read_bytes() == data
        )
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a rename alone may be lost in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _unavailable(what: str) -> Iterator[None]:
    """The operating system's refusal, as the error that callers of a store know."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(f"{what}: {error.strerror or error}") from error
