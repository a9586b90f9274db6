"""A local server that speaks as Gemini and OpenAI do, and gives the answers it was told to."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; the last one of a script is given for ever."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    """No answer comes as long as the server is there."""
    drips: bool = False
    """A byte now and then, and never all of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asked for."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ModelServer(ThreadingHTTPServer):
    """On a free port of the loopback interface."""

    daemon_threads = True

    def __init__(self, script: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.asked: list[Asked] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # http.server's name
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        heads = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.path, heads, body))
        script = self.server.script
        answer = script.pop(0) if len(script) > 1 else script[0]
        if answer.hangs:
            self.server.closing.wait()
            self.close_connection = True
            return
        text = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text) + answer.drips * 2**20))
        self.end_headers()
        while answer.drips and not self.server.closing.wait(0.05):
            self.wfile.write(b" ")
        self.wfile.write(text)

    def handle(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # who asked has not waited
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        pass


@contextmanager
def model_server(*script: Answer) -> Iterator[ModelServer]:
    """A server that is stopped at the end."""
    with ModelServer(list(script)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def gemini_image(data: bytes, text: str | None = None) -> dict[str, Any]:
    """GenerateContentResponse with an image, and a word before it."""
    image = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}}
    parts = [{"text": text}, image] if text else [image]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 1295},
        "modelVersion": "gemini-3-pro-image-preview",
    }


def gemini_error(code: int, status: str, message: str, *details: Any) -> dict[str, Any]:
    """google.rpc.Status, as the API wraps it."""
    error = {"code": code, "message": message, "status": status}
    return {"error": error | ({"details": list(details)} if details else {})}


def openai_image(data: bytes) -> dict[str, Any]:
    """ImagesResponse with one image."""
    return {"created": 1_795_000_000, "data": [{"b64_json": base64.b64encode(data).decode()}]}


def openai_error(message: str, code: str | None, kind: str = "invalid_request_error") -> Any:
    """As the API says it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
