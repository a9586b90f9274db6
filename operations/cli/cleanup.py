"""`cleanup`: the retention policy, carried out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from operations.cleaning import condemned, unfinished
from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import bar, print_json, print_table, say
from operations.publishing import open_direct_publisher
from operations.removing import Removed, Remover
from operations.retention_policy import Policy, PolicyError, load_policy
from operations.settings import load_settings
from operations.storing import PATIENT_S, open_stores
from operations.wiring import Ledger, open_ledger
from projections.retention import Condemned


def cleanup(
    policy: Annotated[
        Path, typer.Option(metavar="FILE", help="The retention policy, in TOML.")
    ] = Path("retention.toml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    limit: Annotated[
        int | None, typer.Option(help="Remove at most so many, the oldest first.", min=1)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Remove old and unused images, as the policy's file says: ImageDeleted first, then the bytes.

    What an interrupted run has left is removed first. Exit code 1 when something is left to do.
    docs/retention.md shows a policy.

    Examples: omega-images cleanup --policy retention.toml --dry-run | omega-images cleanup --yes
    """
    chosen = _load(policy)
    if not (yes or dry_run or sys.stdin.isatty()):
        why = "there is nobody to ask before images are removed"
        raise UserError("cleanup", why, "run it with --yes or --dry-run")
    ledger = open_ledger(load_settings())
    now = datetime.now(UTC)
    with ledger.connect() as connection:
        left = unfinished(connection)
        would = condemned(connection, chosen, now, dry_run=True, limit=limit)
        if not json or not (dry_run or yes):
            _show(would, left)
        if dry_run:
            if json:
                print_json(_facts(would, left, None))
            return
        total = left + sum(one.images for one in would.values())
        if total and not yes and not typer.confirm(f"Remove {total:,} images for good?"):
            raise typer.Abort
        planned = condemned(connection, chosen, now, dry_run=False, limit=limit)
        removed = _remove(ledger, connection, total, show=not json)
    if json:
        print_json(_facts(planned, left, removed))
    else:
        _tell(removed)
    if removed.stopped:
        raise typer.Exit(DID_NOT_HOLD)


def _load(path: Path) -> Policy:
    try:
        return load_policy(path)
    except PolicyError as exc:
        do = "see docs/retention.md for a policy that works"
        raise UserError(str(path), str(exc), do) from exc


def _remove(ledger: Ledger, connection: Any, total: int, *, show: bool) -> Removed:
    stores = open_stores(ledger.settings, deadline_s=PATIENT_S)
    publisher = open_direct_publisher(ledger)
    try:
        with bar("removing", total) if show else nullcontext(_silent) as progress:
            return Remover(connection, publisher, stores, ledger.topic, progress=progress).run()
    finally:
        publisher.close()


def _silent(_: int) -> None:
    pass


def _facts(found: Mapping[str, Condemned], left: int, removed: Removed | None) -> dict[str, Any]:
    return {
        "dry_run": removed is None,
        "rules": {name: one._asdict() for name, one in found.items()},
        "images": sum(one.images for one in found.values()),
        "bytes": sum(one.bytes for one in found.values()),
        "unfinished": left,
        "removed": None if removed is None else asdict(removed),
    }


def _show(found: Mapping[str, Condemned], left: int) -> None:
    if left:
        say(f"{left:,} images were left by a run that was interrupted; they go first")
    rows = [
        (name, f"{one.images:,}", f"{one.bytes:,}", _day(one.oldest), _day(one.newest))
        for name, one in found.items()
    ]
    print_table("what the policy removes", ("rule", "images", "bytes", "from", "to"), rows)


def _day(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d}"


def _tell(removed: Removed) -> None:
    say(f"{removed.images:,} images and {removed.files:,} files are gone")
    if removed.shared:
        say(f"{removed.shared:,} files stay: other images are of the same URL")
    if removed.elsewhere:
        say(f"{removed.elsewhere:,} URLs are of no configured store; their bytes are untouched")
    if removed.stopped:
        say(f"stopped: {removed.stopped}; run it again to go on")
