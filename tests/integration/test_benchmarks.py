"""The benchmarks run, at a tiny size, and their results are right; how fast, is not asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("costs",)
ROWS = (
    ("costs", "table: PostgreSQL"),
    ("costs", "stats: program"),
    ("costs", "log: on disk"),
    ("costs", "size of generated_images"),
)


@pytest.mark.kafka
@pytest.mark.postgres
def test_a_quick_run_leaves_its_results(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", *NAMES, "--quick", "--home", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=150
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert "Measurements beside their bounds" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["failures"] == []
    assert (results["machine"]["fsync"], results["machine"]["synchronous_commit"]) == ("on", "on")
    found = {(one["group"], one["name"]): one["values"] for one in results["measurements"]}
    for row in ROWS:
        assert all(value > 0 for value in found[row]), row
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert all(f"| {group}: {name} |" in text for group, name in found)
    assert not any(path.is_dir() and path.name != "files" for path in tmp_path.iterdir())
