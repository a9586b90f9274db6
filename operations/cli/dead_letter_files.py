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
from operations.cli.output import complain, say
from operations.emitting import numbered
from operations.wiring import PROJECTIONS
from projections.connections import Connection
from projections.dead_letter_reads import StoredLetter, from_line, to_line
from projections.dead_letters import DeadLetter, restore
from schemas.record import MAX_PARTITIONS

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
        out = Path(file).open("x")  # noqa: SIM115  closed below, and removed when it is not whole
    except OSError as exc:
        raise UserError(file, exc.strerror or str(exc), "name a new file") from exc
    try:
        with out:
            for letter in letters:
                out.write(to_line(letter) + "\n")
                count += 1
    except BaseException:
        Path(file).unlink()
        raise
    say(f"{count:,} dead letters written to {file}")


def read_letters(connection: Connection[Any], file: str) -> tuple[int, int, int]:
    """Add the file's letters; how many were new, how many known, how many lines were none."""
    added = known = wrong = 0
    with opened(file, show=True) as handle:
        lines = numbered(handle, MAX_LETTER_BYTES)
        while chunk := list(islice(lines, LINES_AT_ONCE)):
            found: dict[str, list[DeadLetter]] = defaultdict(list)
            for number, line in chunk:
                if not line.strip():
                    continue
                try:
                    projection, letter = _letter_of(line)
                except ValueError as exc:
                    wrong += 1
                    complain(f"line {number}: is no dead letter: {exc}")
                else:
                    found[projection].append(letter)
            for projection, letters in found.items():
                new = restore(connection, projection, letters)
                added += new
                known += len(letters) - new
    return added, known, wrong


def _letter_of(line: bytes) -> tuple[str, DeadLetter]:
    """The projection and the letter. Raises ValueError."""
    try:
        projection, letter = from_line(line.decode())
    except KeyError as exc:
        raise ValueError(f"it has no {exc}") from exc
    except (TypeError, AttributeError, OverflowError, RecursionError) as exc:
        raise ValueError("it is not of their form") from exc
    if projection not in PROJECTIONS:
        raise ValueError(f"{projection[:20]!a} is no projection")
    _check(letter)
    return projection, letter


def _check(letter: DeadLetter) -> None:
    """Raises ValueError for what the table cannot hold."""
    record = letter.record
    for name, number, end in (
        ("partition", record.partition, MAX_PARTITIONS),
        ("offset", record.offset, 2**63),
        ("timestamp_ms", record.timestamp_ms + 1, 2**63),
    ):
        if not 0 <= number < end:
            raise ValueError(f"its {name} is out of range")
    for name, text in (("topic", record.topic), ("error_class", letter.error_class)):
        if not text.isprintable() or not 0 < len(text) < 250:
            raise ValueError(f"its {name} is none")
    if not all(isinstance(header, str) for header, _ in record.headers):
        raise ValueError("its headers have no names")
