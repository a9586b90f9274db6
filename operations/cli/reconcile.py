"""The command that compares table, statistics and log."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from operations.cli.errors import DID_NOT_HOLD
from operations.cli.names import Name
from operations.cli.output import print_json, print_table, say
from operations.rebuilding import run_reconciliation
from operations.settings import load_settings
from operations.wiring import PROJECTIONS, open_ledger
from projections.reconciliations import note
from projections.reconciling import Difference

SHOWN = 50


def reconcile(
    projection: Annotated[Name | None, typer.Argument(help="Only this one.")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make right what differs, of just those requests.")
    ] = False,
    lose: Annotated[
        bool, typer.Option("--lose", help="With --repair: remove what nothing in the log makes.")
    ] = False,
    processes: Annotated[int | None, typer.Option(help="Processes that read.", min=1)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Compare table and statistics with the log, each at its own positions; exit code 1 if any
    differ.

    What the log comes to is built anew beside the live tables, while the workers run; they wait
    for the comparison itself. Every difference is named.

    Examples: omega-images reconcile | omega-images reconcile table --repair
    """
    ledger = open_ledger(load_settings())
    names = [projection.value] if projection else list(PROJECTIONS)
    found: list[Difference] = []
    mended = 0
    for name in names:
        result = run_reconciliation(ledger, name, repair=repair, lose=lose, processes=processes)
        found += result.differences
        mended += result.mended
        with ledger.connect() as connection:
            note(connection, name, len(result.differences) - result.mended)
    if json:
        print_json({"holds": not found, "mended": mended, "differences": _facts(found)})
    else:
        _show(found, names)
        if repair:
            say(f"{mended:,} of them mended")
    if len(found) > mended:
        raise typer.Exit(DID_NOT_HOLD)


def _facts(found: list[Difference]) -> list[dict[str, object]]:
    return [one._asdict() for one in found]


def _show(found: list[Difference], names: list[str]) -> None:
    if not found:
        say(f"{' and '.join(names)}: as the log says")
        return
    rows = [(one.table, one.what, one.kind, ", ".join(one.columns)) for one in found[:SHOWN]]
    print_table("", ("table", "what", "is", "columns"), rows)
    if len(found) > SHOWN:
        say(f"… and {len(found) - SHOWN:,} more; --json has them")
    counts = Counter((one.table, one.kind) for one in found)
    for (table, kind), count in sorted(counts.items()):
        say(f"{table}: {count:,} {kind}")
