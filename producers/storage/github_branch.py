"""The files of one branch of a GitHub repository, as its REST API shows and changes them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import quote

from producers.storage.github_api import JSON, Answer, GitHubApi, Patience
from producers.storage.storage import StorageRefused, StorageUnavailable

RAW = "application/vnd.github.raw+json"
"""The media type that gives the bytes themselves: above 1 MB the contents API gives no other."""


class GitHubBranch:
    """Paths are from the repository's root. Every method raises StorageUnavailable."""

    def __init__(self, api: GitHubApi, owner: str, repository: str, branch: str) -> None:
        self._api = api
        self._repository = f"/repos/{owner}/{repository}"
        self._branch = branch

    def read(self, path: str, patience: Patience) -> bytes | None:
        """The file's bytes; None where there is none."""
        answer = self._get(path, patience, RAW)
        return answer.body if self._is_there(answer, patience) else None

    def blob(self, path: str, patience: Patience) -> str | None:
        """The name of the file's bytes, as git has it; None where there is no file."""
        answer = self._get(path, patience)
        if not self._is_there(answer, patience):
            return None
        found = answer.json()
        return found["sha"] if isinstance(found, dict) and found.get("type") == "file" else None

    def modified(self, path: str, patience: Patience) -> datetime | None:
        """The time of the last commit that touched the path; None where none did."""
        params = {"sha": self._branch, "path": path, "per_page": "1"}
        answer = self._api.send("GET", f"{self._repository}/commits", patience, params=params)
        if not self._is_there(answer, patience):
            return None
        commits = answer.json()
        return (
            datetime.fromisoformat(commits[0]["commit"]["committer"]["date"]) if commits else None
        )

    def entries(self, folder: str, patience: Patience) -> list[dict[str, Any]]:
        """What lies in the folder, by its tree: the contents API lists 1,000 files at most."""
        name = quote(self._branch, safe="")
        for part in folder.split("/"):
            trees = (e for e in self._tree(name, patience) if e["type"] == "tree")
            name = next((entry["sha"] for entry in trees if entry["path"] == part), "")
            if not name:
                return []
        return self._tree(name, patience)

    def change(
        self, method: str, path: str, patience: Patience, message: str, **fields: str
    ) -> Answer:
        """A commit: PUT or DELETE. A 409 or 422 that is returned asks for another look.

        Raises StorageRefused.
        """
        body = {"message": message, "branch": self._branch, **fields}
        url = f"{self._repository}/contents/{path}"
        answer = self._api.send(method, url, patience, body=body)
        if answer.status == 413:
            raise StorageRefused(f"GitHub answers 413: {answer.message}")
        if answer.status == 404 and method == "DELETE":
            return answer
        if answer.status not in {200, 201, 409, 422} or "rule violations" in answer.message:
            raise self._denied(answer, "write to")
        return answer

    def _tree(self, name: str, patience: Patience) -> list[dict[str, Any]]:
        answer = self._api.send("GET", f"{self._repository}/git/trees/{name}", patience)
        if not self._is_there(answer, patience):
            return []
        found = answer.json()
        if found["truncated"]:
            raise StorageUnavailable("the folder has more files than GitHub lists")
        entries: list[dict[str, Any]] = found["tree"]
        return entries

    def _get(self, path: str, patience: Patience, accept: str = JSON) -> Answer:
        params = {"ref": self._branch}
        url = f"{self._repository}/contents/{path}"
        return self._api.send("GET", url, patience, params=params, accept=accept)

    def _is_there(self, answer: Answer, patience: Patience) -> bool:
        """GitHub answers 404 as well for a repository that it hides, or a branch that is gone."""
        if answer.status == 200:
            return True
        if answer.status == 404:
            name = quote(self._branch)
            answer = self._api.send("GET", f"{self._repository}/git/ref/heads/{name}", patience)
        # 409: a repository without a commit.
        if answer.status not in {200, 409}:
            raise self._denied(answer, "read")
        return False

    def _denied(self, answer: Answer, verb: str) -> StorageUnavailable:
        hint = f"do repository and branch exist, and may the token {verb} them?"
        return StorageUnavailable(f"GitHub answers {answer.status}: {answer.message} ({hint})")


def blob_name(data: bytes) -> str:
    """What git calls these bytes: a SHA-1 with a head before them."""
    head = f"blob {len(data)}\0".encode("ascii")
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()
