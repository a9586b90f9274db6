"""Which processes still live: each holds a lock that the kernel takes back when it dies.

A process id says less: it is used again, and means another process in another container that
shares the folder.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import suppress
from pathlib import Path


class Owner:
    """A name that is alive until this process dies or lets go of it."""

    def __init__(self, folder: Path) -> None:
        """``folder`` holds a file for each name. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self.name = uuid.uuid4().hex
            self._path = folder / self.name
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Before it was locked, another may have taken it for a dead one's and removed it.
            if self._path.exists():
                break
            os.close(descriptor)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """From now on it counts as dead. May be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(descriptor)


def dead_owners(folder: Path, names: set[str]) -> set[str]:
    """Those of the names that nobody holds."""
    return {name for name in names if not _alive(folder / name)}


def any_alive(folder: Path) -> bool:
    """Whether any name is held. What dead processes left in the folder is removed."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # names, not paths
    except FileNotFoundError:
        return False
    alive = [_alive(folder / name) for name in names]
    return any(alive)


def _alive(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        with suppress(FileNotFoundError):
            path.unlink()
        return False
    finally:
        os.close(descriptor)
