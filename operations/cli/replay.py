"""The command that makes some requests' rows anew from their events."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from consumers.history import Criteria, requests_that_meet
from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.names import Name
from operations.cli.output import bar, print_json, print_table, say
from operations.cli.times import time_of
from operations.rebuilding import run_replay
from operations.settings import load_settings
from operations.wiring import PROJECTIONS, Ledger, open_ledger
from projections.reconciling import RowDiff

SHOWN = 20


def replay(
    request_id: Annotated[
        list[str] | None, typer.Option(help="This request; may be given several times.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Requests of this user.")] = None,
    tool: Annotated[str | None, typer.Option(help="Requests of this tool.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="With an event sent then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="With an event sent before.")
    ] = None,
    projection: Annotated[Name | None, typer.Option(help="Only this projection.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Mend without asking.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Make the rows of some requests anew from all their events, and mend those that differ.

    A damaged row is put right although its event was applied long ago. Workers go on meanwhile.

    Examples: omega-images replay --request-id 019ab0e2-… --dry-run
    | omega-images replay --tool generateComic --from 2026-11-20 --to 2026-11-21 --yes
    """
    criteria = _criteria(request_id, user, tool, since, until)
    ledger = open_ledger(load_settings())
    requests = criteria.request_ids
    if criteria != Criteria(requests):
        requests = _find(ledger, criteria)
    if not requests:
        raise UserError("replay", "no event in the log meets that", "look again", DID_NOT_HOLD)
    if not (dry_run or yes):
        _ask(len(requests))
    names = [projection.value] if projection else list(PROJECTIONS)
    facts = []
    for name in names:
        done = run_replay(ledger, name, requests, dry_run=dry_run, show=SHOWN)
        unmended = [one for one in done.differences if one.kind == "unfounded"]
        facts.append(
            {
                "projection": name,
                "requests": len(requests),
                "differences": len(done.differences),
                "mended": done.mended,
                "unfounded": [one.what for one in unmended],
                "rows": [one._asdict() for one in done.rows],
            }
        )
        if not json:
            _show(name, done.rows, len(done.differences))
            mended = "would be mended" if dry_run else f"{done.mended:,} mended"
            say(f"{name}: {len(requests):,} requests, {len(done.differences):,} differ, {mended}")
    if json:
        print_json(facts)


def _criteria(
    request_ids: list[str] | None,
    user: str | None,
    tool: str | None,
    since: str | None,
    until: str | None,
) -> Criteria:
    if not any((request_ids, user, tool, since, until)):
        why = "which requests is not said"
        raise UserError("replay", why, "give --request-id, --user, --tool, --from or --to")
    begin, end = (None if text is None else time_of(text) for text in (since, until))
    if begin is not None and end is not None and begin >= end:
        raise UserError("replay", "--from is not before --to", "turn them round")
    return Criteria(frozenset(request_ids or ()), user, tool, begin, end)


def _find(ledger: Ledger, criteria: Criteria) -> frozenset[str]:
    reader = ledger.reader()
    try:
        with bar("looking for the requests", sum(reader.describe().end.values())) as advance:
            return requests_that_meet(reader, criteria, advance)
    finally:
        reader.close()


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        why = "there is nobody to ask before it is mended"
        raise UserError("replay", why, "run it with --yes or --dry-run")
    typer.confirm(f"Make {count:,} requests anew?", abort=True)


def _show(name: str, rows: list[RowDiff], total: int) -> None:
    for one in rows:
        columns = sorted({*(one.old or {}), *(one.new or {})})
        changes: list[tuple[Any, ...]] = [
            (column, (one.old or {}).get(column), (one.new or {}).get(column))
            for column in columns
            if (one.old or {}).get(column) != (one.new or {}).get(column)
        ]
        print_table(f"{one.request_id} in {one.table}", ("column", "is", "should be"), changes)
    if total > len(rows):
        say(f"{name}: {total - len(rows):,} more that differ are not shown")
