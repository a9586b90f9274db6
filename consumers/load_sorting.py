"""Sorting the records that a shadow is loaded from by the way that each of them takes.

Nearly every event is plain, the first of its request and alone with it: what is done for it is done
a million times, so its record becomes a row for COPY without anything kept between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from rbloom import Bloom

from consumers.decoding import AT_ONCE, decode
from projections.dead_letters import DeadLetter
from projections.image_batch import row_values
from projections.image_rows import copied
from projections.projection import Decoded
from projections.unsealing import Unsealer
from schemas.compact import read_quickly
from schemas.partitioning import home_partitions
from schemas.record import Record, row_id

FALSE_POSITIVES = 0.001

Pair = tuple[Record, Any]
"""A record and its event, a compact one."""


@dataclass(slots=True)
class Sorted:
    """A batch, sorted by the way its records take."""

    rows: bytearray = field(default_factory=bytearray)
    """For COPY, one after the other, of ``firsts``."""
    firsts: list[Record] = field(default_factory=list)
    deferred: list[Record] = field(default_factory=list)
    invalid: list[DeadLetter] = field(default_factory=list)

    def defer_all(self) -> None:
        """Have nothing go by COPY."""
        self.deferred += self.firsts
        self.firsts.clear()
        self.rows.clear()


class Sorter:
    """Sorts one batch after the other, of some of a topic's partitions from their start on.

    ``requests`` is how many it expects, and ``partitions`` how many the topic has.
    """

    def __init__(self, requests: int, partitions: int) -> None:
        self.seen = Bloom(max(requests, 1_000), FALSE_POSITIVES)
        """The requests so far. Where it errs, an event only takes the longer way."""
        self._partitions = partitions
        self._unsealer = Unsealer()

    def sort(self, records: Sequence[Record], connection: Connection[Any]) -> Sorted:
        """Raises psycopg.Error; keys of what is sealed are looked up."""
        found, strays = Sorted(), _strays(records, self._partitions)
        for at in range(0, len(records), AT_ONCE):
            odd, sealed = list[Record](), list[Decoded]()
            self._place(_plain(records[at : at + AT_ONCE], odd, sealed), strays, found)
            if odd or sealed:
                draft = decode(odd)
                found.invalid += draft.invalid
                events = [*draft.decoded, *sealed]
                opened, unopened = self._unsealer.open_each(connection, events)
                found.invalid += unopened
                self._place(((one.record, one.held) for one in opened), strays, found)
        return found

    def _place(self, events: Iterable[Pair], strays: set[Record], found: Sorted) -> None:
        """What no other event has a say in goes by COPY: no other process meets its request.

        Only a record in the partition where its request is at home can say so, and only one without
        an old id, which another request's event may name, too: the place of a record is nobody
        else's. Which of a request's events comes first here does not matter, as in any merge.
        """
        seen, see, rows, add = self.seen, self.seen.add, found.rows, copied.add
        for record, event in events:
            data = event.data
            request = data.request_id
            if request not in seen:
                see(request)
                values_of = row_values.get(type(data))
                if (
                    values_of is not None
                    and data.row_id is None
                    and record.key == request.encode()
                    and not (strays and record in strays)
                ):
                    try:
                        add(values_of(event, row_id(record.partition, record.offset)), rows)
                    except (ValueError, OverflowError):
                        pass  # whatever is wrong with it is isolated where it is merged
                    else:
                        found.firsts.append(record)
                        continue
            found.deferred.append(record)


def _plain(records: Sequence[Record], odd: list[Record], sealed: list[Decoded]) -> Iterator[Pair]:
    """Those that can be read quickly; which are to be read with care, and which to be opened."""
    for record in records:
        _, _, _, _, key, value, _ = record
        try:
            event = read_quickly(value) if key and value else None
        except Exception:  # noqa: BLE001  with care it is read once more, and told of
            event = None
        if event is None:
            odd.append(record)
        elif getattr(event.data, "sealed", None) is not None:
            sealed.append(Decoded(record, event))
        else:
            yield record, event


def _strays(records: Sequence[Record], partitions: int) -> set[Record]:
    """Those that do not stand in the partition where their key is at home."""
    homes = home_partitions([record.key or b"" for record in records], partitions)
    pairs = zip(records, homes, strict=True)
    return {record for record, home in pairs if record.partition != home}
