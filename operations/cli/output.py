"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 120

console = Console(
    highlight=False,
    soft_wrap=not sys.stdout.isatty(),
    width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL,
)


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; what it gives is called with how much more is done."""
    columns = ("{task.description}", BarColumn(), "{task.completed:,.0f} of {task.total:,.0f}")
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(what, total=total)
        yield lambda more: progress.advance(task, more)


def say(line: str = "") -> None:
    """A line of text, printed as it is, but for what could steer a terminal."""
    console.print(Text(printable(line)))


def complain(line: str) -> None:
    """A line of text to the errors, without what could steer a terminal."""
    print(printable(line), file=sys.stderr)  # noqa: T201  the one place that does


def print_json(value: Any) -> None:
    """The value as JSON; times as ISO 8601, decimals as numbers."""
    console.out(_encodable(json.dumps(value, default=_plain, ensure_ascii=False, indent=2)))


def print_json_line(value: Any) -> None:
    """The value as JSON in one line."""
    console.out(_encodable(json.dumps(value, default=_plain, ensure_ascii=False)))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table; what stands in it is never taken for markup. Only its last column may wrap."""
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns[:-1]:
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    table.add_column(columns[-1], overflow="fold")
    for row in rows:
        table.add_row(*[Text(_shown(value)) for value in row])
    console.print(table)


def printable(text: str) -> str:
    """The text; what is neither seen nor a line break is replaced, as it could steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _encodable(text: str) -> str:
    """JSON, in which what is not seen is escaped; a lone surrogate cannot be written otherwise."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Decimal):
        return f"{value:,.1f}"
    return printable(str(value))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
