"""Watching what is built beside the live tables, without standing in its way."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import Connection

from projections.positions import ProjectionKey
from projections.rebuild_progress import Building, buildings, has_previous
from projections.shadow import Shadow, create, hold_alone
from projections.shadow_state import begin
from tests.support.waiting import eventually

pytestmark = pytest.mark.postgres


def test_nothing_is_built_at_first(connection: Connection[Any]) -> None:
    assert buildings(connection) == []
    assert not has_previous(connection, "table")


def test_a_rebuild_is_seen_with_its_places_and_its_builder(
    connection: Connection[Any], database_url: str
) -> None:
    shadow = Shadow("table", "public")
    with psycopg.connect(database_url, autocommit=True) as builder:
        hold_alone(builder, "table")
        with builder.transaction():
            create(builder, shadow)
            begin(builder, shadow, ProjectionKey("table", "t", "id"), {0: 5, 3: 7})
        (found,) = buildings(connection)
        assert found == Building("table", "rebuild", True, False, found.bytes, {0: 5, 3: 7})
        builder.execute("UPDATE omega_rebuild_table.rebuild_state SET loaded = true")
        assert buildings(connection)[0].loaded
    # The server takes a moment to notice that the session has ended.
    eventually(lambda: not buildings(connection)[0].in_work, timeout_s=10, what="its end")


def test_a_shadow_without_a_state_is_seen(connection: Connection[Any]) -> None:
    with connection.transaction():
        create(connection, Shadow("stats", "public", "reconcile"))
    (found,) = buildings(connection)
    assert (found.projection, found.kind, found.loaded, found.next_offsets) == (
        "stats",
        "reconcile",
        False,
        {},
    )


def test_the_tables_before_are_seen(connection: Connection[Any]) -> None:
    connection.execute("CREATE SCHEMA omega_previous_table")
    assert has_previous(connection, "table")
    assert not has_previous(connection, "stats")
