"""Commands for records that were set aside: look at them, redrive, discard, carry as files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from consumers.redrive import Redrive
from operations.cli.dead_letter_files import read_letters, write_letters
from operations.cli.dead_letter_view import show_letter
from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.names import Name
from operations.cli.output import bar, print_json, print_table, say
from operations.settings import load_settings
from operations.wiring import PROJECTIONS, open_ledger
from projections import dead_letter_reads as letters
from projections.connections import Connection
from projections.dead_letter_facts import letter_facts
from projections.dead_letter_reads import Selection

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class State(StrEnum):
    """What became of a dead letter."""

    OPEN = "open"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
OfProjection = Annotated[Name | None, typer.Option(help="Only this projection's.")]
OfState = Annotated[State, typer.Option(help="Which ones.")]
LetterId = Annotated[int, typer.Argument(metavar="ID", help="A dead letter's id.", min=1)]
OneId = Annotated[int | None, typer.Argument(metavar="[ID]", help="One dead letter.", min=1)]
Fingerprint = Annotated[str | None, typer.Option(help="All of this kind; `list` shows the kinds.")]
All = Annotated[bool, typer.Option("--all", help="All that are open.")]


@contextmanager
def database() -> Iterator[Connection[Any]]:
    """A connection to the ledger's database."""
    with open_ledger(load_settings()).connect("omega-dead-letters") as connection:
        yield connection


@app.command("list")
def list_kinds(
    projection: OfProjection = None, state: OfState = State.OPEN, json: Json = False
) -> None:
    """Dead letters by kind: how many, the first and the last, and an example.

    Examples: omega-images dead-letters list | omega-images dead-letters list --state discarded
    """
    with database() as connection:
        groups = letters.list_groups(connection, state=state.value, projection=_value(projection))
    if json:
        print_json([asdict(group) for group in groups])
        return
    columns = ("projection", "fingerprint", "count", "first", "last", "id", "why")
    print_table(
        "",
        columns,
        [
            (g.projection, g.fingerprint, g.count, g.first_seen, g.last_seen, g.first_id, _why(g))
            for g in groups
        ],
    )
    total = sum(group.count for group in groups)
    say(f"{total:,} {state.value} dead letters of {len(groups):,} kinds")


@app.command()
def show(letter_id: LetterId, json: Json = False) -> None:
    """One dead letter: why, where it stood, its headers, and the record as far as it can be read.

    Example: omega-images dead-letters show 17
    """
    with database() as connection:
        letter = letters.get_letter(connection, letter_id)
    if letter is None:
        raise _unknown(letter_id)
    if json:
        print_json(letter_facts(letter))
    else:
        show_letter(letter)


@app.command()
def redrive(
    letter_id: OneId = None,
    fingerprint: Fingerprint = None,
    everything: All = False,
    projection: OfProjection = None,
    canary: Annotated[
        bool, typer.Option("--canary", help="One of each kind first; kinds that fail are skipped.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would come of it; change nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Project dead letters once more, beside the live workers; exit code 1 when some fail again.

    Always safe: an old event that comes late lands as if it had come in its turn. A letter that
    fails again keeps its history.

    Examples: omega-images dead-letters redrive 17 --dry-run
    | omega-images dead-letters redrive --all --canary
    """
    _check_one_way(letter_id, fingerprint, everything)
    with database() as connection:
        chosen = _chosen(connection, letter_id, fingerprint, projection)
        kinds = {name: make() for name, make in PROJECTIONS.items()}
        total = letters.count(connection, chosen)
        with bar("redriving", total) as advance:
            work = Redrive(connection, kinds, dry_run=dry_run, progress=advance)
            result = work.run(chosen, canary=canary)
    if json:
        print_json(asdict(result) | {"dry_run": dry_run})
    else:
        would = "would be " if dry_run else ""
        say(
            f"{result.done:,} dead letters {would}projected, {result.failed:,} dead still, "
            f"{result.skipped:,} skipped after their canary"
        )
    if result.failed or result.skipped:
        raise typer.Exit(DID_NOT_HOLD)


@app.command()
def discard(
    reason: Annotated[str, typer.Option(help="Why; kept with the letters.")],
    letter_id: OneId = None,
    fingerprint: Fingerprint = None,
    everything: All = False,
    projection: OfProjection = None,
) -> None:
    """Give dead letters up. They stay where they are, with the reason, as discarded.

    Example: omega-images dead-letters discard 17 --reason "a test of the importer"
    """
    if not reason.strip():
        raise UserError("discard", "the reason is empty", "say why with --reason")
    _check_one_way(letter_id, fingerprint, everything)
    with database() as connection:
        chosen = _chosen(connection, letter_id, fingerprint, projection)
        count = letters.discard(connection, chosen, reason)
    say(f"{count:,} dead letters discarded")


@app.command("export")
def export_file(
    file: Annotated[str, typer.Argument(help="The file to write; - is the output.")] = "-",
    fingerprint: Fingerprint = None,
    projection: OfProjection = None,
    state: OfState = State.OPEN,
) -> None:
    """Write dead letters to a file, one JSON object a line; `import` reads it.

    Example: omega-images dead-letters export letters.jsonl
    """
    chosen = Selection(_value(projection), fingerprint, None, state.value)
    with database() as connection:
        write_letters(file, letters.each(connection, chosen))


@app.command("import")
def import_file(
    file: Annotated[str, typer.Argument(help="An exported file; - is the input.")],
) -> None:
    """Add dead letters from an exported file; those that are there already stay as they are.

    A line that is none is named with its number; the others are added, and the exit code is 1.

    Example: omega-images dead-letters import letters.jsonl
    """
    with database() as connection:
        added, known, wrong = read_letters(connection, file)
    say(f"{added:,} dead letters added, {known:,} were there already, {wrong:,} lines refused")
    if wrong:
        raise typer.Exit(DID_NOT_HOLD)


def _check_one_way(letter_id: int | None, fingerprint: str | None, everything: bool) -> None:
    """Raises UserError when it is not said which letters, or said in two ways."""
    if sum((letter_id is not None, fingerprint is not None, everything)) != 1:
        raise UserError(
            "dead letters", "which ones is not said", "give an ID, --fingerprint or --all"
        )


def _chosen(
    connection: Connection[Any],
    letter_id: int | None,
    fingerprint: str | None,
    projection: Name | None,
) -> Selection:
    """What was asked for. Raises UserError when there is nothing of it."""
    chosen = Selection(_value(projection), fingerprint, letter_id)
    if letter_id is not None:
        letter = letters.get_letter(connection, letter_id)
        if letter is None:
            raise _unknown(letter_id)
        if letter.state != "open":
            why = f"it is {letter.state} already"
            raise UserError(f"dead letter {letter_id}", why, "there is nothing to do", DID_NOT_HOLD)
    elif fingerprint is not None and not letters.count(connection, chosen):
        why = "no open dead letter has this fingerprint"
        raise UserError(fingerprint, why, "`dead-letters list` shows them", DID_NOT_HOLD)
    return chosen


def _unknown(letter_id: int) -> UserError:
    why, do = "there is none of this id", "`dead-letters list` shows what there is"
    return UserError(f"dead letter {letter_id}", why, do, DID_NOT_HOLD)


def _value(projection: Name | None) -> str | None:
    return None if projection is None else projection.value


def _why(group: letters.Group) -> str:
    return f"{group.error_class}: {group.example}"
