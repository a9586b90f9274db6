"""Images in a folder of a GitHub repository, by the contents API, read under their raw URLs."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from producers.storage.github_api import GitHubApi, Patience, patience_for
from producers.storage.github_branch import GitHubBranch, blob_name
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

API_URL = "https://api.github.com"
RAW_URL = "https://raw.githubusercontent.com"
MAX_BYTES = 100 * 2**20
"""GitHub takes no larger file into a repository."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")

_turns: defaultdict[tuple[str, ...], threading.Lock] = defaultdict(threading.Lock)
"""A lock for each branch of this process: of parallel writes to a branch GitHub takes only one."""


class GitHubStorage:
    """Files of one folder on one branch; each change is a commit."""

    provider = "github"

    def __init__(
        self,
        owner: str,
        repository: str,
        token: str,
        *,
        branch: str = "main",
        folder: str = "file-library",
        api_url: str = API_URL,
        raw_url: str = RAW_URL,
        timeout_s: float = 20.0,
        deadline_s: float = 60.0,
        patience: Callable[[float], Patience] = patience_for,
    ) -> None:
        """An operation takes at most ``deadline_s`` and one ``timeout_s``. Raises ValueError."""
        for value, form in ((owner, _NAME), (repository, _NAME), (branch, _PATH), (folder, _PATH)):
            if not form.fullmatch(value) or ".." in value:
                raise ValueError(f"{value!r} cannot be part of a place on GitHub")
        self._on = GitHubBranch(GitHubApi(token, api_url, timeout_s), owner, repository, branch)
        self._folder = folder
        self._place = f"{owner}/{repository}, branch {branch}"
        self._urls = FileUrls(f"{raw_url.rstrip('/')}/{owner}/{repository}/{branch}/{folder}")
        self._turn = _turns[api_url, owner.lower(), repository.lower(), branch]
        self._patience = partial(patience, deadline_s)

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:  # noqa: ARG002  # Storage
        """One commit; none when the file already has these very bytes."""
        path = self._path(filename)
        if len(data) > MAX_BYTES:
            raise StorageRefused(f"{filename} has {len(data)} bytes, GitHub takes {MAX_BYTES}")
        with self._writing(f"cannot store {filename} in {self._place}") as patience:
            self._write(path, data, patience)
        return Stored(
            self.url_of(filename), self.provider, len(data), hashlib.sha256(data).hexdigest()
        )

    def read(self, filename: str) -> bytes:
        path = self._path(filename)
        with _naming(f"cannot read {filename} in {self._place}"):
            data = self._on.read(path, self._patience())
        if data is None:
            raise NotStored(f"{filename} is not in {self._place}")
        return data

    def exists(self, filename: str) -> bool:
        path = self._path(filename)
        with _naming(f"cannot look for {filename} in {self._place}"):
            return self._on.blob(path, self._patience()) is not None

    def modified(self, filename: str) -> datetime:
        """The time of the file's last commit."""
        path = self._path(filename)
        with _naming(f"cannot look for {filename} in {self._place}"):
            patience = self._patience()
            # Commits tell of a file that is gone, too.
            there = self._on.blob(path, patience) is not None
            found = self._on.modified(path, patience) if there else None
        if found is None:
            raise NotStored(f"{filename} is not in {self._place}")
        return found

    def holder(self, filename: str) -> GitHubStorage:
        if not self.exists(filename):
            raise NotStored(f"{filename} is not in {self._place}")
        return self

    def delete(self, filename: str) -> bool:
        """One commit. The bytes stay in the branch's history."""
        path = self._path(filename)
        with self._writing(f"cannot remove {filename} from {self._place}") as patience:
            there = False
            while (blob := self._on.blob(path, patience)) is not None:
                there = True
                answer = self._on.change("DELETE", path, patience, f"Remove {path}", sha=blob)
                if answer.status == 200:
                    break
                if answer.status != 404:
                    patience.wait(answer.message)
        return there

    def list(self) -> Iterator[StoredFile]:
        """By the folder's tree: a listing by the contents API ends after 1,000 files."""
        with _naming(f"cannot list {self._place}"):
            entries = self._on.entries(self._folder, self._patience())
        for entry in sorted(entries, key=lambda entry: str(entry["path"])):
            if entry["mode"] in {"100644", "100755"} and _accepted(entry["path"]):
                yield StoredFile(entry["path"], entry["size"], None)

    def url_of(self, filename: str) -> str:
        return self._urls.url_of(filename)

    def filename_of(self, url: str) -> str | None:
        return self._urls.filename_of(url)

    def _path(self, filename: str) -> str:
        return f"{self._folder}/{check_name(filename)}"

    def _write(self, path: str, data: bytes, patience: Patience) -> None:
        """Without the old blob's name first: nearly every file is new, and one request does it."""
        content, blob = base64.b64encode(data).decode("ascii"), blob_name(data)
        old: dict[str, str] = {}
        while True:
            message = f"Store {path}"
            answer = self._on.change("PUT", path, patience, message, content=content, **old)
            if answer.status in {200, 201}:
                return
            found = self._on.blob(path, patience)
            if found == blob:
                # Stored before, or by a try whose answer was lost.
                return
            if answer.status == 422 and (old or found is None):
                raise StorageRefused(f"GitHub answers 422: {answer.message}")
            old = {"sha": found} if found else {}
            if answer.status == 409:
                patience.wait(answer.message)

    @contextmanager
    def _writing(self, what: str) -> Iterator[Patience]:
        """No other thread writes to the branch meanwhile."""
        with _naming(what):
            patience = self._patience()
            if not self._turn.acquire(timeout=patience.left):
                raise StorageUnavailable("other writes to the branch took too long")
            try:
                yield patience
            finally:
                self._turn.release()


def _accepted(name: str) -> bool:
    try:
        return check_name(name) == name
    except InvalidName:
        return False


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Put before a refusal what was to be done."""
    try:
        yield
    except (StorageUnavailable, StorageRefused) as exc:
        raise type(exc)(f"{what}: {exc}") from exc
