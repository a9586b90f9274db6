"""Running a command as its user would, within the test's process."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from operations.main import main


class Ran(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """Its output, of one that prints JSON."""
        return json.loads(self.out)


class Shell:
    """Runs commands of ``omega-images``."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Ran:
        """Run it; a traceback is the test's failure."""
        self._capsys.readouterr()
        code = 0
        try:
            main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = self._capsys.readouterr()
        return Ran(code, said.out, said.err)

    def fails(self, *words: str) -> tuple[int, str]:
        """Run what must end with one line of error: its exit code, and the line."""
        ran = self(*words)
        assert ran.code in (1, 2), ran
        (line,) = ran.err.strip().splitlines()
        return ran.code, line
