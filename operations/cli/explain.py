"""The command that says why a row is as it is."""

from __future__ import annotations

from typing import Annotated

import typer

from consumers.explaining import Explanation, Known, UnknownRow, event_facts, known_of
from consumers.explaining import explain as explain_request
from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import bar, print_json, print_table, say
from operations.settings import load_settings
from operations.wiring import Ledger, open_ledger


def explain(
    request: Annotated[str, typer.Argument(metavar="REQUEST_ID|ID", help="A request, or a row.")],
    scan: Annotated[
        bool, typer.Option("--scan", help="Read every partition: for events of other clients.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Why a row is what it is: the events of its request in order, and what became of each.

    Reads the log from the place that the row's id names. Exit code 1 when there is no trace of it.

    Examples: omega-images explain 4294968320 | omega-images explain 019ab0e2-… --json
    """
    ledger = open_ledger(load_settings())
    with ledger.connect("omega-explain") as connection:
        try:
            known = known_of(connection, request)
        except UnknownRow as exc:
            why = "there is no row of this id, or no event made it"
            do = "`images list` shows some"
            raise UserError(f"row {request}", why, do, DID_NOT_HOLD) from exc
    told = _read(ledger, known, scan=scan)
    if told.is_empty:
        why = "neither the log nor a table knows it"
        do = "`--scan` reads every partition" if not scan else "`images list` shows some"
        raise UserError(f"request {known.request_id}", why, do, DID_NOT_HOLD)
    if json:
        print_json(told.facts())
    else:
        _show(told)


def _read(ledger: Ledger, known: Known, *, scan: bool) -> Explanation:
    reader = ledger.reader()
    try:
        total = sum(reader.describe().end.values())
        with bar("reading the log", total) as advance:
            return explain_request(reader, known, scan=scan, progress=advance)
    finally:
        reader.close()


def _show(told: Explanation) -> None:
    columns = ("time", "place", "event", "from", "", "what became of it")
    known, found = told.known, told.found
    rows = [
        (f["time"], f["place"], f["type"], f["source"], "→" if f["made_the_row"] else "", f["why"])
        for f in map(event_facts, told.verdicts)
    ]
    print_table(f"Request {known.request_id}: {len(rows)} events", columns, rows)
    for table, row in known.kept.items():
        print_table(table, ("column", "value"), [(k, v) for k, v in row.items() if v is not None])
    if known.dead_letters:
        shown = [
            (
                one["id"],
                one["projection"],
                f"{one['partition']}:{one['offset']}",
                one["state"],
                f"{one['error_class']}: {one['message']}",
            )
            for one in known.dead_letters
        ]
        print_table("Dead letters", ("id", "projection", "place", "state", "why"), shown)
    partitions = ", ".join(map(str, found.partitions))
    say(f"{found.records_read:,} records read, of partitions {partitions}")
