"""The command that rebuilds a projection."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from consumers.rebuild import Rebuild
from operations.cli.errors import UserError
from operations.cli.names import Name
from operations.cli.output import print_json, print_table, say
from operations.cli.times import past_time
from operations.rebuilding import RebuildOptions, run_as_of, run_rebuild, source_of
from operations.settings import load_settings
from operations.wiring import Ledger, open_ledger
from projections.comparing import Comparison
from projections.shadow import KINDS


def rebuild(
    projection: Annotated[Name, typer.Argument(help="The image table, or the statistics.")],
    dry_run: Annotated[bool, typer.Option(help="Stop at the comparison.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Swap without asking.")] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Take the last rebuild's swap back.")
    ] = False,
    accept_loss: Annotated[
        int, typer.Option(help="Swap although up to so many rows would be lost.", min=0)
    ] = 0,
    drop_unmade: Annotated[
        bool, typer.Option("--drop-unmade", help="Leave out rows that no event made.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew although an interrupted one could go on.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Remove what an interrupted one left; do no more.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="With --into: the table as it was then."),
    ] = None,
    into: Annotated[
        str | None, typer.Option(metavar="NAME", help="The new table's name, with --as-of.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Processes that load; default: one for each core.", min=1)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Build the table or the statistics anew from the log, beside the live ones; then swap.

    The workers go on meanwhile. Shadow and live tables are compared before the swap, which is
    refused when rows would be lost. What was replaced stays for --rollback. A rebuild that was
    interrupted goes on where it was.

    Examples: omega-images rebuild table --dry-run | omega-images rebuild stats --yes
    | omega-images rebuild table --as-of 2026-11-20T12:00:00Z --into images_of_friday
    """
    if as_of is not None or into is not None:
        _as_of(projection, as_of, into, processes)
        return
    ledger = open_ledger(load_settings())
    if rollback or abandon:
        (_roll_back if rollback else _abandon)(ledger, projection)
        return
    if not (yes or dry_run or sys.stdin.isatty()):
        raise UserError(
            "rebuild", "there is nobody to ask before the swap", "run it with --yes or --dry-run"
        )

    def confirm(comparison: Comparison) -> bool:
        if not json:
            _show(comparison)
        return typer.confirm("Put it in the live tables' place?")

    options = RebuildOptions(dry_run, accept_loss, not drop_unmade, processes, fresh)
    result = run_rebuild(ledger, projection.value, options, None if yes else confirm)
    if json:
        print_json(asdict(result))
        return
    if yes or dry_run:
        _show(result.comparison)
    if result.resumed:
        say("this went on with the rebuild that was interrupted")
    done = "swapped" if result.swapped else "nothing was changed"
    say(f"{projection.value} rebuilt from {result.records:,} records: {done}")
    if result.swapped:
        say(f"`omega-images rebuild {projection.value} --rollback` takes it back")


def _roll_back(ledger: Ledger, projection: Name) -> None:
    with Rebuild(source_of(ledger, projection.value)) as work:
        work.roll_back()
    say(f"{projection.value} is as it was before the last rebuild; its worker catches up from then")


def _as_of(projection: Name, as_of: str | None, into: str | None, processes: int | None) -> None:
    if as_of is None or into is None or projection is not Name.TABLE:
        why = "--as-of TIME and --into NAME go together, and with the table only"
        raise UserError("rebuild", why, "give both, or none")
    at = past_time(as_of)
    rows = run_as_of(open_ledger(load_settings()), at, into, processes)
    say(f"{into} holds the {rows:,} rows that the log had made by {at.isoformat()}")
    say("rows that no event made are not among them; drop the table when you are done with it")


def _abandon(ledger: Ledger, projection: Name) -> None:
    for kind in KINDS:
        with Rebuild(source_of(ledger, projection.value), kind) as work:
            work.abandon()
    say(f"nothing unfinished of {projection.value} is left")


def _show(comparison: Comparison) -> None:
    """The comparison, for people."""
    if comparison.identical:
        say("shadow and live tables are identical")
    kinds = ("added", "changed", "deleted", "lost")
    rows = [
        (kind, getattr(comparison, kind), ", ".join(comparison.samples.get(kind, [])))
        for kind in kinds
    ]
    print_table("shadow against live", ("requests", "count", "for example"), rows)
    if comparison.columns:
        print_table("changed columns", ("column", "rows"), list(comparison.columns.items()))
    if comparison.unmade:
        say(f"{comparison.unmade} rows that no event made are carried over")
