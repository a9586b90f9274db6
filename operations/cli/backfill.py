"""The command that makes events of an existing table's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from operations.backfill_result import Backfilled, Rejected
from operations.backfilling import Backfill, Pretended, Target, already_published
from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import bar, complain, print_json, say
from operations.publishing import open_sealer
from operations.settings import Settings, load_settings
from operations.storing import open_local, open_storage
from operations.wiring import Ledger, open_ledger
from producers.kafka_publisher import KafkaPublisher, PublisherSettings
from producers.publisher import Publisher
from producers.sealing import SealingPublisher
from producers.storage.checked import CheckedStorage
from projections.backfill import count_unmade, hold_alone
from projections.positions import read_positions

PATIENT = PublisherSettings(deadline_s=30)
"""Nobody waits for a single one, so batches may be large."""


def backfill(
    dry_run: Annotated[bool, typer.Option(help="Only say what would be done.")] = False,
    limit: Annotated[int | None, typer.Option(help="Publish at most so many.", min=1)] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="N", help="Publish at most N events a second.", min=0.1)
    ] = None,
    rejected: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the rows that become no event, with reasons, as JSON lines."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Make events of an existing table's rows; ids and times are kept.

    A row without a request id gets backfill-ID. An image that stands in a data: URL goes into the
    storage. Rows that cannot become an event are named with the reason and stop nothing else; the
    exit code is 1 then. An interrupted run is gone on with by the next, and running it twice
    publishes nothing twice. Afterwards the table can be rebuilt from nothing.

    Examples: omega-images backfill --dry-run | omega-images backfill --rejected rejected.jsonl
    """
    settings = load_settings()
    ledger = open_ledger(settings)
    with ExitStack() as stack:
        note = stack.enter_context(_noting(rejected, show=not json))
        result = _run(ledger, limit, rate, note, dry_run=dry_run, show=not json)
    if json:
        print_json({"dry_run": dry_run, **asdict(result)})
    else:
        _show(result, dry_run=dry_run)
    if not result.complete:
        raise typer.Exit(DID_NOT_HOLD)


def _run(
    ledger: Ledger,
    limit: int | None,
    rate: float | None,
    note: Callable[[Rejected], None],
    *,
    dry_run: bool,
    show: bool,
) -> Backfilled:
    with ExitStack() as stack:
        connection = stack.enter_context(ledger.connect("omega-backfill"))
        if not hold_alone(connection):
            why, do = "another one is running", "wait until it is done, or stop it"
            raise UserError("backfill", why, do, DID_NOT_HOLD)
        # The count reads the whole table.
        connection.execute("SET statement_timeout = 0")
        # The positions first: what the table reads meanwhile is seen twice, and nothing never.
        positions = read_positions(connection, "table", ledger.topic)
        reader = ledger.reader()
        stack.callback(reader.close)
        already = already_published(reader, positions)
        total = min(count_unmade(connection), limit or 2**63)
        target = stack.enter_context(_target(ledger, dry_run=dry_run))
        progress = stack.enter_context(bar("rows", total) if show else nullcontext(_silent))
        work = Backfill(connection, target, already, reject=note, progress=progress)
        return work.run(limit, rate)


@contextmanager
def _target(ledger: Ledger, *, dry_run: bool) -> Iterator[Target]:
    settings: Settings = ledger.settings
    if dry_run:
        yield Target(ledger.topic, CheckedStorage(Pretended(open_local(settings))), None)
        return
    kafka = KafkaPublisher(ledger.servers.kafka, ledger.topic, PATIENT)
    publisher: Publisher = kafka
    prepare: Callable[..., None] = _silent
    if settings.seal:
        sealer = open_sealer(ledger.servers.database_url)
        publisher, prepare = SealingPublisher(kafka, sealer), sealer.prepare
    try:
        yield Target(ledger.topic, open_storage(settings), publisher, prepare)
    finally:
        publisher.close()


@contextmanager
def _noting(file: Path | None, *, show: bool) -> Iterator[Callable[[Rejected], None]]:
    """Writes rejected rows to the file; without one, to the errors."""
    if file is None:
        yield _complain if show else _silent
        return
    try:
        handle: TextIO = file.open("w", encoding="utf-8")
    except OSError as exc:
        why = exc.strerror or str(exc)
        raise UserError(str(file), why, "name a file that can be written") from exc
    with handle:
        yield lambda row: _write(handle, row)


def _write(handle: TextIO, row: Rejected) -> None:
    handle.write(dumps(asdict(row)) + "\n")
    handle.flush()


def _complain(row: Rejected) -> None:
    complain(f"row {row.id}: {row.reason}")


def _silent(_: Any) -> None:
    pass


def _show(result: Backfilled, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    say(
        f"{result.published:,} events {would}published, {result.already:,} were in the log already;"
        f" {result.named:,} rows {would}given a request id, {result.stored:,} images {would}stored"
    )
    for what, count in sorted(result.adapted.items()):
        say(f"  {count:,}: {what}")
    if result.rejected:
        say(f"{result.rejected:,} rows cannot become an event")
    if result.stopped:
        say(f"stopped: {result.stopped}; run it again to go on")
