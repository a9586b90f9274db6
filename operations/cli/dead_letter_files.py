"""Dead letters as files of JSON lines."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from operations.cli.emit import opened
from operations.cli.errors import UserError
from operations.cli.output import say
from operations.emitting import numbered
from operations.wiring import PROJECTIONS
from projections.connections import Connection
from projections.dead_letter_reads import StoredLetter, from_line, to_line
from projections.dead_letters import DeadLetter, restore

LINES_AT_ONCE = 100
MAX_LETTER_BYTES = 128 * 2**20


def write_letters(file: str, letters: Iterable[StoredLetter]) -> None:
    """Write them as they come. Raises UserError when the file cannot be written."""
    if file == "-":
        for letter in letters:
            sys.stdout.write(to_line(letter) + "\n")
        return
    count = 0
    try:
        with Path(file).open("x") as out:
            for letter in letters:
                out.write(to_line(letter) + "\n")
                count += 1
    except OSError as exc:
        raise UserError(file, exc.strerror or str(exc), "name a new file") from exc
    say(f"{count:,} dead letters written to {file}")


def read_letters(connection: Connection[Any], file: str) -> tuple[int, int, int]:
    """Add the file's letters; how many were new, how many known, how many lines were none."""
    added = known = wrong = 0
    with opened(file, show=True) as handle:
        lines = numbered(handle, MAX_LETTER_BYTES)
        while chunk := list(islice(lines, LINES_AT_ONCE)):
            found: dict[str, list[DeadLetter]] = defaultdict(list)
            for number, line in chunk:
                try:
                    projection, letter = _letter_of(line)
                except (ValueError, KeyError, TypeError) as exc:
                    wrong += 1
                    print(f"line {number}: is no dead letter: {exc}", file=sys.stderr)  # noqa: T201
                else:
                    found[projection].append(letter)
            for projection, letters in found.items():
                new = restore(connection, projection, letters)
                added += new
                known += len(letters) - new
    return added, known, wrong


def _letter_of(line: bytes) -> tuple[str, DeadLetter]:
    projection, letter = from_line(line.decode())
    if projection not in PROJECTIONS:
        raise ValueError(f"{projection[:20]!r} is no projection")
    return projection, letter
