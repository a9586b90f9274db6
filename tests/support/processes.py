"""Workers as their own processes, as an operator would run them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.support.freezing import freeze


class WorkerProcess:
    """``omega-images consume PROJECTION`` in a process of its own; ended when the block ends."""

    def __init__(self, projection: str, environment: Mapping[str, str], log: Path) -> None:
        self.projection = projection
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "operations.main", "consume", self.projection]
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [*command, "--health-port", "0"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def running(self) -> bool:
        """Whether the process still lives."""
        return self._process.poll() is None

    def exit_code(self) -> int | None:
        """What it ended with; None while it lives."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def freeze(self) -> None:
        """Have it do nothing until it gets SIGCONT."""
        freeze(self._process.pid)

    def kill_and_replace(self) -> None:
        """Kill -9, and a new worker in its place."""
        self._process.kill()
        self._process.wait(10)
        self._process = self._start()

    def terminate(self, timeout_s: float = 10) -> int:
        """SIGTERM; the exit code."""
        self._process.terminate()
        return self._process.wait(timeout_s)

    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.running():
            self._process.kill()
            self._process.wait(10)
