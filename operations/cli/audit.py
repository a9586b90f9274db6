"""`audit`: events, rows and bytes compared three ways; and code that makes images untold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from operations.audit_repair import Repair, Repaired
from operations.auditing import KINDS, Audit, Audited, AuditOptions, Finding
from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import bar, print_json, print_table, say
from operations.code_audit import CodeFinding, ParserMissing, scan
from operations.code_audit.names import load_names
from operations.publishing import open_direct_publisher, open_spool, spool_path
from operations.settings import load_settings
from operations.storing import PATIENT_S, open_stores
from operations.url_check import gone
from operations.wiring import Ledger, open_ledger
from producers import spool_sql
from producers.publisher import PublishError
from producers.storage import Storage, StorageError
from projections.auditing import note

SHOWN = 20
URLS = 1_000


def audit(
    folder: Annotated[
        Path | None, typer.Option(help="Also look at a folder of images from before.")
    ] = None,
    code: Annotated[
        Path | None, typer.Option(help="Only look through a tree of tools' sources.")
    ] = None,
    names: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --code: more names of calls, in TOML.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Adopt files without rows; mend what can be mended.")
    ] = False,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="With --repair: put such files aside instead.")
    ] = False,
    read_all: Annotated[
        bool, typer.Option("--read-all", help="Read all bytes of every store, not a sample.")
    ] = False,
    urls: Annotated[
        bool, typer.Option("--urls", help="Ask the newest URLs of no configured store.")
    ] = False,
    no_log: Annotated[bool, typer.Option("--no-log", help="Leave the events out.")] = False,
    grace: Annotated[
        float, typer.Option(metavar="MINUTES", help="Younger files may still be told.", min=0)
    ] = 10.0,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Compare events, rows and stored bytes; exit code 1 when anything is not as it should be.

    Uploads in flight are no findings. The pages show the last audit. docs/audit.md explains each
    kind, and what --repair does.

    Examples: omega-images audit | omega-images audit --folder old/ --repair
    | omega-images audit --code bot/tools
    """
    if quarantine and not repair:
        raise UserError("audit", "--quarantine says how to repair", "give --repair with it")
    if repair and no_log:
        # Only the log tells a file of a deleted image, or of a missing row, from a stray one.
        raise UserError("audit", "--repair needs the log", "leave --no-log out")
    if code is not None:
        _audit_code(code, names, json=json)
        return
    if folder is not None and not folder.is_dir():
        raise UserError(str(folder), "is no folder", "name one")
    ledger = open_ledger(load_settings())
    stores = [s for s in open_stores(ledger.settings, deadline_s=PATIENT_S) if s is not None]
    options = AuditOptions(timedelta(minutes=grace), read_all, log=not no_log, folder=folder)
    audited = _audit(ledger, stores, options, urls=urls, show=not json)
    repaired = None
    if repair:
        repaired = _repair(ledger, stores, audited.findings, adopt=not quarantine)
    _tell(audited, repaired, json=json)
    left = len(repaired.left) if repaired is not None else len(audited.findings)
    if left:
        raise typer.Exit(DID_NOT_HOLD)


def _audit(
    ledger: Ledger, stores: Sequence[Storage], options: AuditOptions, *, urls: bool, show: bool
) -> Audited:
    reader = ledger.reader()
    total = sum(ledger.topic_state().end.values()) if options.log else 0
    try:
        with (
            ledger.connect() as connection,
            bar("reading the log", total) if show and total else nullcontext(_silent) as progress,
        ):
            work = Audit(
                connection, reader, stores, in_flight=_in_flight(ledger), progress=progress
            )
            audited = work.run(options)
            if urls:
                audited.findings += _urls(work)
            findings = ((one.kind, one.what, one.detail) for one in audited.findings)
            note(connection, audited.checked, audited.counts, findings)
    finally:
        reader.close()
    return audited


def _urls(work: Audit) -> Iterator[Finding]:
    for what, url, status in gone(work.elsewhere(URLS)):
        yield Finding("url_not_found", what, f"{status} at {url}")


def _in_flight(ledger: Ledger) -> list[str]:
    """Files that this machine's tools are storing."""
    if not spool_path(ledger.settings).exists():
        return []
    spool = open_spool(ledger.settings)
    try:
        return [str(name) for (name,) in spool.read(spool_sql.INTENDED_FILES)]
    finally:
        spool.close()


def _repair(
    ledger: Ledger, stores: Sequence[Storage], findings: Sequence[Finding], *, adopt: bool
) -> Repaired:
    publisher = open_direct_publisher(ledger)
    work = Repair(publisher, stores, ledger.settings.home / "quarantine", adopt=adopt)
    try:
        return work.mend(findings)
    except (StorageError, PublishError) as exc:
        do = "run it again: it goes on with what is left"
        raise UserError("the repair stopped", str(exc), do, DID_NOT_HOLD) from exc
    finally:
        publisher.close()


def _silent(_: int) -> None:
    pass


def _tell(audited: Audited, repaired: Repaired | None, *, json: bool) -> None:
    if json:
        facts: dict[str, Any] = {
            "holds": not audited.findings,
            "checked": audited.checked,
            "counts": audited.counts,
            "findings": [one._asdict() for one in audited.findings],
            "repaired": None if repaired is None else asdict(repaired),
        }
        print_json(facts)
        return
    checked = ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in audited.checked.items())
    say(f"compared: {checked}")
    if not audited.findings:
        say("everything is as it should be")
    for kind, count in audited.counts.items():
        some = [one for one in audited.findings if one.kind == kind][:SHOWN]
        rows = [(one.what, one.detail) for one in some]
        print_table(f"{count:,} {KINDS[kind]}", ("what", "detail"), rows)
    if repaired is not None:
        say(
            f"adopted {repaired.adopted:,}, quarantined {repaired.quarantined:,}, found elsewhere"
            f" {repaired.moved:,}; {len(repaired.left):,} left to people"
        )


def _audit_code(code: Path, names: Path | None, *, json: bool) -> None:
    if not code.exists():
        raise UserError(str(code), "is not there", "name a file or a folder of sources")
    try:
        read, found = scan(code, load_names(names))
    except ParserMissing as exc:
        raise UserError("audit --code", str(exc), "then run it again") from exc
    except (ValueError, OSError) as exc:
        raise UserError("--names", str(exc), "mend the file") from exc
    if json:
        print_json({"files": read, "findings": [one._asdict() for one in found]})
    else:
        _show_code(read, found)
    if found:
        raise typer.Exit(DID_NOT_HOLD)


def _show_code(read: int, found: Sequence[CodeFinding]) -> None:
    say(f"{read:,} files read, {len(found):,} places where images are made or saved untold")
    if found:
        rows = [(f"{one.file}:{one.line}", one.reason, one.do) for one in found]
        print_table("", ("place", "what", "what to do"), rows)
