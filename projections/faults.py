"""Faults, sorted: those of the environment are retried, those of a record are isolated.

The sorting follows PostgreSQL's SQLSTATE classes (Appendix A of its manual). When in doubt a
fault counts as the environment's: retrying loses nothing, a dead letter made by mistake does.
"""

from __future__ import annotations

import struct
from enum import Enum

import psycopg

from schemas.errors import InvalidEvent


class Fault(Enum):
    """What to do with an exception that a transaction raised."""

    ENVIRONMENT = "environment"
    """Retry the same batch, for as long as it lasts."""
    RECORD = "record"
    """Some record of the batch cannot be stored: halve the batch until it stands alone."""
    FENCED = "fenced"
    """Another worker owns the partition: drop the batch and join the group anew."""
    FATAL = "fatal"
    """Neither waiting nor isolating helps: stop and say what to run."""


class EnvironmentFault(Exception):
    """The database cannot do it now; the same batch may be tried again."""


class FenceLost(Exception):
    """A position is not where this worker left it: another worker, or a rebuild, took it over."""


class TopicRecreated(Exception):
    """The topic was deleted and made again, so the stored positions mean nothing any more."""


RECORD_CLASSES = frozenset({"22", "23"})
"""Data exception, integrity constraint violation."""

RECORD_STATES = frozenset(
    {
        "54000",  # program limit exceeded: a btree entry over 2,704 bytes
        "54001",  # statement too complex: a value nested too deeply
        "54023",  # too many arguments
        "0A000",  # a value that this server cannot represent
    }
)
UNENCODABLE = (UnicodeError, OverflowError, struct.error)
"""What psycopg's dumpers raise for a value that has no wire format."""

ID_CONSTRAINT = "generated_images_pkey"

FATAL_CLASSES = frozenset({"42", "3D", "3F", "28"})
"""Syntax error or access rule violation, no such database or schema, wrong password."""


def classify(exc: BaseException) -> Fault:
    """Sort an exception raised while a batch was applied.

    A unique violation is the environment's: two workers inserted the same new request at the same
    time, and the retry will find the other's row. Only an id that is taken will stay so: somebody
    inserted a row with an id of the log's range. What is not of the database is fatal.
    """
    exc = cause_of(exc)
    if isinstance(exc, psycopg.Error):
        return _of_the_database(exc)
    if isinstance(exc, FenceLost):
        return Fault.FENCED
    if isinstance(exc, EnvironmentFault):
        return Fault.ENVIRONMENT
    return Fault.RECORD if isinstance(exc, (*UNENCODABLE, InvalidEvent)) else Fault.FATAL


def cause_of(exc: BaseException) -> BaseException:
    """What aborted the pipeline, if that is all that the exception says; else the exception.

    psycopg raises the error of whichever statement it met last when it left the pipeline.
    """
    while isinstance(exc, psycopg.errors.PipelineAborted) and exc.__context__ is not None:
        exc = exc.__context__
    return exc


def _of_the_database(exc: psycopg.Error) -> Fault:
    state = exc.sqlstate
    if state is None:
        return _without_state(exc)
    if state == "23505" and exc.diag.constraint_name != ID_CONSTRAINT:
        return Fault.ENVIRONMENT
    if state[:2] in RECORD_CLASSES or state in RECORD_STATES:
        return Fault.RECORD
    if state[:2] in FATAL_CLASSES:
        return Fault.FATAL
    return Fault.ENVIRONMENT


def _without_state(exc: psycopg.Error) -> Fault:
    """An error of the client itself: a lost connection, or a value it could not encode."""
    if isinstance(exc, psycopg.DataError):
        return Fault.RECORD
    if isinstance(exc, psycopg.ProgrammingError):
        return Fault.FATAL
    return Fault.ENVIRONMENT


def database_complaint(exc: BaseException) -> str | None:
    """One line for people: what the database said and what to do; None when it was not that."""
    original = getattr(exc, "orig", exc)
    if not isinstance(original, psycopg.Error):
        return None
    said = next(iter(str(original).strip().splitlines()), type(original).__name__)
    if isinstance(original, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return f"PostgreSQL: {said}: run `omega-images db migrate`"
    if isinstance(original, psycopg.errors.InsufficientPrivilege):
        return f"PostgreSQL: {said}: let the user of OMEGA_DATABASE_URL do it, or name another"
    if isinstance(original, psycopg.OperationalError):
        return f"PostgreSQL: {said}: is it running? `omega-images doctor` looks"
    return None
