"""How long one waits for the program: its help, and the embedded servers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.options import Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series, Target

HELPS = 5
HELP = "omega-images --help"
PYTHON = "an empty Python process"
COLD = "omega-images up, in an empty folder"
WARM = "omega-images up, again"


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """Cold: nothing is there but Kafka's jars, which were loaded before. Warm: the next start."""
    series = Series("startup")
    for _ in range(options.repetitions):
        for _ in range(HELPS):
            series.add(PYTHON, _took([sys.executable, "-c", "pass"]) * 1000)
            series.add(HELP, _took([*_program(), "--help"]) * 1000)
        with TemporaryDirectory(dir=place.home, ignore_cleanup_errors=True) as folder:
            home = Path(folder).absolute()
            for name in (COLD, WARM):
                series.add(name, _took([*_program(), "up"], home))
                _took([*_program(), "down"], home)
    yield series.told(PYTHON, "ms")
    yield series.told(HELP, "ms", PYTHON, Target(300))
    yield series.told(COLD, "s", "", Target(10))
    yield series.told(WARM, "s", "", Target(4))


def _program() -> list[str]:
    """The installed command, or what it would run."""
    installed = Path(sys.executable).with_name("omega-images")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "operations.main"]


def _took(command: list[str], home: Path | None = None) -> float:
    """Seconds, for a process without settings of ours but its folder."""
    settings = {} if home is None else {"OMEGA_HOME": str(home)}
    ours = ("OMEGA_", "DATABASE_URL")
    others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    began = time.perf_counter()
    subprocess.run(command, env=others | settings, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
