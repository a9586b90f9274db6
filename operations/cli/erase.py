"""`erase`: everything of a user, for good."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import bar, print_json, print_table, say
from operations.erasing import Erased, Eraser
from operations.publishing import open_direct_publisher
from operations.settings import load_settings
from operations.storing import PATIENT_S, open_stores
from operations.wiring import Ledger, open_ledger
from schemas.limits import MAX_USER_ID

WHAT = {
    "images": "requests told as erased",
    "files": "files of images removed",
    "files_shared_with_others": "files that stay, of URLs that other users' images have, too",
    "urls_of_no_configured_store": "URLs of stores that are not configured here",
    "spooled": "events and calls in this machine's spool",
    "dead_letters": "dead letters",
    "rows_of_kept_tables": "rows of kept tables (before a rebuild, as of a time)",
}


def erase(
    user: Annotated[str, typer.Argument(metavar="USER", help="The user's id.")],
    by: Annotated[str | None, typer.Option(help="Who asked for it, for the receipt.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
) -> None:
    """Erase a user: rows, statistics, dead letters, spool, bytes, and what the log says of them.

    The key that sealed the user's events is destroyed, so nobody can read their prompts and names
    in the log or in copies of it. Workers of table and statistics have to run. What was interrupted
    is gone on with by running it again. Prints a receipt, which is also kept in the database.
    Exit code 1 when something is left; docs/erasure.md says what.

    Examples: omega-images erase 123456789012345678 --by "request 42" --yes --json
    """
    if not 1 <= len(user) <= MAX_USER_ID:
        raise UserError("erase", f"a user's id has 1 to {MAX_USER_ID} characters", "give the id")
    if not (yes or sys.stdin.isatty()):
        why = "there is nobody to ask before a user is erased"
        raise UserError("erase", why, "run it with --yes")
    if not yes and not typer.confirm(f"Erase everything of user {user} for good?"):
        raise typer.Abort
    ledger = open_ledger(load_settings())
    with ledger.connect() as connection:
        erased = _erase(ledger, connection, user, by, show=not json)
    if json:
        print_json(erased.receipt | {"user_id": user, "stopped": erased.stopped})
    else:
        _tell(user, erased)
    if not erased.complete:
        raise typer.Exit(DID_NOT_HOLD)


def _erase(ledger: Ledger, connection: Any, user: str, by: str | None, *, show: bool) -> Erased:
    stores = open_stores(ledger.settings, deadline_s=PATIENT_S)
    total = sum(ledger.topic_state().end.values())
    publisher = open_direct_publisher(ledger)
    try:
        with bar("reading the log", total) if show else nullcontext(_silent) as progress:
            eraser = Eraser(ledger, connection, publisher, stores, progress)
            return eraser.erase(user, by)
    finally:
        publisher.close()


def _silent(_: int) -> None:
    pass


def _tell(user: str, erased: Erased) -> None:
    receipt = erased.receipt
    rows = [(f"{receipt.get(name, 0):,}", what) for name, what in WHAT.items()]
    print_table(f"user {user}: erasure {receipt['erasure']}", ("count", "what"), rows)
    log, keys = receipt["log"], receipt["keys_destroyed"]
    say(f"keys destroyed: {', '.join(keys) or 'none: nothing was sealed'}")
    say(f"events in the log that nobody can open any more: {log['events_sealed']:,}")
    if log["readable"]:
        say(
            f"events that anybody can read in the log: {log['readable']:,}, at"
            f" {', '.join(log['readable_at'])}; they were published without sealing:"
            " docs/erasure.md says what to do"
        )
    if erased.stopped:
        say(f"stopped: {erased.stopped}; run it again to go on")
    elif erased.complete:
        say(f"finished at {receipt['finished_at']}")
