"""Sealed events: readable in the table, hidden in the log, and for good once the key is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg import Connection

from consumers.processor import Batch, Processor
from producers.sealing import Sealer
from projections import user_keys
from projections.image_table import TableProjection
from projections.positions import ProjectionKey
from projections.projection import Decoded
from projections.statistics import StatisticsProjection
from projections.unsealing import KEEP_S, Unsealer
from projections.user_keys import KeyTable
from schemas.codec import decode, encode
from schemas.events import Event
from schemas.sealing import ERASED, KeysUnavailable, cipher_of, new_key, seal
from tests.support.builders import TOPIC, failed, generated, record

pytestmark = pytest.mark.postgres

KEY = ProjectionKey("table", TOPIC, "id")


@pytest.fixture
def sealer(database_url: str) -> Iterator[Sealer]:
    import psycopg

    sealer = Sealer(KeyTable(lambda: psycopg.connect(database_url, autocommit=True)))
    yield sealer
    sealer.close()


def stood(event: Event, offset: int) -> Decoded:
    """The event as it comes out of the log."""
    return Decoded(record(event, 0, offset), decode(encode(event)))


def processed(database_url: str, events: list[Event], name: str = "table") -> Any:
    import psycopg

    projection = TableProjection() if name == "table" else StatisticsProjection()
    key = ProjectionKey(name, TOPIC, "id")
    processor = Processor(
        projection, key, lambda: psycopg.connect(database_url, autocommit=True), "test"
    )
    try:
        start = processor.claim([0])[0]
        decoded = [stood(event, start + number) for number, event in enumerate(events)]
        return processor.process(Batch(decoded, (), {0: start + len(events)}))
    finally:
        processor.close()


def rows(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT request_id, username, prompt, tags, metadata, message_id, error"
        " FROM generated_images ORDER BY request_id"
    ).fetchall()


PERSONAL: dict[str, Any] = {
    "username": "ada",
    "prompt": "my own cat",
    "tags": ("cat",),
    "metadata": {"name": "Tom"},
    "message_id": "17",
}


def test_the_table_shows_what_the_log_hides(
    database_url: str, connection: Connection[Any], sealer: Sealer
) -> None:
    events = [generated("a", **PERSONAL), failed("b", **PERSONAL, error="no cats today")]
    sealed = [sealer.seal(event) for event in events]
    for event in sealed:
        for secret in (b"ada", b"my own cat", b"Tom", b"no cats"):
            assert secret not in encode(event)
    processed(database_url, sealed)
    personal = ("ada", "my own cat", ["cat"], {"name": "Tom"}, "17")
    assert rows(connection) == [("a", *personal, None), ("b", *personal, "no cats today")]


def test_statistics_count_a_sealed_error_as_any_other(
    database_url: str, connection: Connection[Any], sealer: Sealer
) -> None:
    plain, hidden = failed("a", error="no cats 17"), failed("b", error="no cats 18")
    processed(database_url, [plain, sealer.seal(hidden)], "stats")
    found = connection.execute("SELECT DISTINCT error_fingerprint FROM statistics_requests")
    assert len(found.fetchall()) == 1


def test_a_user_has_one_key_however_many_ask(database_url: str, sealer: Sealer) -> None:
    import psycopg

    other = Sealer(KeyTable(lambda: psycopg.connect(database_url, autocommit=True)))
    first = sealer.seal(generated("a")), other.seal(generated("b"))
    other.close()
    ids = {str(one.data.sealed)[:12] for one in first}  # type: ignore[union-attr]  # of tools' events
    assert len(ids) == 1


def test_a_destroyed_key_leaves_nothing_to_read(
    database_url: str, connection: Connection[Any], sealer: Sealer
) -> None:
    sealed = [sealer.seal(generated("a", **PERSONAL)), sealer.seal(failed("b", **PERSONAL))]
    (key_id,) = user_keys.destroy(connection, "123")
    held = connection.execute("SELECT user_id, key FROM user_keys").fetchall()
    assert held == [(None, None)]
    assert user_keys.look_up(connection, [key_id]) == {key_id: None}
    processed(database_url, sealed)
    gone = (None, ERASED, None, None, None)
    assert rows(connection) == [("a", *gone, None), ("b", *gone, ERASED)]


def test_damaged_and_unknown_seals_are_set_aside_and_the_others_land(
    database_url: str, connection: Connection[Any], sealer: Sealer
) -> None:
    good = [sealer.seal(generated(f"good-{number}", prompt="mine")) for number in range(5)]
    key = new_key()
    stranger = seal(generated("stranger"), key.key_id, cipher_of(key.key))
    spoilt = sealer.seal(generated("spoilt"))
    text = str(spoilt.data.sealed)  # type: ignore[union-attr]  # of a tool's event
    data = spoilt.data.model_copy(update={"sealed": text[:-8] + "AAAAAAAA"})
    spoilt = spoilt.model_copy(update={"data": data})
    done = processed(database_url, [*good[:2], stranger, good[2], spoilt, *good[3:]])
    assert {letter.error_class for letter in done.dead_lettered} == {
        "SealingKeyUnknown",
        "SealBroken",
    }
    assert [row[2] for row in rows(connection)] == ["mine"] * 5


def test_keys_are_forgotten_after_a_while(connection: Connection[Any], sealer: Sealer) -> None:
    now = [0.0]
    unsealer = Unsealer(clock=lambda: now[0])
    prompts = []
    for moment in (0.0, KEEP_S - 1, KEEP_S + 1):
        now[0] = moment
        one = stood(sealer.seal(generated(f"at-{moment}", prompt="mine")), 0)
        unsealer.open(connection, [one])
        prompts.append(one.event.data.prompt)  # type: ignore[union-attr]  # of a tool's event
        user_keys.destroy(connection, "123")
    assert prompts == ["mine", "mine", ERASED]


@pytest.mark.parametrize("make", [generated, failed])
def test_what_a_known_key_sealed_is_opened_without_the_database(
    connection: Connection[Any], sealer: Sealer, make: Callable[..., Event]
) -> None:
    now = [0.0]
    unsealer = Unsealer(clock=lambda: now[0])
    one, two, three = (stood(sealer.seal(make(f"at-{n}", prompt="mine")), n) for n in range(3))
    assert unsealer.open_known([one]) == ([one], [], [])
    unsealer.open(connection, [one])
    assert unsealer.open_known([two]) == ([], [two], [])  # not as it was read
    assert two.event.data.prompt == "mine"  # type: ignore[union-attr]  # of a tool's event
    now[0] = KEEP_S + 1
    never = stood(make("at-4"), 4)
    assert unsealer.open_known([never, three]) == ([three], [never], [never])


def test_batches_prepared_with_and_without_keys_come_to_the_same(
    connection: Connection[Any], sealer: Sealer
) -> None:
    projection = TableProjection()
    events = [sealer.seal(generated(f"r-{n}", prompt=f"mine {n}")) for n in range(4)]
    delivery = [stood(event, number) for number, event in enumerate(events)]
    batch = projection.prepare(delivery[:2])
    assert len(batch.unopened) == 2
    with connection.transaction(force_rollback=True):
        projection.apply(connection, delivery[:2], batch)
    again = projection.prepare(delivery[2:])
    assert len(again.ready) == 2
    again.let_go()
    assert all(one.held is not None for one in delivery[2:])  # read again, they would be sealed
    batch.join(again)
    projection.apply(connection, delivery, batch)
    assert [row[2] for row in rows(connection)] == [f"mine {n}" for n in range(4)]


def test_without_a_database_known_users_go_on_and_others_wait() -> None:
    class Store:
        def __init__(self) -> None:
            self.away = False
            self.asked = 0

        def provide(self, user_ids: Any) -> Any:
            self.asked += 1
            if self.away:
                raise KeysUnavailable("away")
            return {user: new_key() for user in user_ids}

        def destroyed(self) -> frozenset[bytes]:
            if self.away:
                raise KeysUnavailable("away")
            return frozenset()

        def close(self) -> None:
            pass

    now, store = [0.0], Store()
    sealer = Sealer(store, clock=lambda: now[0])
    sealer.seal(generated("a", user_id="known"))
    store.away = True
    asked = store.asked
    for moment in (1.0, 1.1, 1.2):
        now[0] = moment
        assert sealer.seal(generated("b", user_id="known")).data.sealed  # type: ignore[union-attr]  # of a tool's event
        with pytest.raises(KeysUnavailable):
            sealer.seal(generated("c", user_id="new"))
    assert store.asked == asked + 1, "it was asked although it had just failed"
    now[0] = 1_000.0
    with pytest.raises(KeysUnavailable):
        sealer.seal(generated("d", user_id="known"))
