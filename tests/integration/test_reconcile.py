"""Table and statistics against the log: every damage is named, and mended, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from operations.rebuilding import run_reconciliation
from operations.wiring import Ledger
from projections.positions import read_positions
from projections.reconciling import Difference
from projections.shadow import exists
from tests.integration.test_rebuild import MIX, filled, judge, ledger, records
from tests.support.checker import actual_rows
from tests.support.load import EPOCH, message, mixed_load
from tests.support.sending import send

__all__ = ["ledger"]

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

MEMBERS_LOCK = "omega-images/omega_reconcile_stats/stats/members"


def differences(ledger: Ledger, name: str, **options: bool) -> list[Difference]:
    chosen = {"repair": False, "lose": False} | options
    return run_reconciliation(ledger, name, processes=2, **chosen).differences


def some(connection: Connection[Any], query: str) -> list[str]:
    return sorted(row[0] for row in connection.execute(query))


def test_what_is_right_holds_although_the_log_goes_on(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 1_000)
    connection.execute(
        "INSERT INTO generated_images (user_id, prompt, storage_url) VALUES ('u', 'by hand', '/x')"
    )
    send(kafka_server, ledger.topic, mixed_load(500, MIX, seed=77))
    before = read_positions(connection, "table", ledger.topic)
    for name in ("table", "stats"):
        assert differences(ledger, name) == []
        assert not exists(connection, f"omega_reconcile_{name}")
    assert read_positions(connection, "table", ledger.topic) == before


def test_each_damage_of_the_table_is_named_and_mended(
    ledger: Ledger, connection: Connection[Any], kafka_server: str
) -> None:
    filled(ledger, kafka_server, 2_000)
    ids = some(connection, "SELECT request_id FROM generated_images")
    gone, spoilt, kept = ids[0:5], ids[10:13], ids[20]
    connection.execute("DELETE FROM generated_images WHERE request_id = ANY(%s)", (gone,))
    connection.execute(
        "UPDATE generated_images SET prompt = 'spoilt', n = 7 WHERE request_id = ANY(%s)", (spoilt,)
    )
    connection.execute(
        "INSERT INTO generated_images (request_id, user_id, prompt, storage_url, event_id)"
        " VALUES ('never', 'u', 'p', '/x', 'no event of this id')"
    )
    connection.execute("DELETE FROM dead_letters WHERE projection = 'table'")
    found = differences(ledger, "table", repair=True)
    named = {(one.table, one.what, one.kind, one.columns) for one in found}
    assert {("generated_images", one, "missing", ()) for one in gone} <= named
    changed = {("generated_images", one, "changed", ("n", "prompt")) for one in spoilt}
    assert changed <= named
    assert ("generated_images", "never", "unfounded", ()) in named
    letters = [one for one in found if one.table == "dead_letters"]
    assert len(found) == len(gone) + len(spoilt) + 1 + len(letters)
    assert kept in actual_rows(connection)
    assert [one.what for one in differences(ledger, "table")] == ["never"]
    differences(ledger, "table", repair=True, lose=True)
    assert differences(ledger, "table") == []
    judge(connection, records(ledger))


@pytest.mark.parametrize("crowded", [False, True])
def test_each_damage_of_the_statistics_is_named_and_mended(
    ledger: Ledger, connection: Connection[Any], kafka_server: str, *, crowded: bool
) -> None:
    # Nothing else is known of him, so his memberships are settled however the log was cut.
    data = {"request_id": "only", "user_id": "hermit", "tool_name": "generateComic", "prompt": "p"}
    place = {"storage_url": "https://x.test/1", "storage_provider": "s3"}
    send(kafka_server, ledger.topic, [message("ImageGenerated", data | place, EPOCH, "only")])
    filled(ledger, kafka_server, 2_000)
    ids = some(connection, "SELECT request_id FROM statistics_requests WHERE bytes IS NOT NULL")
    connection.execute(
        "UPDATE statistics_requests SET bytes = bytes + 1 WHERE request_id = %s", (ids[0],)
    )
    connection.execute("DELETE FROM statistics_requests WHERE request_id = %s", (ids[1],))
    connection.execute("UPDATE statistics_sums SET total = total + 1 WHERE bucket = 'total'")
    connection.execute(
        "DELETE FROM statistics_members WHERE user_id = 'hermit' AND bucket LIKE 'tool=%'"
    )
    if crowded:
        # As processes that load side by side stand in each other's way: no pair is settled.
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (MEMBERS_LOCK,))
    found = differences(ledger, "stats", repair=True)
    named = {(one.table, one.what, one.kind) for one in found}
    assert ("statistics_requests", ids[0], "changed") in named
    assert ("statistics_requests", ids[1], "missing") in named
    assert ("statistics_sums", "total", "changed") in named
    members = [one for one in found if one.table == "statistics_members"]
    assert [(one.what[:5], one.kind) for one in members] == [("tool=", "missing")]
    assert differences(ledger, "stats") == []
    judge(connection, records(ledger))
    # Workers go on from what was mended.
    filled(ledger, kafka_server, 500, seed=9)
    judge(connection, records(ledger))
