"""Redriving dead letters: projecting them once more, beside the live workers.

Safe at any time because merge is order-free: an old event that comes late lands as if it had come
in its turn. Each page of letters is one transaction with the rows that come of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Rollback

from consumers.isolation import apply_isolating
from projections import dead_letter_reads as letters
from projections.dead_letter_reads import Selection, StoredLetter
from projections.dead_letters import DeadLetter, store
from projections.positions import lock_projection
from projections.projection import Decoded, NeedExclusive, Projection
from schemas.codec import decode_record
from schemas.errors import InvalidEvent


@dataclass(frozen=True, slots=True)
class Redriven:
    """What came of it: letters projected, and letters that are dead still."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    """Letters of kinds whose canary failed."""


class Redrive:
    """Redrives the letters of the given projections (by name), over one connection."""

    def __init__(
        self,
        connection: Connection[Any],
        projections: Mapping[str, Projection],
        *,
        dry_run: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._connection = connection
        self._projections = projections
        self._dry_run = dry_run
        self._progress = progress

    def run(self, selection: Selection, *, canary: bool = False) -> Redriven:
        """Redrive the open letters of the selection, in the order they came.

        With ``canary``, one letter of each kind goes first, and kinds whose canary fails are
        skipped. A letter that fails again keeps its history and counts the attempt.
        """
        bad_kinds = self._try_canaries(selection) if canary else frozenset[tuple[str, str]]()
        done = failed = skipped = after = 0
        while page := letters.page(self._connection, selection, after):
            todo = [item for item in page if (item.projection, item.fingerprint) not in bad_kinds]
            bad = self._redrive(todo)
            done += len(todo) - bad
            failed += bad
            skipped += len(page) - len(todo)
            after = page[-1].id
            if self._progress is not None:
                self._progress(len(page))
        return Redriven(done, failed, skipped)

    def _try_canaries(self, selection: Selection) -> frozenset[tuple[str, str]]:
        bad = set()
        for letter_id in letters.canaries(self._connection, selection):
            letter = letters.get_letter(self._connection, letter_id)
            if letter is not None and letter.state == "open" and self._redrive([letter]):
                bad.add((letter.projection, letter.fingerprint))
        return frozenset(bad)

    def _redrive(self, page: list[StoredLetter]) -> int:
        failed = 0
        for name in sorted({letter.projection for letter in page}):
            own = [letter for letter in page if letter.projection == name]
            try:
                failed += self._transact(name, own, exclusive=False)
            except NeedExclusive:
                failed += self._transact(name, own, exclusive=True)
        return failed

    def _transact(self, name: str, page: list[StoredLetter], *, exclusive: bool) -> int:
        projection = self._projections[name]
        failed: list[DeadLetter] = []
        try:
            with self._connection.transaction():
                lock_projection(self._connection, name, exclusive=exclusive)
                held = letters.hold(self._connection, [letter.id for letter in page])
                failed = self._apply(projection, held, exclusive=exclusive)
                if self._dry_run:
                    raise Rollback
        finally:
            if self._dry_run:
                projection.forget()
        return len(failed)

    def _apply(
        self, projection: Projection, page: list[StoredLetter], *, exclusive: bool
    ) -> list[DeadLetter]:
        decoded, failed = _decode(page)
        _, poison = apply_isolating(projection, self._connection, decoded, exclusive=exclusive)
        failed += poison
        bad = {(letter.record.partition, letter.record.offset) for letter in failed}
        good = [item.id for item in page if (item.partition, item.offset) not in bad]
        if good:
            letters.settle(self._connection, good, "redriven", attempts=1)
        store(self._connection, projection.name, failed)
        return failed


def _decode(page: list[StoredLetter]) -> tuple[list[Decoded], list[DeadLetter]]:
    decoded, failed = [], []
    for letter in page:
        record = letter.record
        try:
            decoded.append(Decoded(record, decode_record(record)))
        except InvalidEvent as exc:
            failed.append(DeadLetter(record, exc.error_class, exc.message))
    return decoded, failed
