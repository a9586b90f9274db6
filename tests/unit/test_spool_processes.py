"""One spool, several processes, and what is left when they are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from producers.spool import Spool
from producers.spool_file import owners_folder, set_aside_files


def start(path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.spool_process", str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> list[str]:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output.split()


@pytest.mark.parametrize("heard", [1, 2, 37, 150])
def test_killed_at_any_moment_it_has_what_it_said(tmp_path: Path, heard: int) -> None:
    path = tmp_path / "spool.db"
    process = start(path, "append", "a", "100000")
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(heard)]
    process.kill()
    said += process.stdout.read().split("\n")[:-1]
    process.communicate()

    spool = Spool(path)
    kept = {row.event_id for row in spool.claim(1_000_000)}
    assert not set_aside_files(path)
    # In each thread at most the one that it was writing was not yet said.
    assert set(said) <= kept
    assert len(kept - set(said)) <= 4 + 1
    assert spool.status().waiting == len(kept)
    spool.close()
    assert list(owners_folder(path).iterdir()) == []


def test_processes_share_a_spool_and_nothing_is_sent_by_two(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    writers = [start(path, "append", name, "60") for name in "ab"]
    drainers = [start(path, "drain") for _ in range(2)]
    written = [name for writer in writers for name in finished(writer)]
    drained = [name for drainer in drainers for name in finished(drainer)]

    assert len(written) == 2 * 4 * 60
    assert sorted(drained) == sorted(written)
    spool = Spool(path)
    assert spool.status()[:3] == (0, 0, 0)
    spool.close()


def test_what_a_living_process_sends_is_not_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    mine = Spool(path)
    process = start(path, "append", "a", "100000")
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    mine.free_dead()
    assert process.poll() is None
    process.kill()
    process.communicate()
    mine.free_dead()
    assert said in {row.event_id for row in mine.claim(1_000_000)}
    mine.close()
