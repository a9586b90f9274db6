"""The demonstration, as a stranger sees it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from operations.embedded.processes import free_port
from operations.embedded.stack import Stack

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

PROGRAM = [sys.executable, "-c", "from operations.main import main; main()"]


def test_everything_is_dropped_rebuilt_and_identical(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "OMEGA_HOME": str(tmp_path),
        "OMEGA_DATABASE_URL": "postgresql://nobody@192.0.2.1/precious",
        "COLUMNS": "120",
    }
    port = free_port()
    try:
        with subprocess.Popen(
            [*PROGRAM, "demo", "--serve", "--port", str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
        ) as demonstration:
            said = told_until_it_serves(demonstration)
            try:
                pages_are_worth_looking_at(f"http://127.0.0.1:{port}", said)
            finally:
                demonstration.send_signal(signal.SIGINT)
            said += demonstration.communicate(timeout=30)[0]
    finally:
        Stack(tmp_path).down()
    assert demonstration.returncode == 0, said[-2000:]
    assert "OMEGA_DATABASE_URL is set; the demonstration leaves that server alone" in said
    assert "Table and statistics are identical to before." in said
    before, after = (
        re.search(rf"table {when}\s+(\d+)\s+(\w{{32}})", said) for when in ("before", "after")
    )
    assert before is not None
    assert after is not None
    assert before.groups() == after.groups()
    assert int(before[1]) > 200
    assert "rows now: 0; images in the statistics now: 0" in said
    images = list((tmp_path / "demo" / "uploads").iterdir())
    assert len(images) >= 200
    for path in images[::25]:
        with Image.open(path) as image:
            image.load()
    assert (tmp_path / "demo" / "env").stat().st_mode & 0o077 == 0


def told_until_it_serves(demonstration: subprocess.Popen[str]) -> str:
    """What it says up to the line about its pages, or to its end."""
    assert demonstration.stdout is not None
    lines = []
    for line in demonstration.stdout:
        lines.append(line)
        if "Ctrl-C ends the pages" in line:
            break
    return "".join(lines)


def pages_are_worth_looking_at(address: str, said: str) -> None:
    """The address that it told has pictures, with addresses that work, and numbers to read."""
    assert f"Look at it: {address}/" in said, said[-2000:]
    with httpx.Client(base_url=address, timeout=20) as client:
        (thumbnail, *_) = re.findall(r'src="(/thumbnails/[^"]+)"', client.get("/").text)
        assert client.get(thumbnail).headers["content-type"] == "image/webp"
        made = client.get("/api/v1/images?status=success").json()["images"][0]
        assert client.get(made["storageUrl"]).headers["content-type"] == made["mimeType"]
        analytics = client.get("/analytics").text
    assert "Latency by tool" in analytics
    assert "No image of this span" not in analytics
