"""Servers as detached processes: started in a session of their own, found again, stopped."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from operations.embedded.errors import StackError

HOST = "127.0.0.1"
POLL_S = 0.02

_spawned: list[subprocess.Popen[bytes]] = []
"""Kept because they outlive the function that starts them, and mostly this process, too."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as the state file remembers it.

    ``started`` is the process's start time, which tells it from another of the same id.
    """

    name: str
    pid: int
    started: float
    port: int
    log: str

    def alive(self) -> bool:
        """Whether the very process lives."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def answers(self) -> bool:
        """Whether it takes connections."""
        return self.alive() and takes_connections(self.port)

    def stop(self, number: signal.Signals, timeout_s: float) -> bool:
        """Ask it to stop; kill it when it has not done so in time. Whether it ended when asked."""
        if not self.alive():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        ended = wait_for(lambda: not self.alive(), timeout_s)
        if not ended:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(self.pid).children(recursive=True):
                    child.kill()
                os.kill(self.pid, signal.SIGKILL)
            wait_for(lambda: not self.alive(), timeout_s)
        self._reap(timeout_s)
        return ended

    def _reap(self, timeout_s: float) -> None:
        """Let the system forget it, and the others of ours that have ended."""
        for process in [one for one in _spawned if one.pid == self.pid]:
            # Its first thread may have ended before the others have.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout_s)
        _spawned[:] = [process for process in _spawned if process.poll() is None]


def free_port(wanted: int | None = None) -> int:
    """The wanted port when it is free, else any that is."""
    for port in (wanted, 0):
        if port is None:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                found: int = probe.getsockname()[1]
                return found
    raise StackError(f"no free port on {HOST}")


def takes_connections(port: int) -> bool:
    """Whether something listens there."""
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return True
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until the condition holds; whether it did in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def spawn(
    name: str, command: Sequence[str], port: int, log: Path
) -> tuple[Server, Callable[[], bool]]:
    """Start it in a session of its own, so that Ctrl-C in the terminal does not reach it.

    Returns the server, and a question: whether it has ended already.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=log.parent,
        )
    _spawned.append(process)
    started = psutil.Process(process.pid).create_time()
    server = Server(name, process.pid, started, port, str(log))
    return server, lambda: process.poll() is not None


def await_ready(
    server: Server, ended: Callable[[], bool], ready: Callable[[], bool], timeout_s: float
) -> None:
    """Wait until it is ready. Raises StackError, naming the log, when it ends or takes too long."""
    if wait_for(lambda: ended() or ready(), timeout_s) and not ended():
        return
    why = "ended at once" if ended() else f"did not answer within {timeout_s:.0f} s"
    server.stop(signal.SIGTERM, 5)
    raise StackError(
        f"{server.name} {why}: {last_line(Path(server.log))}; "
        f"read {server.log}, then try `omega-images up` again"
    )


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    with contextlib.suppress(OSError):
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        if lines:
            return lines[-1].strip()[:200]
    return "its log is empty"


def as_other_user(command: Sequence[str], folder: Path) -> list[str]:
    """The command, so that it does not run as root, which PostgreSQL refuses.

    The other user may have no way into the folders of root, so it keeps the capability to read and
    enter them. ``folder`` is given to it.
    """
    if os.geteuid() != 0:
        return list(command)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError(
            "PostgreSQL does not run as root, and `setpriv` (util-linux) is missing: "
            "install it, or run as an ordinary user"
        )
    user = _unprivileged()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    capabilities = "+dac_override,+dac_read_search"
    switch = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    keep = [f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
    return [setpriv, *switch, *keep, *command]


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise StackError("PostgreSQL does not run as root, and there is no user `nobody` to run it as")
