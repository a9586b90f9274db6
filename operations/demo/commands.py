"""Runs `omega-images` commands as processes of their own, as a user would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAM = (sys.executable, "-c", "from operations.main import main; main()")
COMMAND_TIMEOUT_S = 120
STOP_TIMEOUT_S = 10


class CommandFailed(Exception):
    """A command did not do what it should; the message names it and has its last line."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands with these settings."""

    variables: dict[str, str]

    def run(self, *arguments: str) -> None:
        """Run one to its end, showing what it prints. Raises CommandFailed."""
        sys.stdout.flush()
        done = subprocess.run(
            [*PROGRAM, *arguments],
            env=self._environment(),
            timeout=COMMAND_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise CommandFailed(
                f"`omega-images {' '.join(arguments)}` ended with {done.returncode}"
            )

    def quietly(self, *arguments: str) -> str:
        """Run one to its end; what it printed. Raises CommandFailed with its last line."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            env=self._environment(),
            timeout=COMMAND_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
            raise CommandFailed(f"`omega-images {' '.join(arguments)}` said: {said}")
        return done.stdout

    def start(self, log: Path, *arguments: str) -> Worker:
        """Start a long-lived one, its output in a log file."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*PROGRAM, *arguments],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return Worker(" ".join(arguments), process, log)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables}


@dataclass(frozen=True, slots=True)
class Worker:
    """A long-lived command."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises CommandFailed when it has ended."""
        if self.process.poll() is not None:
            lines = self.log.read_text(errors="replace").strip().splitlines() or ["nothing"]
            raise CommandFailed(f"`omega-images {self.name}` ended, saying: {lines[-1][:300]}")

    def stop(self) -> float:
        """Ask it to stop with SIGTERM, wait; seconds it took. Kills what does not stop in time."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - began


def stop_all(workers: Sequence[Worker]) -> float:
    """Stop them at the same time; seconds until the last one had ended."""
    began = time.monotonic()
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.send_signal(signal.SIGTERM)
    for worker in workers:
        worker.stop()
    return time.monotonic() - began
