"""The demonstration, as a stranger sees it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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
    try:
        done = subprocess.run(
            [*PROGRAM, "demo"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=280,
        )
    finally:
        Stack(tmp_path).down()
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    assert "OMEGA_DATABASE_URL is set; the demonstration leaves that server alone" in done.stdout
    assert "Table and statistics are identical to before." in done.stdout
    before, after = (
        re.search(rf"table {when}\s+(\d+)\s+(\w{{32}})", done.stdout)
        for when in ("before", "after")
    )
    assert before is not None
    assert after is not None
    assert before.groups() == after.groups()
    assert int(before[1]) > 200
    assert "rows now: 0; images in the statistics now: 0" in done.stdout
    images = list((tmp_path / "demo" / "uploads").iterdir())
    assert len(images) >= 200
    for path in images[::25]:
        with Image.open(path) as image:
            image.load()
    assert (tmp_path / "demo" / "env").stat().st_mode & 0o077 == 0
