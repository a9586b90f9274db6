"""The command that publishes a file of events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import Progress

from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import complain, console, print_json_line, say
from operations.emitting import EmitInterrupted, Emitter, Refused
from operations.publishing import open_direct_publisher
from operations.settings import load_settings
from operations.wiring import open_ledger
from producers.publisher import Acknowledgement


def emit(
    file: Annotated[str, typer.Argument(help="A file of events, one a line; - is the input.")],
    skip: Annotated[int, typer.Option(help="Pass over so many lines.", min=0)] = 0,
    json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON for each line of the file.")
    ] = False,
) -> None:
    """Publish CloudEvents from a file of JSON lines.

    A line that is no event is named with its number and the reason, and stops nothing else; the
    exit code is 1 then. Publishing a file twice changes nothing.

    Examples: omega-images emit events.jsonl | zcat old.gz | omega-images emit - --json
    """

    def refuse(refused: Refused) -> None:
        if json:
            print_json_line({"line": refused.line, "error": refused.reason})
        else:
            complain(f"line {refused.line}: {refused.reason}")

    def acknowledge(number: int, answer: Acknowledgement) -> None:
        if json:
            facts = {"request_id": answer.request_id, "event_id": answer.event_id}
            print_json_line({"line": number, **facts, "token": answer.token, "id": answer.row_id})

    with opened(file, show=not json) as lines:
        ledger = open_ledger(load_settings())
        publisher = open_direct_publisher(ledger)
        try:
            done = Emitter(publisher, refuse, acknowledge).emit(lines, skip=skip)
        except EmitInterrupted as exc:
            why = f"{exc.reason} (everything before is published)"
            do = f"go on later with --skip {exc.line - 1}"
            raise UserError(f"line {exc.line}", why, do, DID_NOT_HOLD) from exc
        finally:
            publisher.close()
    if not json:
        say(f"{done.published:,} events published, {done.refused:,} lines refused")
    if done.refused:
        raise typer.Exit(DID_NOT_HOLD)


@contextmanager
def opened(file: str, *, show: bool) -> Iterator[BinaryIO]:
    """The file, with a progress bar on a terminal. Raises UserError when it cannot be read."""
    if file == "-":
        yield sys.stdin.buffer
        return
    bar = Progress(console=console, transient=True, disable=not (show and console.is_terminal))
    with readable(file) as handle, bar as progress:
        size = Path(file).stat().st_size
        with progress.wrap_file(handle, size, description="publishing") as wrapped:
            yield wrapped


def readable(file: str) -> BinaryIO:
    """The file, opened. Raises UserError when it cannot be read."""
    try:
        return Path(file).open("rb")
    except OSError as exc:
        raise UserError(file, exc.strerror or str(exc), "name a file that can be read") from exc
