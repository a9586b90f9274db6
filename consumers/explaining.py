"""Why a row is what it is: a request's events, what became of each, and what the tables have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from consumers.history import Found, events_of
from consumers.log import LogReader
from projections.history import Verdict, kept, letters_of, request_of_row, row_ids, verdicts
from schemas.record import position_of


class UnknownRow(LookupError):
    """There is no row of this id, and no event can have made one."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the tables know of a request."""

    request_id: str
    row_ids: list[int]
    kept: dict[str, dict[str, Any]]
    """The request's row in each table that has one."""
    dead_letters: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to know of a request."""

    known: Known
    verdicts: list[Verdict]
    found: Found

    @property
    def is_empty(self) -> bool:
        """Whether neither the log, as far as it was read, nor a table knows the request."""
        return not (self.verdicts or self.known.kept or self.known.dead_letters)

    def facts(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "request_id": self.known.request_id,
            "events": [event_facts(one) for one in self.verdicts],
            "kept": self.known.kept,
            "dead_letters": self.known.dead_letters,
            "records_read": self.found.records_read,
            "partitions_read": list(self.found.partitions),
            "complete": self.found.complete,
        }


def known_of(connection: Connection[Any], given: str) -> Known:
    """What the tables know of a request; a number is taken for a row's id, if there is such a row.

    Raises UnknownRow, psycopg.Error.
    """
    request_id = _request(connection, given)
    return Known(
        request_id,
        row_ids(connection, request_id),
        kept(connection, request_id),
        letters_of(connection, request_id),
    )


def explain(
    reader: LogReader,
    known: Known,
    *,
    scan: bool = False,
    max_records: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Explanation:
    """The request's events and what became of each; ``scan`` and ``max_records`` as events_of.

    Raises LogError.
    """
    found = events_of(
        reader,
        known.request_id,
        known.row_ids,
        scan=scan,
        max_records=max_records,
        progress=progress,
    )
    return Explanation(known, verdicts(found.events), found)


def event_facts(one: Verdict) -> dict[str, Any]:
    """An event, where it stands, and what became of it."""
    record, event = one.decoded.record, one.decoded.event
    return {
        "place": f"{record.partition}:{record.offset}",
        "sent": datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
        "time": event.time,
        "type": event.type,
        "event_id": event.id,
        "source": event.source,
        "made_the_row": one.made,
        "why": one.why,
    }


def _request(connection: Connection[Any], given: str) -> str:
    if given.isascii() and given.isdecimal() and len(given) < 20 and int(given) < 2**63:
        found = request_of_row(connection, int(given))
        if found is not None:
            return found
        if position_of(int(given)) is None:
            raise UnknownRow(f"row {given}: there is no row of this id, or no event made it")
    return given
