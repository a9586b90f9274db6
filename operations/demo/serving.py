"""The demonstration's pages: workers and a web server over what it left, until Ctrl-C."""

from __future__ import annotations

import secrets
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from types import FrameType

from operations.demo.commands import CommandFailed, Commands, Worker, stop_all
from operations.demo.place import Place

READY_WITHIN_S = 30.0
LOOK_S = 0.1


def serve_place(place: Place, port: int, ready: Callable[[str, str], None]) -> None:
    """Serve it on this machine only; ``ready`` is told the address, and a token that may operate.

    Returns when a signal says stop. Raises CommandFailed when a process ends by itself.
    """
    token = secrets.token_urlsafe(24)
    commands = Commands(
        place.variables()
        | {"OMEGA_HTTP_OPEN_READING": "local", "OMEGA_API_TOKENS": f"demo:read+operate:{token}"}
    )
    stopping = _signals()
    running: list[Worker] = []
    try:
        running.extend(
            commands.start(place.logs / f"{name}.log", "consume", name)
            for name in ("table", "stats")
        )
        arguments = ("serve", "--host", "127.0.0.1", "--port", str(port))
        running.append(commands.start(place.logs / "serve.log", *arguments))
        address = f"http://127.0.0.1:{port}/"
        _wait_until_ready(address, running, stopping)
        if not stopping():
            ready(address, token)
        while not stopping():
            for worker in running:
                worker.check()
            time.sleep(LOOK_S)
    finally:
        stop_all(running)


def _wait_until_ready(address: str, running: list[Worker], stopping: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not stopping():
        for worker in running:
            worker.check()
        try:
            with urllib.request.urlopen(f"{address}readyz", timeout=2):  # noqa: S310  # our own
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise CommandFailed(
                    f"{address} did not answer within {READY_WITHIN_S:g} s"
                ) from None
        time.sleep(LOOK_S)


def _signals() -> Callable[[], bool]:
    """Whether SIGINT or SIGTERM has come."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(came)
