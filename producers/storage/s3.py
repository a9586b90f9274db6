"""Images in a bucket of any S3-compatible store, by obstore."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from producers.storage.names import check_name
from producers.storage.storage import (
    InvalidName,
    NotStored,
    StorageRefused,
    StorageUnavailable,
    Stored,
    StoredFile,
)
from producers.storage.urls import FileUrls

if TYPE_CHECKING:
    from obstore import ObjectMeta

PART_BYTES = 8 * 2**20
"""What is larger goes up in parts of this size."""

_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,64})</Code>")
_NEVER = {"EntityTooLarge", "KeyTooLongError"}


class S3Storage:
    """Files under one prefix of one bucket."""

    provider = "s3"

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None = None,
        region: str = "us-east-1",
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        folder: str = "file-library",
        public_url: str | None = None,
        timeout_s: float = 20.0,
        deadline_s: float = 60.0,
    ) -> None:
        """``endpoint``: None for Amazon's own. Without keys: those of the machine's role.

        ``public_url``: where the folder is read; None: under the endpoint, or Amazon's URL.
        Tries are repeated, with growing waits, for ``deadline_s``. Raises ValueError.
        """
        self._urls = FileUrls(public_url or _own_url(bucket, endpoint, region, folder))
        self._place = f"bucket {bucket}, {folder}/"
        self._folder = folder
        self._store = S3Store(
            bucket,
            config={
                "region": region,
                "virtual_hosted_style_request": False,
                **({"endpoint": endpoint} if endpoint else {}),
                **({"access_key_id": access_key_id} if access_key_id else {}),
                **({"secret_access_key": secret_access_key} if secret_access_key else {}),
            },
            client_options={
                "allow_http": bool(endpoint and endpoint.startswith("http://")),
                "timeout": timedelta(seconds=timeout_s),
            },
            retry_config={"retry_timeout": timedelta(seconds=deadline_s)},
        )

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        """Replaces the object as a whole; a reader sees the old bytes or the new ones."""
        with _judged(f"cannot store {filename} in {self._place}"):
            obstore.put(
                self._store,
                self._key(filename),
                data,
                attributes={"Content-Type": mime_type},
                chunk_size=PART_BYTES,
            )
        return Stored(
            self.url_of(filename), self.provider, len(data), hashlib.sha256(data).hexdigest()
        )

    def read(self, filename: str) -> bytes:
        with self._missing_is_error(filename, "read"):
            return bytes(obstore.get(self._store, self._key(filename)).bytes())

    def exists(self, filename: str) -> bool:
        try:
            self._head(filename)
        except NotStored:
            return False
        return True

    def modified(self, filename: str) -> datetime:
        return self._head(filename)["last_modified"].astimezone(UTC)

    def holder(self, filename: str) -> S3Storage:
        self._head(filename)
        return self

    def delete(self, filename: str) -> bool:
        if not self.exists(filename):
            return False
        with _judged(f"cannot remove {filename} from {self._place}"):
            obstore.delete(self._store, self._key(filename))
        return True

    def list(self) -> Iterator[StoredFile]:
        with _judged(f"cannot list {self._place}"):
            found = [meta for page in obstore.list(self._store, self._folder) for meta in page]
        for meta in sorted(found, key=lambda meta: meta["path"]):
            name = meta["path"].removeprefix(f"{self._folder}/")
            if _accepted(name):
                yield StoredFile(name, meta["size"], meta["last_modified"].astimezone(UTC))

    def url_of(self, filename: str) -> str:
        return self._urls.url_of(filename)

    def filename_of(self, url: str) -> str | None:
        return self._urls.filename_of(url)

    def _key(self, filename: str) -> str:
        return f"{self._folder}/{check_name(filename)}"

    def _head(self, filename: str) -> ObjectMeta:
        with self._missing_is_error(filename, "look for"):
            return obstore.head(self._store, self._key(filename))

    @contextmanager
    def _missing_is_error(self, filename: str, verb: str) -> Iterator[None]:
        with _judged(f"cannot {verb} {filename} in {self._place}"):
            try:
                yield
            except FileNotFoundError as exc:
                if _code(exc) == "NoSuchBucket" or not self._has_bucket():
                    raise
                raise NotStored(f"{filename} is not in {self._place}") from None

    def _has_bucket(self) -> bool:
        """A HEAD has no body that would tell a missing bucket from a missing file."""
        next(iter(obstore.list(self._store, self._folder, chunk_size=1)), None)
        return True


def _own_url(bucket: str, endpoint: str | None, region: str, folder: str) -> str:
    base = endpoint.rstrip("/") if endpoint else f"https://s3.{region}.amazonaws.com"
    return f"{base}/{quote(bucket)}/{folder}"


def _accepted(name: str) -> bool:
    try:
        return check_name(name) == name
    except InvalidName:
        return False


def _code(exc: Exception) -> str | None:
    found = _CODE.search(str(exc))
    return found[1] if found else None


@contextmanager
def _judged(what: str) -> Iterator[None]:
    """The library's errors, as those that callers of a store know.

    Their own text is not shown: S3 repeats in it the key's id and the string that was signed.
    """
    try:
        yield
    except (BaseError, OSError) as exc:
        code = _code(exc)
        if code in _NEVER:
            raise StorageRefused(f"{what}: {code}") from None
        raise StorageUnavailable(f"{what}: {code or _reason(exc)}") from None


def _reason(exc: Exception) -> str:
    if isinstance(exc, PermissionDeniedError | UnauthenticatedError):
        return "the keys are not taken, or not for this"
    if isinstance(exc, FileNotFoundError):
        return "NoSuchBucket"
    return "the store does not answer, or not in time"
