"""A local server of GitHub's contents API, as far as a store of files meets it, with its faults.

What it answers, with which words and headers, is what api.github.com answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from typing import Any

TOKEN = "github_pat_testing"
MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Fault:
    """The answer to the next request, in place of the right one."""

    status: int = 502
    message: str = "Server Error"
    headers: Mapping[str, str] = field(default_factory=dict)
    after_effect: bool = False
    """The request has its effect, and only its answer is lost."""
    silent_s: float = 0.0
    """First, so long nothing is heard; with status 0 the connection ends without an answer."""
    only: str = ""
    """Only for this method."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    status: int
    body: Any
    """JSON, or bytes."""


def error(status: int, message: str) -> Said:
    return Said(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})


def blob_sha(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class Repository:
    """One repository with one branch."""

    def __init__(self, owner: str = "ada", name: str = "omega", branch: str = "main") -> None:
        self.owner, self.name, self.branch = owner, name, branch
        self.files: dict[str, bytes] = {}
        self.links: set[str] = set()
        self.commits: list[tuple[str, str, datetime]] = []
        self.write_s = 0.0
        """How long a commit takes; of two that overlap, the second one gets a 409."""
        self._lock = threading.Lock()

    @property
    def head(self) -> str:
        return hashlib.sha1(str(len(self.commits)).encode(), usedforsecurity=False).hexdigest()

    def get(self, path: str, *, raw: bool) -> Said:
        data = self.files.get(path)
        if data is None:
            return error(404, "Not Found")
        if len(data) > 100 * MEGABYTE:
            return error(403, "This API returns blobs up to 100 MB in size.")
        if raw:
            return Said(200, data)
        small = len(data) <= MEGABYTE
        content = base64.encodebytes(data).decode() if small else ""
        encoding = "base64" if small else "none"
        shown = {"type": "file", "encoding": encoding, "size": len(data), "content": content}
        return Said(200, shown | {"path": path, "sha": blob_sha(data)})

    def put(self, path: str, body: Mapping[str, Any]) -> Said:
        try:
            data = base64.b64decode(body["content"], validate=True)
        except binascii.Error:
            return error(422, "content is not valid Base64")
        refusal = self._refusal(path, body)
        if refusal:
            return refusal
        new = path not in self.files
        moved = self._commit(path, data)
        return moved or Said(201 if new else 200, {"content": {"path": path, "size": len(data)}})

    def delete(self, path: str, body: Mapping[str, Any]) -> Said:
        if path not in self.files:
            return error(404, "Not Found")
        return self._refusal(path, body) or self._commit(path, None) or Said(200, {"content": None})

    def _refusal(self, path: str, body: Mapping[str, Any]) -> Said | None:
        if not body.get("message"):
            return error(422, 'Invalid request.\n\n"message" wasn\'t supplied.')
        if body.get("branch", self.branch) != self.branch:
            return error(404, f"Branch {body['branch']} not found")
        old, sha = self.files.get(path), body.get("sha")
        if old is not None and sha is None:
            return error(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if sha is not None and (old is None or blob_sha(old) != sha):
            return error(409, f"{path} does not match {sha}")
        return None

    def _commit(self, path: str, data: bytes | None) -> Said | None:
        """Read the head, take a while, and move it only if it is still there."""
        expected = self.head
        time.sleep(self.write_s)
        with self._lock:
            if self.head != expected:
                return error(409, f"{path} is at {self.head} but expected {expected}")
            if data is None:
                del self.files[path]
            else:
                self.files[path] = data
            self.commits.append((self.head, path, datetime.now(UTC)))
        return None

    def tree(self, name: str) -> Said:
        """Names of trees are ``tree-<folder>``; the branch's name means the root."""
        if not self.commits:
            return error(409, "Git Repository is empty.")
        if name != self.branch and not name.startswith("tree-"):
            return error(404, "Not Found")
        prefix = "" if name == self.branch else name.removeprefix("tree-").replace("+", "/") + "/"
        entries: dict[str, dict[str, Any]] = {}
        for path, data in sorted(self.files.items()):
            if not path.startswith(prefix):
                continue
            first, slash, _ = path.removeprefix(prefix).partition("/")
            if slash:
                sha = f"tree-{(prefix + first).replace('/', '+')}"
                entries[first] = {"path": first, "mode": "040000", "type": "tree", "sha": sha}
            else:
                mode = "120000" if path in self.links else "100644"
                place = {"path": first, "mode": mode, "type": "blob", "size": len(data)}
                entries[first] = place | {"sha": blob_sha(data)}
        return Said(200, {"sha": name, "tree": list(entries.values()), "truncated": False})

    def history(self, path: str) -> Said:
        found = [
            {"sha": sha, "commit": {"committer": {"date": f"{at:%Y-%m-%dT%H:%M:%SZ}"}}}
            for sha, changed, at in reversed(self.commits)
            if changed == path
        ]
        return Said(200, found[:1])


class GitHubServer(ThreadingHTTPServer):
    """On a free port of the loopback interface."""

    daemon_threads = True

    def __init__(self) -> None:
        from tests.support.github_handler import GitHubHandler

        super().__init__(("127.0.0.1", 0), GitHubHandler)
        self.repository = Repository()
        self.faults: deque[Fault] = deque()
        self.seen: list[str] = []
        """``METHOD /path`` of each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def github_server() -> Iterator[GitHubServer]:
    """A server with an empty repository, ``ada/omega``."""
    with GitHubServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
