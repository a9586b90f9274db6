"""The web server on a port of its own, over real servers with a mixed load, for a browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from structlog.testing import capture_logs

from operations.serving import open_site
from producers.drawing import draw
from tests.support.builders import failed, generated
from tests.support.ledger_world import LedgerWorld
from tests.support.load import Mix, mixed_load
from tests.support.sending import send
from tests.support.waiting import eventually
from web.app import create_app

MIX = Mix(duplicates=0.1, failures=0.15, retried=0.4, poison=0.03, moves=0.05, deletions=0.05)
RECORDS = 150
PICTURES = 24
NOW = datetime.now(UTC)

HOSTILE = {
    "script": "<script>window.hacked = 1; alert(1)</script><img src=x onerror='window.hacked = 2'>",
    "attribute": '" onmouseover=\'window.hacked = 3\' autofocus onfocus="window.hacked = 4" x="',
    "javascript": "javascript:window.hacked=5//http://x/\njavascript:alert(1)",
    "data": "data:text/html,<script>window.hacked=6</script>",
    "right-to-left": "\u202egnp.exe\u202c \u2067\u0633\u0645\u0627\u0621\u2069 fin\u200f",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} <% 7 %> &lt;b&gt; </title></textarea></svg>",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301\u0302\u0303\u0304\u0305 \U0001f9ea" * 20,
    "long": "w" * 10_000,
}
"""Prompts that somebody may write, each under a name."""


def fill(world: LedgerWorld, bootstrap: str) -> None:
    """A mixed load with dead letters, real pictures of the last days, and hostile prompts."""
    send(bootstrap, world.ledger.topic, mixed_load(RECORDS, MIX, 1))
    for number in range(PICTURES):
        prompt = f"A lighthouse number {number} by the sea at {('dawn', 'night')[number % 2]}"
        drawn = draw("generateUserImage", prompt, size=(96, 96))
        name = f"picture_{number}{'.png' if drawn.mime_type == 'image/png' else '.jpg'}"
        stored = world.store.put(drawn.data, name, drawn.mime_type)
        world.publish(
            generated(
                f"picture-{number}",
                time=NOW - timedelta(hours=7 * number, minutes=1),
                user_id=f"u{number % 3}",
                username=("ada", "björn", "chloé")[number % 3],
                tool_name=("generateUserImage", "generateComic")[number % 2],
                model=("offline-drawing-1", "model-2")[number % 2],
                prompt=prompt,
                storage_url=stored.url,
                storage_provider=stored.provider,
                mime_type=drawn.mime_type,
                bytes=stored.bytes,
                sha256=stored.sha256,
                tags=("sea", f"n{number}"),
                metadata={"latency_ms": 300 + 20 * number, "seed": number},
            )
        )
    for number, (name, prompt) in enumerate(HOSTILE.items()):
        at = NOW - timedelta(days=1, minutes=number)
        hostile: dict[str, Any] = {"username": prompt[:200], "prompt": prompt, "time": at}
        told: dict[str, Any] = {
            "tags": (prompt[:60],),
            "metadata": {prompt[:60]: prompt},
            "model": prompt[:80],
        }
        world.publish(generated(f"hostile-{name}", **hostile, **told))
        world.publish(failed(f"hostile-failure-{name}", error=prompt[:500], **hostile))
    world.project()


@contextmanager
def served(world: LedgerWorld) -> Iterator[str]:
    """The address of the server, which runs in a thread as long as this does."""
    with (
        # Its lines would come in the middle of the run's own.
        capture_logs(),
        socket.create_server(("127.0.0.1", 0)) as listener,
        open_site(world.ledger, "127.0.0.1") as site,
    ):
        app = create_app(site)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            eventually(lambda: server.started, what="the web server")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            app.state.live.end()
            server.should_exit = True
            thread.join(10)
