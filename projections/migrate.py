"""Creating or adopting the tables, and bringing them up to date. No row is ever dropped.

There is no way back: a downgrade would have to throw away what the log's events made.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('omega-images/migrate', 0))")
LOCK_TIMEOUT = text("SELECT set_config('lock_timeout', '5s', true)")
ATTEMPTS = 12
"""A long reader holds a lock: give way, so that nobody queues up behind, and try again."""


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """From which revision to which; None: there were no tables of ours."""

    before: str | None
    after: str | None


def upgrade(
    database_url: str, *, duplicates: str = "refuse", long_urls: str = "refuse"
) -> UpgradeReport:
    """Run the migrations that are missing, in one transaction; several callers at once are safe.

    Raises projections.adoption.AdoptionRefused, or sqlalchemy.exc.DBAPIError.
    """
    engine = engine_of(database_url)
    options = {"duplicates": duplicates, "long_urls": long_urls}
    for attempt in range(ATTEMPTS):
        try:
            with engine.begin() as connection:
                return _upgrade(connection, options)
        except OperationalError as exc:
            if "lock timeout" not in str(exc) or attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.2 * (attempt + 1))
    raise AssertionError("the last attempt returns or raises")


def current(database_url: str) -> str | None:
    """The revision of the tables; None where there are none of ours."""
    with engine_of(database_url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def latest() -> str | None:
    """The newest revision."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def engine_of(database_url: str) -> Engine:
    """An engine that keeps no connections."""
    for prefix in ("postgresql://", "postgres://"):
        if database_url.startswith(prefix):
            database_url = f"postgresql+psycopg://{database_url.removeprefix(prefix)}"
    return create_engine(database_url, poolclass=NullPool)


def _upgrade(connection: Connection, options: dict[str, str]) -> UpgradeReport:
    connection.execute(LOCK)
    connection.execute(LOCK_TIMEOUT)
    before = MigrationContext.configure(connection).get_current_revision()
    head = latest()
    if before != head:
        config = _config()
        config.attributes["connection"] = connection
        config.attributes["adoption"] = options
        command.upgrade(config, "head")
    return UpgradeReport(before, head)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "projections:migrations")
    config.set_main_option("path_separator", "os")
    return config
