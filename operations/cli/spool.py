"""Commands for the spool: the events on this machine that Kafka has not acknowledged."""

from __future__ import annotations

import time
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from operations.cli.errors import DID_NOT_HOLD
from operations.cli.output import bar, print_json, print_table, say
from operations.logs import configure_logs
from operations.publishing import open_publisher, open_spool, spool_path
from operations.settings import load_settings
from operations.storing import open_storage
from operations.wiring import open_ledger
from producers.publisher import PublishTimeout
from producers.recovery import Recovered
from producers.spool import Spool
from producers.spool_file import set_aside_files
from producers.spool_rows import SpoolStatus
from producers.spooling_publisher import SpoolingPublisher
from producers.tracking import Tracker

STEP_S = 0.5

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


@app.command()
def status(json: Json = False) -> None:
    """What waits, since when and why; exit code 1 when events are refused or a file is damaged.

    Example: omega-images spool status --json
    """
    configure_logs("WARNING")
    settings = load_settings()
    path = spool_path(settings)
    facts: dict[str, Any] = {"path": str(path), **_empty()}
    if path.exists():
        spool = open_spool(settings)
        facts |= _facts(spool)
        spool.close()
    facts["set_aside"] = [str(file) for file in set_aside_files(path)]
    if json:
        print_json(facts)
    else:
        _print(facts)
    if facts["refused"] or facts["set_aside"]:
        raise typer.Exit(DID_NOT_HOLD)


@app.command()
def flush(
    timeout: Annotated[float, typer.Option(help="Seconds to try for.", min=0)] = 60.0,
    refused: Annotated[
        bool, typer.Option("--refused", help="Send what was refused once more.")
    ] = False,
    json: Json = False,
) -> None:
    """Deliver what waits, and tell of tool calls in which a process died.

    Exit code 1 when events are left, or refused.

    Examples: omega-images spool flush | omega-images spool flush --refused --timeout 300
    """
    configure_logs("WARNING")
    ledger = open_ledger(load_settings())
    with open_publisher(ledger) as publisher:
        if refused:
            publisher.spool.retry_refused()
        tracker = Tracker(publisher, open_storage(ledger.settings))
        recovered = tracker.recover()
        tracker.close()
        delivered, complaint = _deliver(publisher, timeout, show=not json)
        facts = _facts(publisher.spool)
    facts |= {"delivered": delivered, "recovered": recovered._asdict(), "error": complaint}
    if json:
        print_json(facts)
    else:
        _tell(facts, recovered)
    if facts["waiting"] or facts["refused"]:
        raise typer.Exit(DID_NOT_HOLD)


def _deliver(
    publisher: SpoolingPublisher, timeout_s: float, *, show: bool
) -> tuple[int, str | None]:
    """How many left the spool, and why not all did."""
    deadline = time.monotonic() + timeout_s
    total = left = publisher.spool.status().waiting
    complaint: str | None = None
    with bar("delivering", total) if show else nullcontext(_ignore) as advance:
        while True:
            try:
                publisher.flush(min(STEP_S, max(0.0, deadline - time.monotonic())))
                complaint = None
            except PublishTimeout as exc:
                complaint = str(exc)
            now = publisher.spool.status().waiting
            advance(left - now)
            left = now
            if complaint is None or time.monotonic() >= deadline:
                return total - left, complaint


def _ignore(_more: int) -> None:
    """No bar."""


def _facts(spool: Spool) -> dict[str, Any]:
    found = spool.status()
    oldest = None if found.oldest_at is None else datetime.fromtimestamp(found.oldest_at, UTC)
    return found._asdict() | {
        "oldest_at": oldest,
        "refusals": [event._asdict() for event in spool.list_refused()],
    }


def _empty() -> dict[str, Any]:
    return SpoolStatus(0, 0, 0, 0, None, None)._asdict() | {"refusals": []}


def _print(facts: dict[str, Any]) -> None:
    say(f"spool {facts['path']}")
    say(f"{facts['waiting']:,} events wait, {facts['bytes']:,} bytes")
    if facts["oldest_at"]:
        say(f"the oldest since {facts['oldest_at']:%Y-%m-%d %H:%M:%S} UTC")
    if facts["last_error"]:
        say(f"last error: {facts['last_error']}")
    if facts["intents"]:
        say(f"{facts['intents']:,} tool calls under way, or begun by a process that died")
    for file in facts["set_aside"]:
        say(f"damaged and set aside: {file}; remove it when nothing in it is needed")
    _print_refusals(facts)


def _print_refusals(facts: dict[str, Any]) -> None:
    if facts["refused"]:
        rows = [tuple(event.values()) for event in facts["refusals"]]
        print_table(f"{facts['refused']:,} refused", ("event", "request", "reason"), rows)
        say("when the reason is mended: omega-images spool flush --refused")


def _tell(facts: dict[str, Any], recovered: Recovered) -> None:
    if any(recovered):
        told = f"{recovered.generated} images, {recovered.failed} failures"
        say(f"of calls in which a process died: {told} told, {recovered.later} later")
    say(f"{facts['delivered']:,} events delivered, {facts['waiting']:,} left")
    if facts["error"]:
        say(facts["error"])
    _print_refusals(facts)
