"""Whether a worker is well: judged from its vitals, and told over HTTP with its metrics."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from consumers.vitals import Snapshot

PATIENCE_S = 20.0
"""So long may any one thing take; a check every 10 s then says sick within 30 s."""

REQUEST_TIMEOUT_S = 5.0


def complaints(vitals: Snapshot, patience_s: float = PATIENCE_S) -> list[str]:
    """What keeps the worker from making progress, a line each; nothing when it is well."""
    return [
        *_of_the_poller(vitals, patience_s),
        *_of_the_group(vitals, patience_s),
        *_of_the_writer(vitals, patience_s),
        *_of_the_partitions(vitals, patience_s),
    ]


def _of_the_poller(vitals: Snapshot, patience_s: float) -> list[str]:
    stuck_s = vitals.now - vitals.turned_at
    if stuck_s <= patience_s:
        return []
    return [f"the poll loop has not come round for {stuck_s:.0f} s"]


def _of_the_group(vitals: Snapshot, patience_s: float) -> list[str]:
    """The first that explains the others: a log that fails, silent brokers, a group not joined."""
    if vitals.log_fault is not None and vitals.now - vitals.log_fault[0] > patience_s:
        away_s = vitals.now - vitals.log_fault[0]
        return [f"the log has been away for {away_s:.0f} s: {vitals.log_fault[1]}"]
    if vitals.contact.silent_s > patience_s:
        return [f"no broker has answered for {vitals.contact.silent_s:.0f} s"]
    if vitals.now - vitals.joined_at > patience_s:
        return [f"has not been in the group for {vitals.now - vitals.joined_at:.0f} s"]
    return []


def _of_the_writer(vitals: Snapshot, patience_s: float) -> list[str]:
    if vitals.busy_since is None or vitals.now - vitals.busy_since <= patience_s:
        return []
    busy_s = vitals.now - vitals.busy_since
    why = vitals.writer_fault or "no answer from the database"
    return [f"the writer has been at the same work for {busy_s:.0f} s: {why}"]


def _of_the_partitions(vitals: Snapshot, patience_s: float) -> list[str]:
    """A partition with work that does not move, while its worker does not move any other either.

    One that waits for its turn under a large backlog is not stuck; it gets thrice the time.
    """
    still_s = {
        number: vitals.now - held.still_since
        for number, held in vitals.partitions.items()
        if held.lag > 0 or held.end_offset is None
    }
    moving = any(vitals.now - held.moved_at <= patience_s for held in vitals.partitions.values())
    limit_s = 3 * patience_s if moving else patience_s
    return [
        f"partition {number} has stood still for {seconds:.0f} s at {_place(vitals, number)}"
        for number, seconds in sorted(still_s.items())
        if seconds > limit_s
    ]


def _place(vitals: Snapshot, partition: int) -> str:
    held = vitals.partitions[partition]
    end = "unknown" if held.end_offset is None else str(held.end_offset)
    return f"offset {held.next_offset}, the log's end is {end}"


class Answer(NamedTuple):
    """An HTTP answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


class Health:
    """What each address answers.

    /healthz: 200 while progress is possible, else 503 with the reasons. /readyz: 200 when the
    group is joined and its share claimed. /metrics: Prometheus.
    """

    def __init__(self, vitals: Callable[[], Snapshot], registry: CollectorRegistry) -> None:
        self._vitals = vitals
        self._registry = registry

    def answer(self, path: str, accept: str) -> Answer:
        """The answer to a GET."""
        match path.partition("?")[0]:
            case "/healthz":
                found = complaints(self._vitals())
                return _state("sick" if found else "well", found)
            case "/readyz":
                vitals = self._vitals()
                return _state("ready", []) if vitals.ready else _state("not ready", _why(vitals))
            case "/metrics":
                encode, content_type = choose_encoder(accept)
                return Answer(HTTPStatus.OK, content_type, encode(self._registry))
        return Answer(HTTPStatus.NOT_FOUND, "text/plain", b"/healthz, /readyz or /metrics\n")


def _why(vitals: Snapshot) -> list[str]:
    if not vitals.contact.joined:
        return ["has not joined the group yet"]
    return [f"partitions are being claimed: {vitals.writer_fault or 'under way'}"]


def _state(state: str, reasons: list[str]) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    body = json.dumps({"state": state, "reasons": reasons}).encode() + b"\n"
    return Answer(status, "application/json", body)


class HealthServer:
    """Serves ``health`` on daemon threads while the block runs. Port 0 takes a free one.

    Raises OSError when the port is taken.
    """

    def __init__(self, health: Health, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = type("Server", (ThreadingHTTPServer,), {"address_family": family})
        handler = type("Handler", (_Handler,), {"health": health})
        self._server: ThreadingHTTPServer = server((host, port), handler)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> HealthServer:
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    health: Health
    timeout = REQUEST_TIMEOUT_S
    server_version = "omega-images"
    sys_version = ""

    def do_GET(self) -> None:
        answer = self.health.answer(self.path, self.headers.get("Accept", ""))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Not every probe is worth a line."""
