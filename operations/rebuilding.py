"""Running a rebuild to its end: processes, progress, the comparison, the question, the swap."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from consumers.filtered_log import FilteredLog
from consumers.history import milliseconds, was_sent_by
from consumers.kafka_log import KafkaLogReader
from consumers.log import TopicState
from consumers.rebuild import Rebuild, RebuildRefused, Source
from consumers.reconciliation import Reconciled, Reconciliation
from consumers.replay import Replay, Replayed
from operations.loader_pools import loader_pools
from operations.wiring import PROJECTIONS, Ledger
from projections.comparing import Comparison

POLL_S = 0.25
FEW = 20_000
"""Records that are loaded sooner than other processes would have started."""


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """What the operator wants."""

    dry_run: bool = False
    accept_loss: int = 0
    keep_unmade: bool = True
    processes: int | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What came of it."""

    comparison: Comparison
    swapped: bool
    records: int
    resumed: bool = False
    """Whether it went on with what an interrupted one had left."""


def source_of(ledger: Ledger, projection: str) -> Source:
    """Where a rebuild reads and writes."""
    return Source(
        partial(KafkaLogReader, ledger.servers.kafka, ledger.topic),
        PROJECTIONS[projection],
        ledger.servers.database_url,
        projection,
        ledger.topic,
    )


def run_rebuild(
    ledger: Ledger,
    projection: str,
    options: RebuildOptions,
    confirm: Callable[[Comparison], bool] | None = None,
) -> RebuildResult:
    """Rebuild the projection; the shadow stays when it was interrupted, or refused for a loss.

    The next one goes on with it. ``confirm`` is asked before the swap, while the workers go on.
    Raises RebuildRefused, also when more rows would be lost than are accepted.
    """
    with _pools(options.processes) as pools, Rebuild(source_of(ledger, projection)) as rebuild:
        state = rebuild.prepare(fresh=options.fresh)
        total = sum(state.end.values()) - sum(state.begin.values())
        _load(rebuild, state, pools, options.processes)
        rebuild.finish()
        comparison, swapped = _end(rebuild, options, confirm)
        return RebuildResult(comparison, swapped, total, rebuild.resumed)


def _end(
    rebuild: Rebuild, options: RebuildOptions, confirm: Callable[[Comparison], bool] | None
) -> tuple[Comparison, bool]:
    """The comparison, and whether the shadow was swapped in."""
    unmade = options.keep_unmade
    judge = partial(_refuse_loss, options)
    if confirm is None and not options.dry_run:
        return rebuild.compare_and_swap(judge, unmade=unmade), True
    rebuild.catch_up_to_the_end()
    comparison = rebuild.compare(unmade=unmade)
    swapped = False
    if confirm is not None and not options.dry_run:
        judge(comparison)
        swapped = confirm(comparison)
    if swapped:
        rebuild.swap(unmade=unmade)
    else:
        rebuild.abandon()
    return comparison, swapped


def run_as_of(ledger: Ledger, at: datetime, name: str, processes: int | None) -> int:
    """Build the image table as the log had it at that time, under a name of its own; its rows.

    Rows that no event made are left out: nothing tells since when they were there. Raises
    RebuildRefused.
    """
    source = source_of(ledger, "table")
    keep = partial(was_sent_by, milliseconds(at))
    source = replace(source, open_reader=partial(FilteredLog, source.open_reader, keep))
    with _pools(processes) as pools, Rebuild(source, "as_of") as rebuild:
        rebuild.check_name(name)
        state = rebuild.prepare(fresh=True)
        try:
            _load(rebuild, state, pools, processes)
            rebuild.finish()
            return rebuild.publish_as(name, at)
        except BaseException:
            rebuild.abandon()
            raise


def run_reconciliation(
    ledger: Ledger, projection: str, *, repair: bool, lose: bool, processes: int | None
) -> Reconciled:
    """Compare the projection with the log, and mend what differs if wanted.

    Raises RebuildRefused, say when another comparison is running.
    """
    source = source_of(ledger, projection)
    with _pools(processes) as pools, Reconciliation(source) as work:
        state = work.prepare_at_live()
        try:
            _load(work, state, pools, processes)
            work.finish()
            return work.settle(repair=repair, lose=lose)
        finally:
            work.abandon()


def run_replay(
    ledger: Ledger, projection: str, requests: frozenset[str], *, dry_run: bool, show: int
) -> Replayed:
    """Make the requests' rows and contributions anew from their events, and mend what differs.

    Raises RebuildRefused, say when another replay is running.
    """
    with _pools(None) as pools, Replay(source_of(ledger, projection), requests) as work:
        state = work.prepare_at_live()
        try:
            _load(work, state, pools)
            work.finish()
            return work.settle(dry_run=dry_run, show=show)
        finally:
            work.abandon()


def _refuse_loss(options: RebuildOptions, comparison: Comparison) -> None:
    if comparison.lost > options.accept_loss:
        names = ", ".join(comparison.samples.get("lost", []))
        raise RebuildRefused(
            f"{comparison.lost} rows of the live table would be lost ({names}, …): look at them "
            "with `omega-images images get`, then run again with --abandon, or with "
            f"--accept-loss {comparison.lost}"
        )


def _pools(wanted: int | None) -> AbstractContextManager[Sequence[Executor]]:
    return loader_pools(wanted or os.cpu_count() or 1)


def _load(
    rebuild: Rebuild, state: TopicState, pools: Sequence[Executor], wanted: int | None = None
) -> None:
    """Load with as many of the pools as there are partitions, a few records with one.

    Nobody loads anything after it.
    """
    partitions = sum(1 for end in state.end.values() if end)
    records = sum(state.end.values()) - sum(state.begin.values())
    few = wanted is None and records < FEW
    used = pools[-1 if few else -max(1, partitions) :]
    with ThreadPoolExecutor(1) as waiter:
        try:
            loading = waiter.submit(rebuild.load, state, used)
            _show_progress(rebuild, loading, sum(state.end.values()))
            loading.result()
        except BaseException:
            # Also of Ctrl-C: who waits here wants an end, and the others would load on for long.
            rebuild.stop_loading()
            raise
    for pool in pools:
        # The indexes want the memory.
        pool.shutdown(wait=False)


def _show_progress(rebuild: Rebuild, loading: Future[None], total: int) -> None:
    if not sys.stderr.isatty():
        return
    columns = (TextColumn("loading"), BarColumn(), TextColumn("{task.completed:,.0f} records"))
    from rich.console import Console

    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total)
        while not loading.done():
            progress.update(task, completed=rebuild.progress())
            try:
                loading.exception(timeout=POLL_S)
            except TimeoutError:
                continue
        progress.update(task, completed=total)
