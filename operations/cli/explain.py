"""The command that says why a row is as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from consumers.history import Found, events_of
from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import bar, print_json, print_table, say
from operations.settings import load_settings
from operations.wiring import Ledger, open_ledger
from projections.history import Verdict, kept, letters_of, request_of_row, row_ids, verdicts
from schemas.record import position_of


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
        request_id = _request(connection, request)
        ids = row_ids(connection, request_id)
        in_tables = kept(connection, request_id)
        letters = letters_of(connection, request_id)
    found = _read(ledger, request_id, ids, scan=scan)
    told = verdicts(found.events)
    if not (told or in_tables or letters):
        why = "neither the log nor a table knows it"
        do = "`--scan` reads every partition" if not scan else "`images list` shows some"
        raise UserError(f"request {request_id}", why, do, DID_NOT_HOLD)
    if json:
        facts = {"request_id": request_id, "events": [_fact(one) for one in told]}
        read = {"records_read": found.records_read, "partitions_read": found.partitions}
        print_json(facts | {"kept": in_tables, "dead_letters": letters} | read)
    else:
        _show(request_id, told, in_tables, letters, found)


def _request(connection: Any, given: str) -> str:
    """The request that is meant: a number is taken for a row's id, if there is such a row."""
    if given.isdecimal() and int(given) < 2**63:
        found = request_of_row(connection, int(given))
        if found is not None:
            return found
        if position_of(int(given)) is None:
            why = "there is no row of this id, or no event made it"
            raise UserError(f"row {given}", why, "`images list` shows some", DID_NOT_HOLD)
    return given


def _read(ledger: Ledger, request_id: str, ids: list[int], *, scan: bool) -> Found:
    reader = ledger.reader()
    try:
        total = sum(reader.describe().end.values())
        with bar("reading the log", total) as advance:
            return events_of(reader, request_id, ids, scan=scan, progress=advance)
    finally:
        reader.close()


def _fact(one: Verdict) -> dict[str, Any]:
    record, event = one.decoded.record, one.decoded.event
    return {
        "place": f"{record.partition}:{record.offset}",
        "sent": datetime.fromtimestamp(record.timestamp_ms / 1000).astimezone(),
        "time": event.time,
        "type": event.type,
        "event_id": event.id,
        "source": event.source,
        "made_the_row": one.made,
        "why": one.why,
    }


def _show(
    request_id: str,
    told: list[Verdict],
    in_tables: dict[str, dict[str, Any]],
    letters: list[dict[str, Any]],
    found: Found,
) -> None:
    columns = ("time", "place", "event", "from", "", "what became of it")
    rows = [
        (f["time"], f["place"], f["type"], f["source"], "→" if f["made_the_row"] else "", f["why"])
        for f in map(_fact, told)
    ]
    print_table(f"Request {request_id}: {len(told)} events", columns, rows)
    for table, row in in_tables.items():
        print_table(table, ("column", "value"), [(k, v) for k, v in row.items() if v is not None])
    if letters:
        shown = [
            (
                one["id"],
                one["projection"],
                f"{one['partition']}:{one['offset']}",
                one["state"],
                f"{one['error_class']}: {one['message']}",
            )
            for one in letters
        ]
        print_table("Dead letters", ("id", "projection", "place", "state", "why"), shown)
    partitions = ", ".join(map(str, found.partitions))
    say(f"{found.records_read:,} records read, of partitions {partitions}")
