"""How the spool can fail."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from producers.publisher import PublishUnavailable


class SpoolError(PublishUnavailable):
    """The spool did not take the event, for no fault of the event's."""


class SpoolFull(SpoolError):
    """So much waits in the spool that no more is taken."""


class SpoolUnavailable(SpoolError):
    """The spool cannot be read or written now: disk full, no access, locked, closed."""


class SpoolDamaged(SpoolError):
    """The spool's file is not what was written to it."""


def as_spool_error(error: sqlite3.Error, path: Path) -> SpoolError:
    """What SQLite says, as the error that callers of the spool know."""
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    if isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError):
        return SpoolUnavailable(
            f"spool {path}: {reason}; look at its disk's space and permissions, or at who locks it"
        )
    return SpoolDamaged(
        f"spool {path} is damaged ({reason}); start the program again, which sets it aside"
    )
