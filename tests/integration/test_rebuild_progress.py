"""Watching what is built beside the live tables, without standing in its way."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.sql import SQL

from projections import shadow_indexes
from projections.positions import ProjectionKey
from projections.rebuild_progress import Building, buildings, has_previous
from projections.shadow import RebuildRefused, Shadow, hold_alone, leftovers, let_go
from projections.shadow_indexes import build_side_by_side
from projections.shadow_sql import BE_AN_INDEX_BUILDER
from projections.shadow_state import begin
from projections.shadow_tables import create
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


def test_an_index_that_is_still_being_built_stands_in_the_next_rebuild_s_way(
    connection: Connection[Any], database_url: str
) -> None:
    shadow = Shadow("table", "public")
    with connection.transaction():
        create(connection, shadow)
    with psycopg.connect(database_url, autocommit=True) as left_behind:
        left_behind.execute(BE_AN_INDEX_BUILDER, (shadow.index_builders,))
        with (
            psycopg.connect(database_url, autocommit=True) as rebuild,
            pytest.raises(RebuildRefused, match="still builds an index"),
        ):
            hold_alone(rebuild, "table")
        assert leftovers(connection) == []
    eventually(lambda: leftovers(connection), timeout_s=10, what="its end")
    hold_alone(connection, "table")


def test_who_has_let_go_stands_in_nobody_s_way(database_url: str) -> None:
    for _ in range(50):
        held = psycopg.connect(database_url, autocommit=True)
        hold_alone(held, "table")
        let_go(held)


def test_builders_end_as_soon_as_one_fails(
    connection: Connection[Any], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless, wrong, never = SQL("SELECT pg_sleep(300)"), SQL("SELECT 1 / 0"), SQL("SELECT 1 / 0")
    monkeypatch.setattr(shadow_indexes, "_missing", lambda *_: [endless, wrong, never])
    began = time.monotonic()
    with pytest.raises(psycopg.errors.DivisionByZero):
        build_side_by_side(
            lambda: psycopg.connect(database_url, autocommit=True), Shadow("table", "public"), ["t"]
        )
    assert time.monotonic() - began < 60


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
