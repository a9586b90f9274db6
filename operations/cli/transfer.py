"""The command that moves images from the fallback to their provider."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from typing import Annotated, Any

import typer

from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import bar, print_json, say
from operations.settings import load_settings
from operations.storing import PATIENT_S, Stores, open_stores
from operations.sweeping import Sweep
from operations.transferring import Transfer, Transferred
from operations.wiring import Ledger, open_ledger
from producers.kafka_publisher import KafkaPublisher
from producers.storage import Storage
from projections.places import count_at
from projections.read_your_writes import ReadTimeout, wait_for

GRACE_S = 60.0
SHOWN_WITHIN_S = 30.0


def transfer(
    dry_run: Annotated[bool, typer.Option(help="Only say what would be moved.")] = False,
    limit: Annotated[int | None, typer.Option(help="Move at most so many images.", min=1)] = None,
    grace: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="Keep old bytes until the table has shown the new place for so long.",
            min=0,
        ),
    ] = GRACE_S,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Move images that the fallback took to the provider; then remove the old bytes.

    Each is copied, the copy is compared, and ImageMoved is published; the old bytes go when the
    table shows the new place. An interrupted run is gone on with by the next, and running it twice
    moves nothing twice. The exit code is 1 when something is left to do or to look at.

    Examples: omega-images transfer --dry-run | omega-images transfer --limit 1000 --json
    """
    settings = load_settings()
    primary, fallback = open_stores(settings, deadline_s=PATIENT_S)
    if fallback is None:
        why = "OMEGA_STORAGE_PROVIDER is local, or OMEGA_STORAGE_FALLBACK is off"
        raise UserError("transfer", why, "name a provider to move images to")
    ledger = open_ledger(settings)
    if dry_run:
        _foretell(ledger, primary, fallback, json=json)
        return
    result = _run(ledger, Stores(primary, fallback), limit, grace, show=not json)
    if json:
        print_json(asdict(result))
    else:
        _show(result)
    if not result.complete:
        raise typer.Exit(DID_NOT_HOLD)


def _foretell(ledger: Ledger, primary: Storage, fallback: Storage, *, json: bool) -> None:
    with ledger.connect() as connection:
        images, size = count_at(connection, fallback.provider)
        old = len(Sweep(connection, primary, fallback).moved())
    facts: dict[str, Any] = {"dry_run": True, "images": images, "bytes": size, "old_files": old}
    if json:
        print_json(facts)
        return
    say(
        f"{images:,} images, {size:,} bytes, would move from {fallback.provider} to "
        f"{primary.provider}; {old:,} old files of images that have moved would go"
    )


def _run(
    ledger: Ledger, stores: Stores, limit: int | None, grace_s: float, *, show: bool
) -> Transferred:
    primary, fallback = stores
    assert fallback is not None  # noqa: S101  # the command has looked
    publisher = KafkaPublisher(ledger.servers.kafka, ledger.topic)
    try:
        with ledger.connect() as connection:
            total = min(count_at(connection, fallback.provider)[0], limit or 2**31)
            with bar("moving", total) if show else nullcontext(_silent) as progress:
                work = Transfer(connection, primary, fallback, publisher, progress)
                result = work.move(limit)
            if result.stopped is None and _shown(ledger, connection, work):
                sweep = Sweep(connection, primary, fallback)
                result.deleted, result.kept = sweep.remove(grace_s)
    finally:
        publisher.close()
    return result


def _shown(ledger: Ledger, connection: Any, work: Transfer) -> bool:
    """Whether the table shows all that was moved; else the next run removes the old bytes."""
    try:
        for last in work.last.values():
            wait_for(connection, "table", ledger.topic, last.position, SHOWN_WITHIN_S)
    except ReadTimeout as exc:
        work.result.stopped = f"the old bytes stay for now: {exc}"
    return work.result.stopped is None


def _silent(_: int) -> None:
    pass


def _show(result: Transferred) -> None:
    say(f"{result.moved:,} images moved, {result.bytes:,} bytes; {result.deleted:,} old files gone")
    left = {
        "the fallback has no bytes of": result.missing,
        "the fallback has other bytes of": result.damaged,
        "at a URL of another place, or made by no event": result.elsewhere,
        "the provider will never take": result.refused,
    }
    for what, names in left.items():
        if names:
            say(f"{what}: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}")
    if result.kept:
        say(f"{result.kept:,} old files stay: their bytes are not those of the new place")
    if result.stopped:
        say(f"stopped: {result.stopped}; run it again to go on")
