"""A local HTTP server that gives the answers it was told to, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Scripted:
    """An answer; the last one of a script is given for ever."""

    status: int = 200
    body: bytes = b""
    silent_s: float = 0.0


class ScriptedServer(ThreadingHTTPServer):
    """On a free port of the loopback interface."""

    daemon_threads = True

    def __init__(self, script: list[Scripted]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        script = self.server.script
        self.server.seen.append(f"{self.command} {self.path}")
        said = script.pop(0) if len(script) > 1 else script[0]
        time.sleep(said.silent_s)
        try:
            self.send_response(said.status)
            self.send_header("Content-Length", str(len(said.body)))
            self.send_header("ETag", '"0123"')
            self.send_header("Last-Modified", "Mon, 23 Nov 2026 00:00:00 GMT")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said.body)
        except (BrokenPipeError, ConnectionResetError):
            # Who asked has not waited for it.
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815  # http.server's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        pass


@contextmanager
def scripted_server(*script: Scripted) -> Iterator[ScriptedServer]:
    """A server that is stopped at the end."""
    with ScriptedServer(list(script)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
