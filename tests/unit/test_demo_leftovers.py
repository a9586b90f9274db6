"""Workers that a killed demonstration left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from operations.demo.leftovers import end_leftovers, remember


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as running:
        yield running
        running.kill()


def test_a_worker_that_still_runs_is_ended(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    remember(tmp_path / "workers", [process.pid])
    assert end_leftovers(tmp_path / "workers") == 1
    process.wait(10)
    assert end_leftovers(tmp_path / "workers") == 0


def test_another_process_of_the_same_id_is_left_alone(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    started = psutil.Process(process.pid).create_time() - 100
    (tmp_path / "workers").write_text(json.dumps([[process.pid, started]]))
    assert end_leftovers(tmp_path / "workers") == 0
    assert process.poll() is None


@pytest.mark.parametrize("text", ["", "{", "[[1]]", '[["x", 1]]', "null"])
def test_a_file_that_says_nothing_ends_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "workers").write_text(text)
    assert end_leftovers(tmp_path / "workers") == 0
    assert end_leftovers(tmp_path / "missing") == 0
