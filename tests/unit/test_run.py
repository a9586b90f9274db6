"""`make test` runs every test there is."""

from __future__ import annotations

from pathlib import Path

from tests.run import FIRST, SECOND


def test_each_folder_with_tests_is_in_one_of_the_two_runs() -> None:
    found = {file.relative_to("tests").parts[0] for file in Path("tests").rglob("test_*.py")}
    assert sorted((*FIRST, *SECOND)) == sorted(f"tests/{folder}" for folder in found)
