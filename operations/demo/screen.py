"""What the demonstration shows: steps with their times, progress bars, tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

WIDTH = 46


class Screen:
    """Writes to a console; bars only move on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self, text: str) -> None:
        """A new chapter."""
        self._console.print(f"\n[bold]{text}[/bold]")

    def say(self, text: str) -> None:
        """A line of plain text; rich's markup is not read."""
        self._console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)

    def command(self, *arguments: str) -> None:
        """The command whose output follows."""
        line = f"\n$ omega-images {' '.join(arguments)}"
        self._console.print(line, style="cyan", markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """A step without a known length; its line appears with its time when it is done."""
        began = time.monotonic()
        with self._console.status(f"{text} …"):
            yield
        self._done(text, began)

    @contextmanager
    def progress(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A step of so many parts; gives a function that is called with each number done."""
        began = time.monotonic()
        columns = (
            TextColumn(f"  {text:<{WIDTH}}"),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        shown = self._console.is_terminal
        with Progress(*columns, console=self._console, disable=not shown, transient=True) as bar:
            task = bar.add_task(text, total=total)
            yield lambda number: bar.advance(task, number)
        self._done(f"{text}: {total}", began)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A small table, a line for each row; only the last column is cut where it is too wide."""
        table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
        for index, head in enumerate(heads):
            last = index == len(heads) - 1
            width = None if last else max(len(head), *(len(row[index]) for row in rows))
            table.add_column(head, no_wrap=True, overflow="ellipsis", min_width=width)
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(table)

    def _done(self, text: str, began: float) -> None:
        mark = "[green]✓[/green]" if self._can_mark() else "ok"
        self._console.print(f"  {mark} ", end="")
        took = f"{time.monotonic() - began:6.1f} s"
        self._console.print(f"{text:<{WIDTH + 26}} {took}", markup=False, highlight=False)

    def _can_mark(self) -> bool:
        return "utf" in (self._console.encoding or "").lower()
