"""The spool's file: made whole or not at all, looked at when it is opened, set aside if damaged."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from producers.liveness import Owner, any_alive
from producers.spool_errors import SpoolDamaged, SpoolUnavailable, as_spool_error
from producers.spool_sql import APPLICATION_ID, SCHEMA, VERSION

log = structlog.stdlib.get_logger(__name__)

LOCKED_S = 30.0
"""So long another process's transaction is waited for."""

WITH = ("", "-wal", "-journal")
"""SQLite's files of one database; what else there is, it makes anew."""


def open_spool(path: Path) -> tuple[sqlite3.Connection, Owner]:
    """The file, made if there is none, and this opener's name among those who have it open.

    Raises SpoolUnavailable, and SpoolDamaged when a damaged file is still in use by others.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _only_opener(path):
            _make_sound(path)
            owner = Owner(owners_folder(path))
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise SpoolUnavailable(f"spool {path}: {reason}; name a file that can be written") from exc
    try:
        return _durable(_connect(path)), owner
    except sqlite3.Error as exc:
        owner.release()
        raise as_spool_error(exc, path) from exc


def owners_folder(path: Path) -> Path:
    """Where the names of those stand who have the spool open."""
    return path.with_name(path.name + ".owners")


def set_aside_files(path: Path) -> list[Path]:
    """The damaged spools that were set aside here and that nobody has taken away."""
    found = path.parent.glob(path.name + ".damaged-*")
    return sorted(file for file in found if not file.name.endswith(("-wal", "-journal", "-shm")))


@contextmanager
def _only_opener(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_sound(path: Path) -> None:
    """Afterwards a sound file is there."""
    if path.exists():
        complaint = _complaint(path)
        if complaint is None:
            return
        if any_alive(owners_folder(path)):
            raise SpoolDamaged(
                f"spool {path} is damaged ({complaint}) and in use; stop the other programs that"
                " use it, and start again"
            )
        _set_aside(path, complaint)
    else:
        # A log without its database would be played into the next one.
        for suffix in WITH[1:]:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    _create(path)


def _complaint(path: Path) -> str | None:
    """What is wrong with the file. Raises SpoolUnavailable for one that is not ours."""
    if path.stat().st_size == 0:
        # Ours is never empty: it gets its name when it is whole.
        return "it is empty"
    try:
        connection = _connect(path)
    except sqlite3.OperationalError as exc:
        raise as_spool_error(exc, path) from exc
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as exc:
        raise as_spool_error(exc, path) from exc
    except sqlite3.DatabaseError as exc:
        return str(exc)
    finally:
        connection.close()
    if found == "ok" and (application, version) != (APPLICATION_ID, VERSION):
        raise SpoolUnavailable(
            f"spool {path}: a database, but not a spool of this version; set another path"
        )
    return None if found == "ok" else " ".join(str(found).split())[:200]


def _set_aside(path: Path, complaint: str) -> None:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    name = f"{path.name}.damaged-{now}"
    for suffix in WITH:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(path.with_name(name + suffix))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    log.error(
        "the spool is damaged and was set aside; sqlite3's .recover reads what is left in it",
        spool=str(path),
        damage=complaint,
        set_aside=name,
    )


def _create(path: Path) -> None:
    """Under another name first, so that nobody meets half of it."""
    new = path.with_name(path.name + ".new")
    for suffix in (*WITH, "-shm"):
        new.with_name(new.name + suffix).unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = _durable(_connect(new))
    try:
        connection.executescript(SCHEMA)
    except sqlite3.Error as exc:
        raise as_spool_error(exc, path) from exc
    finally:
        # Of the last connection: takes the log into the file.
        connection.close()
    new.rename(path)
    _sync_folder(path.parent)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=LOCKED_S, isolation_level=None, check_same_thread=False)


def _durable(connection: sqlite3.Connection) -> sqlite3.Connection:
    """One fsync for each commit, before it returns."""
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
