"""Erasing a user: rows, statistics, dead letters, spool and bytes go, and the key to the log.

Each step can be repeated, and what was counted is noted in the erasure's line, so an interrupted
erasure is gone on with by running it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from consumers.history import OfUser, events_of_user
from operations.publishing import open_spool
from operations.removing import Removed, Remover
from operations.storing import Stores
from operations.wiring import Ledger
from producers.publisher import Publisher
from producers.spool_erasing import erase_user, waiting_images
from projections import removals, user_keys
from projections.connections import Connection
from projections.removals import Erasure
from projections.statistics import settle_alone

ROUNDS = 5
"""The user may go on making images; after so many looks, what is new belongs to the next time."""
SAMPLES = 10

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Erased:
    """How it ended."""

    receipt: dict[str, Any]
    stopped: str | None = None
    """Why something is left; the next run goes on."""

    @property
    def complete(self) -> bool:
        """Whether nothing of the user can be read any more."""
        return self.stopped is None and not self.receipt["log"]["readable"]


class Eraser:
    """Erases users, one at a time."""

    def __init__(
        self,
        ledger: Ledger,
        connection: Connection[Any],
        publisher: Publisher,
        stores: Stores,
        progress: Progress = lambda _: None,
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._publisher = publisher
        self._stores = stores
        self._progress = progress

    def erase(self, user_id: str, requested_by: str | None = None) -> Erased:
        """Erase everything of the user. Raises SpoolError, LogError, psycopg.Error."""
        erasure = removals.begin_erasure(self._connection, user_id, requested_by)
        self._add(erasure, "spooled", self._purge_spool(erasure, user_id))
        # From now on nobody can open what the log has; new events get another key.
        self._keys_gone(erasure, user_id)
        removed, of_user = self._remove_images(erasure, user_id)
        if removed.stopped is not None:
            return Erased(self._receipt(erasure, of_user), removed.stopped)
        # The names of sums, and the labels of errors, stay until somebody settles.
        settle_alone(self._connection)
        self._forget_thumbnails()
        self._add(erasure, "dead_letters", removals.remove_letters_of(self._connection, user_id))
        copies = removals.remove_from_copies(self._connection, user_id)
        self._add(erasure, "rows_of_kept_tables", copies)
        removals.forget_samples(self._connection)
        receipt = self._receipt(erasure, of_user)
        if not of_user.readable:
            finished = removals.finish_erasure(self._connection, erasure)
            receipt = self._note(erasure, {"finished_at": finished.isoformat()})
        return Erased(receipt)

    def _purge_spool(self, erasure: Erasure, user_id: str) -> int:
        spool = open_spool(self._ledger.settings)
        try:
            waiting = waiting_images(spool, user_id)
            store = next(one for one in self._stores if one is not None)
            named = {one: store.url_of(name) for one, name in waiting.filenames.items()}
            # Their bytes go with the others'; once the spool is purged, this line alone knows them.
            removals.plan(self._connection, named | waiting.urls, "erasure", erasure_id=erasure.id)
            return erase_user(spool, user_id)
        finally:
            spool.close()

    def _forget_thumbnails(self) -> None:
        """All of them: whose they are is not written down, and they are made again when asked for.

        A web server on another machine forgets by itself, within a week.
        """
        shutil.rmtree(self._ledger.settings.home / "cache" / "thumbnails", ignore_errors=True)

    def _keys_gone(self, erasure: Erasure, user_id: str) -> None:
        keys = [key_id.hex() for key_id in user_keys.destroy(self._connection, user_id)]
        before = self._note(erasure, {}).get("keys_destroyed", [])
        self._note(erasure, {"keys_destroyed": [*before, *keys]})

    def _remove_images(self, erasure: Erasure, user_id: str) -> tuple[Removed, OfUser]:
        """Look, remove, and look again, until nothing of the user turns up any more."""
        reader = self._ledger.reader()
        total, of_user = Removed(), OfUser(set())
        told: set[str] = set()
        try:
            for number in range(ROUNDS):
                later = events_of_user(reader, user_id, of_user.end, self._progress)
                _extend(of_user, later)
                known = removals.requests_of_user(self._connection, user_id) | of_user.requests
                # The first time there may be what the spool, or a run before this one, has planned.
                if number and not known - told:
                    break
                new = {one: of_user.urls.get(one) for one in known - told}
                removals.plan(self._connection, new, "erasure", erasure_id=erasure.id)
                told |= known
                if (total := self._carry_out(erasure)).stopped:
                    break
        finally:
            reader.close()
        return total, of_user

    def _carry_out(self, erasure: Erasure) -> Removed:
        remover = Remover(
            self._connection,
            self._publisher,
            self._stores,
            self._ledger.topic,
            projections=("table", "stats"),
        )
        removed = remover.run(erasure.id)
        self._add(erasure, "images", removed.images)
        self._add(erasure, "files", removed.files)
        self._add(erasure, "files_shared_with_others", removed.shared)
        self._add(erasure, "urls_of_no_configured_store", removed.elsewhere)
        return removed

    def _receipt(self, erasure: Erasure, of_user: OfUser) -> dict[str, Any]:
        places = [f"{place.partition}:{place.offset}" for place in of_user.readable]
        log = {
            "events_sealed": of_user.sealed,
            "readable": len(places),
            "readable_at": places[:SAMPLES],
        }
        facts = {"requested_at": erasure.requested_at.isoformat(), "log": log}
        return self._note(erasure, facts)

    def _add(self, erasure: Erasure, name: str, more: int) -> None:
        self._note(erasure, {name: self._note(erasure, {}).get(name, 0) + more})

    def _note(self, erasure: Erasure, facts: Mapping[str, Any]) -> dict[str, Any]:
        receipt = removals.note_erased(self._connection, erasure, facts)
        return {"erasure": erasure.id} | receipt


def _extend(of_user: OfUser, later: OfUser) -> None:
    of_user.requests |= later.requests
    of_user.urls |= later.urls
    of_user.sealed += later.sealed
    of_user.readable += later.readable
    of_user.end = later.end
