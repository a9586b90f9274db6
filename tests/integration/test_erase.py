"""Erasing a user: nothing of him can be read afterwards, and nothing of anybody else is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection
from psycopg.sql import SQL

from operations.erasing import Eraser
from operations.publishing import open_spool
from operations.rebuilding import RebuildOptions, run_as_of, run_rebuild
from operations.storing import open_stores
from producers.intents import IntendedFile, Intents
from producers.kafka_publisher import KafkaPublisher
from producers.spool_rows import SpoolEntry
from producers.storage import StorageUnavailable
from schemas.codec import encode
from schemas.events import GeneratedEvent, RequestData
from tests.support.builders import TIME, failed, generated
from tests.support.ledger_world import PNG, LedgerWorld, ledger_world
from tests.support.running import Shell
from tests.support.sending import AnyMessage, send

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

SECRETS = (b"my own cat", b"ada lovelace", b"Tom the cat", b"no cats today")
MINE: dict[str, Any] = {
    "user_id": "123",
    "username": "ada lovelace",
    "prompt": "my own cat",
    "metadata": {"name": "Tom the cat"},
}
HIS: dict[str, Any] = {"user_id": "456", "username": "bob", "prompt": "a boat"}


@pytest.fixture
def world(
    variables: dict[str, str], connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[LedgerWorld]:
    with ledger_world(variables, connection, monkeypatch) as world:
        yield world


@pytest.fixture
def shell(world: LedgerWorld, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def fill(world: LedgerWorld) -> None:
    for number in range(3):
        world.image(f"mine-{number}", **MINE)
        world.image(f"his-{number}", **HIS)
    world.publish(failed("mine-failed", **MINE, error="no cats today"))
    world.project()


def everything(connection: Connection[Any]) -> bytes:
    """All that the tables hold, of whatever schema."""
    tables = connection.execute(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    rows = []
    for (table,) in tables:
        rows += connection.execute(SQL("SELECT t::text FROM {} AS t").format(SQL(table))).fetchall()
    letters = connection.execute("SELECT value FROM dead_letters").fetchall()
    return b"\n".join([*(row[0].encode() for row in rows), *(bytes(one[0]) for one in letters)])


def test_nothing_of_the_user_is_left_and_all_of_the_others(
    world: LedgerWorld, shell: Shell
) -> None:
    fill(world)
    spool = open_spool(world.settings)
    waiting = generated("mine-spooled", **MINE)
    spool.append(SpoolEntry(waiting.id, "mine-spooled", encode(waiting)), claim=False)
    spool.close()
    # A record that no projection takes, as some other producer may have written it.
    poison = json.loads(encode(generated("mine-poison", **MINE)))
    poison["data"]["bytes"] = "many"
    world.connection.execute(
        'INSERT INTO dead_letters (projection, topic, partition, "offset", timestamp_ms, value,'
        " headers, error_class, message, fingerprint)"
        " VALUES ('table', 't', 0, 0, 0, %s, '[]', 'WrongType', 'm', 'f')",
        (json.dumps(poison).encode(),),
    )
    for projection in ("table", "stats"):
        run_rebuild(world.ledger, projection, RebuildOptions(processes=1), lambda _: True)
    run_as_of(world.ledger, TIME, "as_it_was", 1)
    with world.working():
        ran = shell("erase", "123", "--by", "request 42", "--yes", "--json")
    assert ran.code == 0, ran
    receipt = ran.facts
    assert receipt["log"]["readable"] == 0
    assert receipt["log"]["events_sealed"] == 4
    assert len(receipt["keys_destroyed"]) == 1
    assert (receipt["images"], receipt["files"]) == (5, 3)
    assert (receipt["spooled"], receipt["dead_letters"]) == (1, 1)
    assert receipt["rows_of_kept_tables"] >= 4
    assert world.rows == ["his-0", "his-1", "his-2"]
    assert [name for name in world.files if "mine" in name] == []
    assert len(world.files) == 3
    held = everything(world.connection)
    for secret in SECRETS:
        assert secret not in held
        assert secret not in world.values()
    statistics = shell("images", "stats", "--json").facts
    assert (statistics["total_images"], statistics["unique_users"]) == (3, 1)
    assert shell("reconcile", "--json").code == 0


def test_images_that_only_the_spool_knows_of_go_too(world: LedgerWorld, shell: Shell) -> None:
    fill(world)
    spool = open_spool(world.settings)
    for request_id in ("mine-waiting", "mine-untold"):
        name = f"{request_id}.png"
        place = world.store.put(PNG + request_id.encode(), name, "image/png")
        event = generated(
            request_id, **MINE, storage_url=place.url, storage_provider=place.provider
        )
        assert isinstance(event, GeneratedEvent)
        if request_id == "mine-waiting":
            spool.append(SpoolEntry(event.id, request_id, encode(event)), claim=False)
        else:
            # Its process died when the image was stored, and the event was not yet written.
            intents = Intents(spool)
            request = RequestData(request_id=request_id, tool_name="generateUserImage", **MINE)
            intents.open_file(intents.open(request), IntendedFile(1, name, event))
    spool.close()
    with world.working():
        ran = shell("erase", "123", "--yes", "--json")
        assert shell("erase", "nobody", "--yes").code == 0
    assert (ran.code, ran.facts["spooled"], ran.facts["files"]) == (0, 2, 5)
    assert [name for name in world.files if "mine" in name] == []
    assert len(world.files) == 3


def test_an_erasure_killed_when_the_spool_was_purged_is_gone_on_with(
    world: LedgerWorld, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world.store.put(PNG, "mine-waiting.png", "image/png")
    event = generated("mine-waiting", **MINE, storage_url=place.url, storage_provider="local")
    spool = open_spool(world.settings)
    spool.append(SpoolEntry(event.id, "mine-waiting", encode(event)), claim=False)
    spool.close()
    world.publish(generated("his", **HIS))
    world.project()

    def killed(_: object, __: object) -> None:
        raise KeyboardInterrupt

    with world.working(), world.ledger.connect() as connection:
        eraser = Eraser(world.ledger, connection, world.publisher, open_stores(world.settings))
        with monkeypatch.context() as patch:
            patch.setattr("operations.erasing.user_keys.destroy", killed)
            with pytest.raises(KeyboardInterrupt):
                eraser.erase("123")
        assert world.files == ["mine-waiting.png"]
        assert shell("erase", "123", "--yes").code == 0
    assert world.files == []


def test_the_planner_s_samples_of_the_user_go(world: LedgerWorld, shell: Shell) -> None:
    fill(world)
    world.connection.execute("ANALYZE")
    samples = "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'generated_images'"
    assert "my own cat" in str(world.connection.execute(samples).fetchall())
    with world.working():
        assert shell("erase", "123", "--yes").code == 0
    assert "my own cat" not in str(world.connection.execute(samples).fetchall())


def test_a_rebuild_from_nothing_brings_nothing_back(world: LedgerWorld, shell: Shell) -> None:
    fill(world)
    with world.working():
        assert shell("erase", "123", "--yes").code == 0
    world.connection.execute(
        "TRUNCATE generated_images, image_relocations, deleted_images, projection_positions"
    )
    world.project("table")
    assert world.rows == ["his-0", "his-1", "his-2"]
    held = everything(world.connection)
    assert not any(secret in held for secret in SECRETS)


def test_the_user_may_come_back(world: LedgerWorld, shell: Shell) -> None:
    fill(world)
    with world.working():
        assert shell("erase", "123", "--yes").code == 0
        later = LedgerWorld(world.settings, world.connection)
        later.image("again", **MINE)
        later.close()
    world.project()
    found = world.connection.execute(
        "SELECT prompt FROM generated_images WHERE request_id = 'again'"
    ).fetchall()
    assert found == [("my own cat",)]


def test_what_was_never_sealed_is_named(world: LedgerWorld, shell: Shell) -> None:
    plain = KafkaPublisher(world.ledger.servers.kafka, world.ledger.topic)
    place = plain.publish(generated("mine-plain", **MINE))
    plain.close()
    with world.working():
        ran = shell("erase", "123", "--yes", "--json")
    assert ran.code == 1
    assert ran.facts["log"]["readable_at"] == [place.token]
    assert "finished_at" not in ran.facts


def test_a_record_that_is_no_event_is_named_when_anybody_can_read_it(
    world: LedgerWorld, shell: Shell
) -> None:
    bad = json.loads(encode(generated("mine-bad", **MINE)))
    bad["data"]["bytes"] = "many"
    sealed = {"data": {"user_id": "123", "bytes": "many"}}
    values = [json.dumps(bad).encode(), json.dumps(sealed).encode(), b'{"user_id": "123", "my own']
    send(
        world.ledger.servers.kafka.bootstrap_servers,
        world.ledger.topic,
        [AnyMessage(b"key", value) for value in values],
    )
    with world.working():
        ran = shell("erase", "123", "--yes", "--json")
    assert (ran.code, ran.facts["log"]["readable"]) == (1, 2)


def test_rows_that_no_event_made_go_too(world: LedgerWorld, shell: Shell) -> None:
    world.connection.execute(
        "INSERT INTO generated_images (user_id, prompt, storage_url)"
        " VALUES ('123', 'my own cat', 'http://x.test/1'), ('456', 'a boat', 'http://x.test/2')"
    )
    with world.working():
        assert shell("erase", "123", "--yes", "--json").facts["images"] == 1
    users = world.connection.execute("SELECT user_id FROM generated_images").fetchall()
    assert users == [("456",)]


def test_an_interrupted_erasure_is_gone_on_with(
    world: LedgerWorld, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world)
    from producers.storage.local import LocalStorage

    delete, calls = LocalStorage.delete, [0]

    def failing(store: LocalStorage, name: str) -> bool:
        calls[0] += 1
        if calls[0] == 2:
            raise StorageUnavailable("the disk is away")
        return delete(store, name)

    with world.working():
        monkeypatch.setattr(LocalStorage, "delete", failing)
        ran = shell("erase", "123", "--yes", "--json")
        assert ran.code == 1
        assert ran.facts["stopped"] == "the disk is away"
        again = shell("erase", "123", "--yes", "--json")
    assert again.code == 0, again
    assert again.facts["erasure"] == ran.facts["erasure"]
    assert again.facts["keys_destroyed"] == ran.facts["keys_destroyed"] != []
    assert len(world.files) == 3
    assert world.rows == ["his-0", "his-1", "his-2"]
    assert shell("erase", "nobody", "--yes").code == 0


def test_without_workers_it_stops_and_says_so(
    world: LedgerWorld, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world)
    monkeypatch.setattr("operations.removing.SHOWN_WITHIN_S", 0.2)
    ran = shell("erase", "123", "--yes")
    assert ran.code == 1
    assert "is its worker running?" in ran.out
    assert len(world.files) == 6, "bytes went before the table had let go of them"


def test_wrong_use_is_one_line(shell: Shell) -> None:
    assert shell.fails("erase", "123")[1].endswith("run it with --yes")
    assert "1 to 32 characters" in shell.fails("erase", "x" * 33, "--yes")[1]
