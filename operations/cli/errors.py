"""Errors as people see them: one line that says what, why and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from operations.cli.output import complain

DID_NOT_HOLD = 1
WRONG_USE = 2

_ClickException = typer.BadParameter.__mro__[2]
"""Of the click that typer carries, which is not the one that may be installed beside it."""


class UserError(Exception):
    """Something is wrong that the user can mend. ``exit_code`` is DID_NOT_HOLD or WRONG_USE."""

    def __init__(self, what: str, why: str, do: str, exit_code: int = WRONG_USE) -> None:
        super().__init__(f"{what}: {why}; {do}")
        self.exit_code = exit_code


@contextmanager
def reported() -> Iterator[None]:
    """Print the known errors of the inside as one line, and exit."""
    try:
        yield
    except UserError as exc:
        _exit(str(exc), exc.exit_code)
    except typer.Abort:
        _exit("given up", DID_NOT_HOLD)
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        sys.stderr.close()
        sys.exit(0)
    except Exception as exc:
        if isinstance(exc, _ClickException):
            _exit(_usage(exc), WRONG_USE)
        line = _known(exc)
        if line is None:
            raise
        _exit(line, DID_NOT_HOLD)


def _known(exc: Exception) -> str | None:
    """The line for an error of another part; None for one that is a fault of ours."""
    from consumers.log import LogError, LogUnavailable, OffsetOutOfRange, TopicMissing
    from operations.embedded.errors import StackError
    from operations.extras import ExtraMissing
    from operations.settings import SettingsError
    from producers.spool_errors import SpoolError
    from producers.storage import StorageError
    from projections.adoption import AdoptionRefused
    from projections.faults import EnvironmentFault, TopicRecreated, database_complaint
    from projections.shadow import RebuildRefused

    if isinstance(exc, TopicMissing):
        return f"{exc}: run `omega-images topic create`"
    if isinstance(exc, LogUnavailable):
        return f"Kafka: {exc}: is it running? `omega-images doctor` looks"
    if isinstance(exc, OffsetOutOfRange):
        return f"{exc}: `omega-images rebuild` builds from what the log holds now"
    known = (LogError, StackError, SettingsError, AdoptionRefused, EnvironmentFault, SpoolError)
    if isinstance(exc, (*known, TopicRecreated, RebuildRefused, StorageError, ExtraMissing)):
        return str(exc)
    if isinstance(exc, OSError) and exc.filename is not None:
        return f"{exc.filename}: {exc.strerror}"
    return database_complaint(exc)


def _usage(exc: Any) -> str:
    """The line for a wrong argument; none where the help has been shown instead."""
    said = exc.format_message().replace("Value error, ", "").strip().rstrip(".")
    return f"{said}: see `{exc.ctx.command_path} --help`" if said and exc.ctx else said


def _exit(line: str, code: int) -> NoReturn:
    sys.stdout.flush()
    if line:
        complain(f"omega-images: {' '.join(line.split())}")
    sys.exit(code)
