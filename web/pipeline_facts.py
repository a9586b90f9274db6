"""How the pipeline stands: positions, lag, dead letters, and what is being built beside it."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import Field

from consumers.lag import lag_of
from consumers.log import LogError
from projections import rebuild_progress
from projections.connections import Connection
from projections.dead_letter_reads import list_groups
from projections.positions import read_positions
from web.api.answers import Model
from web.errors import ApiError
from web.site import Site

PROJECTIONS = ("table", "stats")
FRESH_S = 1.0
"""For so long an answer is given again: each asks Kafka, and pages ask often."""

PATIENCE_S = 5.0
"""For so long Kafka is not asked again when it did not answer, and a first answer waited for."""


class PartitionFacts(Model):
    """A partition, and how far a projection has come in it."""

    partition: int
    next_offset: int
    end: int | None = Field(description="null while Kafka does not answer.")
    lag: int | None


class ProjectionFacts(Model):
    """A projection."""

    projection: str
    lag_records: int | None
    lag_seconds: float | None = Field(
        description="Age of the oldest record that is not projected; 0: there is none."
    )
    dead_letters: int = Field(description="Open ones.")
    partitions: list[PartitionFacts]


class BuildingFacts(Model):
    """What is built beside the live tables."""

    projection: str
    kind: str = Field(description="rebuild, reconcile, replay or as_of.")
    in_work: bool = Field(description="false: its builder ended without finishing it.")
    loaded: bool = Field(description="The log is loaded; what is left is the comparison and swap.")
    bytes: int
    records: int = Field(description="Offsets that it has come past.")
    records_total: int | None = Field(description="Up to the log's end; null: that is not known.")


class PipelineFacts(Model):
    """The pipeline."""

    topic: str
    log_error: str | None = Field(description="Why lag is not known, if it is not.")
    projections: list[ProjectionFacts]
    building: list[BuildingFacts]
    rollback: list[str] = Field(description="Projections whose former tables are kept.")


_asking = threading.Lock()
_known: WeakKeyDictionary[Any, tuple[float, PipelineFacts]] = WeakKeyDictionary()


def pipeline_facts(site: Site) -> PipelineFacts:
    """How it stands now, or stood a second ago. Raises what the database raises, and ApiError."""
    at, facts = _known.get(site.metrics, (0.0, None))
    if facts is not None and time.monotonic() < at:
        return facts
    # One asks, which may take long while Kafka is away; the others take what was known before.
    if not _asking.acquire(timeout=PATIENCE_S if facts is None else 0):
        if facts is None:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "Not known yet: try again")
        return facts
    try:
        facts = _facts(site)
        fresh_s = FRESH_S if facts.log_error is None else PATIENCE_S
        _known[site.metrics] = (time.monotonic() + fresh_s, facts)
        return facts
    finally:
        _asking.release()


def _facts(site: Site) -> PipelineFacts:
    with site.pool.connection() as connection:
        error, projections = None, []
        try:
            projections = _with_lag(site, connection)
        except LogError:
            error = "Kafka does not answer, or does not have the topic"
            projections = [_without_lag(site, connection, name) for name in PROJECTIONS]
        building = [_building(one, projections) for one in rebuild_progress.buildings(connection)]
        kept = [name for name in PROJECTIONS if rebuild_progress.has_previous(connection, name)]
    return PipelineFacts(
        topic=site.topic,
        log_error=error,
        projections=projections,
        building=building,
        rollback=kept,
    )


def _with_lag(site: Site, connection: Connection[Any]) -> list[ProjectionFacts]:
    reader = site.reader()
    try:
        found = lag_of(connection, reader, PROJECTIONS)
    finally:
        reader.close()
    return [
        ProjectionFacts(
            **one | {"partitions": [PartitionFacts(**line) for line in one["partitions"]]}
        )
        for one in found
    ]


def _without_lag(site: Site, connection: Connection[Any], name: str) -> ProjectionFacts:
    positions = read_positions(connection, name, site.topic)
    return ProjectionFacts(
        projection=name,
        lag_records=None,
        lag_seconds=None,
        dead_letters=sum(group.count for group in list_groups(connection, projection=name)),
        partitions=[
            PartitionFacts(partition=number, next_offset=offset, end=None, lag=None)
            for number, offset in sorted(positions.items())
        ],
    )


def _building(one: rebuild_progress.Building, projections: list[ProjectionFacts]) -> BuildingFacts:
    ends = [
        line.end for p in projections if p.projection == one.projection for line in p.partitions
    ]
    known = [end for end in ends if end is not None]
    return BuildingFacts(
        projection=one.projection,
        kind=one.kind,
        in_work=one.in_work,
        loaded=one.loaded,
        bytes=one.bytes,
        records=sum(one.next_offsets.values()),
        records_total=sum(known) if len(known) == len(ends) else None,
    )
