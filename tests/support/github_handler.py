"""Requests to the local server of the contents API: who may ask, faults first, then the answer."""

from __future__ import annotations

import json
import re
import time
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.github_server import TOKEN, Fault, GitHubServer, Said, error


class GitHubHandler(BaseHTTPRequestHandler):
    server: GitHubServer
    protocol_version = "HTTP/1.1"
    # Without it an answer waits for the acknowledgement of its own headers.
    disable_nagle_algorithm: ClassVar[bool] = True

    def handle_any(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(size)
        self.server.seen.append(f"{self.command} {urlsplit(self.path).path}")
        fault = self._fault()
        if fault is None:
            self._say(self._answer(sent))
            return
        if fault.after_effect:
            self._answer(sent)
        time.sleep(fault.silent_s)
        if fault.status:
            self._say(error(fault.status, fault.message), fault.headers)
        else:
            self.close_connection = True

    do_GET = do_PUT = do_DELETE = handle_any  # noqa: N815  # the names that http.server calls

    def _fault(self) -> Fault | None:
        faults = self.server.faults
        if faults and faults[0].only in {"", self.command}:
            return faults.popleft()
        return None

    def _answer(self, sent: bytes) -> Said:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        repository = self.server.repository
        base = f"/repos/{repository.owner}/{repository.name}/"
        if self.headers.get("Authorization") not in {f"token {TOKEN}", f"Bearer {TOKEN}"}:
            return error(401, "Bad credentials")
        if not path.startswith(base):
            return error(404, "Not Found")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self._in_repository(path.removeprefix(base), query, sent)

    def _in_repository(self, path: str, query: dict[str, str], sent: bytes) -> Said:
        repository = self.server.repository
        kind, _, rest = path.partition("/")
        if kind == "contents":
            return self._contents(rest, query, sent)
        if kind == "commits":
            return repository.history(query["path"])
        if tree := re.fullmatch(r"git/trees/(.+)", path):
            return repository.tree(tree[1])
        if path == f"git/ref/heads/{repository.branch}":
            return Said(200, {"object": {"sha": repository.head}})
        return error(404, "Not Found")

    def _contents(self, path: str, query: dict[str, str], sent: bytes) -> Said:
        repository = self.server.repository
        if any(part in {"", ".", "..", ".git"} for part in path.split("/")):
            return error(422, "path contains a malformed path component")
        if self.command == "GET":
            if query.get("ref", repository.branch) != repository.branch:
                return error(404, f"No commit found for the ref {query['ref']}")
            return repository.get(path, raw="raw" in self.headers.get("Accept", ""))
        body: dict[str, Any] = json.loads(sent)
        change = repository.put if self.command == "PUT" else repository.delete
        return change(path, body)

    def _say(self, said: Said, headers: Any = None) -> None:
        raw = isinstance(said.body, bytes)
        body = said.body if raw else json.dumps(said.body).encode()
        limits = {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "4999",
            "X-RateLimit-Reset": str(int(time.time()) + 3600),
        }
        kind = "application/vnd.github.raw+json" if raw else "application/json; charset=utf-8"
        try:
            self.send_response(said.status)
            for name, value in (limits | dict(headers or {})).items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            # Who asked has not waited for it.
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        pass
