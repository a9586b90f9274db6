"""Moving images from the fallback to GitHub, on real servers; each has a place all the time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from pydantic import SecretStr

from operations.settings import Settings
from producers.kafka_publisher import KafkaPublisher
from producers.publisher import Acknowledgement, PublishUnavailable
from producers.storage import NotStored, Stored, file_name
from schemas.events import Event
from tests.support.builders import TIME, deleted, generated
from tests.support.github_server import TOKEN, Fault, GitHubServer, github_server
from tests.support.running import Shell
from tests.support.transfer_world import IMAGES, PNG, TransferWorld

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


class Killed(BaseException):
    """What no part of a transfer catches."""


class Dying:
    """A publisher whose process is killed at the event of this number, before or after it."""

    def __init__(self, publisher: KafkaPublisher, number: int, *, after: bool) -> None:
        self._publisher, self._left, self._after = publisher, number, after

    def publish(self, event: Event) -> Acknowledgement:
        self._left -= 1
        if self._left >= 0:
            return self._publisher.publish(event)
        if self._after:
            self._publisher.publish(event)
        raise Killed


@pytest.fixture
def server() -> Iterator[GitHubServer]:
    with github_server() as server:
        yield server


@pytest.fixture
def variables(
    kafka_server: str, topic: str, database_url: str, tmp_path: Path, server: GitHubServer
) -> dict[str, str]:
    return {
        "OMEGA_HOME": str(tmp_path),
        "OMEGA_KAFKA_BOOTSTRAP_SERVERS": kafka_server,
        "OMEGA_DATABASE_URL": database_url,
        "OMEGA_TOPIC": topic,
        "OMEGA_STORAGE_PROVIDER": "github",
        "OMEGA_STORAGE_GITHUB_REPOSITORY": "ada/omega",
        "OMEGA_STORAGE_GITHUB_TOKEN": TOKEN,
        "OMEGA_STORAGE_GITHUB_API_URL": server.url,
    }


@pytest.fixture
def world(
    variables: dict[str, str],
    connection: Connection[Any],
    server: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TransferWorld]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    world = TransferWorld(Settings(), connection, server)
    yield world
    world.publisher.close()


def test_images_move_and_their_old_bytes_go_when_the_table_shows_it(world: TransferWorld) -> None:
    world.generate()
    assert world.old_files == IMAGES
    assert world.transfer().moved == IMAGES
    world.judge()
    assert world.sweep() == (0, 0)
    assert (world.moved, world.old_files) == (0, IMAGES)
    world.project()
    world.judge()
    assert (world.moved, world.old_files) == (IMAGES, IMAGES)
    assert world.sweep(world.judge) == (IMAGES, 0)
    world.judge()
    assert world.old_files == 0


def test_twice_moves_nothing_twice(world: TransferWorld) -> None:
    world.generate()
    for _ in range(2):
        # The table shows nothing of the first run yet.
        assert world.transfer().moved == IMAGES
    assert len(world.server.repository.commits) == IMAGES
    world.project()
    world.judge()
    again = world.transfer()
    assert (again.moved, again.complete) == (0, True)
    assert world.sweep() == (IMAGES, 0)
    assert world.sweep() == (0, 0)
    world.judge()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [0, 5])
def test_a_run_that_was_killed_is_gone_on_with(
    world: TransferWorld, number: int, after: bool
) -> None:
    world.generate()
    dying: Any = Dying(world.publisher, number, after=after)
    with pytest.raises(Killed):
        world.transfer(dying)
    world.judge()
    world.project()
    world.judge()
    assert world.moved == number + after
    world.sweep()
    world.judge()
    assert world.transfer().moved == IMAGES - number - after
    world.project()
    world.sweep()
    world.judge()
    assert (world.moved, world.old_files) == (IMAGES, 0)


def test_someone_who_looks_all_the_time_finds_every_image(world: TransferWorld) -> None:
    """The reader takes the URL from the table and fetches it within the grace."""
    world.generate()
    ended = threading.Event()
    looks, losses = 0, []

    def look() -> None:
        nonlocal looks
        with world.ledger.connect() as own:
            while not ended.is_set():
                rows = own.execute("SELECT request_id, storage_url FROM generated_images")
                for request_id, url in rows.fetchall():
                    try:
                        right = world.at(url) == world.images[request_id]
                    except NotStored:
                        right = False
                    looks += 1
                    if not right:
                        losses.append((request_id, url))

    def a_round_of_looks() -> None:
        seen = looks
        while looks < seen + 2 * IMAGES and thread.is_alive():
            ended.wait(0.005)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        world.transfer()
        world.project()
        world.sweep(a_round_of_looks)
        a_round_of_looks()
    finally:
        ended.set()
        thread.join()
    assert losses == []
    assert looks > 4 * IMAGES
    assert world.old_files == 0


def test_a_primary_that_goes_down_stops_the_run_and_loses_nothing(world: TransferWorld) -> None:
    world.generate()
    world.server.faults.extend([Fault(only="GET")] * 4 + [Fault(401, "Bad credentials")])
    stopped = world.transfer()
    assert "Bad credentials" in str(stopped.stopped)
    assert not stopped.complete
    world.project()
    world.judge()
    assert world.transfer().complete
    world.project()
    world.judge()
    assert world.moved == IMAGES


def test_a_dead_kafka_stops_the_run(world: TransferWorld) -> None:
    world.generate()

    class Dead:
        def publish(self, _: Event) -> Acknowledgement:
            raise PublishUnavailable("no broker answers")

    dead: Any = Dead()
    assert world.transfer(dead).stopped == "no broker answers"
    world.project()
    world.judge()
    assert (world.moved, world.sweep()) == (0, (0, 0))


def test_what_cannot_be_moved_is_named_and_left(world: TransferWorld) -> None:
    world.generate(4)
    names = [file.filename for file in world.local.list()]
    world.local.delete(names[0])
    world.local.put(PNG + b"spoilt", names[1], "image/png")
    foreign = Stored(
        "https://omegaai.dev/uploads/x.png", "local", 1, hashlib.sha256(b"").hexdigest()
    )
    world.publish("req-foreign", foreign)
    world.connection.execute(
        "INSERT INTO generated_images (user_id, prompt, storage_url, storage_provider) "
        "VALUES ('1', 'p', %s, 'local')",
        (world.local.url_of("z.png"),),
    )
    world.project()
    result = world.transfer()
    assert (result.missing, result.damaged) == (["req-00"], ["req-01"])
    assert result.elsewhere[0] == "req-foreign" or result.elsewhere[1] == "req-foreign"
    assert len(result.elsewhere) == 2
    assert (result.moved, result.complete) == (2, False)
    world.project()
    assert world.sweep() == (2, 0)
    assert world.local.read(names[1]) == PNG + b"spoilt"


def test_old_bytes_stay_where_the_new_place_has_others_or_has_lost_them(
    world: TransferWorld,
) -> None:
    world.generate(3)
    world.transfer()
    world.project()
    names = [file.filename for file in world.local.list()]
    world.primary.put(PNG + b"other", names[0], "image/png")
    world.primary.delete(names[1])
    assert world.sweep() == (1, 2)
    assert [file.filename for file in world.local.list()] == names[:2]


def test_old_bytes_stay_while_an_earlier_success_may_yet_speak_of_them(
    world: TransferWorld,
) -> None:
    """A retry went to the primary while the first try's event still waits in a spool."""
    name = file_name("generateUserImage", "req-00", "image/png")
    world.images["req-00"] = PNG
    first = world.local.put(PNG, name, "image/png")
    world.publish("req-00", world.primary.put(PNG, name, "image/png"))
    world.project()
    assert world.sweep() == (0, 0)
    early = {"storage_url": first.url, "storage_provider": "local"}
    world.publisher.publish(generated("req-00", time=TIME - timedelta(hours=1), **early))
    world.project()
    assert world.places() == {"req-00": first.url}
    world.judge()


def test_an_image_deleted_meanwhile_does_not_come_back(world: TransferWorld) -> None:
    world.generate(2)
    world.publisher.publish(deleted("req-00"))
    del world.images["req-00"]
    world.transfer()
    world.project()
    world.judge()


def test_the_command(world: TransferWorld, capsys: pytest.CaptureFixture[str]) -> None:
    world.generate(3)
    run = Shell(capsys)
    foretold = run("transfer", "--dry-run", "--json")
    assert foretold.facts["images"] == 3
    assert world.server.repository.files == {}
    stop = threading.Event()
    worker = threading.Thread(target=lambda: keep_projecting(world, stop))
    worker.start()
    try:
        some = run("transfer", "--limit", "1", "--grace", "0", "--json")
        rest = run("transfer", "--grace", "0", "--json")
    finally:
        stop.set()
        worker.join()
    assert (some.facts["moved"], some.facts["deleted"], some.code) == (1, 1, 0)
    assert (rest.facts["moved"], rest.facts["deleted"], rest.code) == (2, 2, 0)
    world.judge()
    assert "0 images moved" in run("transfer", "--grace", "0").out
    assert (world.moved, world.old_files) == (3, 0)


def keep_projecting(world: TransferWorld, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        world.project()


def test_without_a_provider_there_is_nothing_to_move_to(
    world: TransferWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMEGA_STORAGE_PROVIDER", "local")
    code, line = Shell(capsys).fails("transfer")
    assert (code, "OMEGA_STORAGE_PROVIDER is local" in line) == (2, True)


def test_a_wrong_token_is_told_in_one_line_without_it(
    world: TransferWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.generate(1)
    monkeypatch.setenv("OMEGA_STORAGE_GITHUB_TOKEN", "github_pat_wrong")
    ran = Shell(capsys)("transfer", "--json")
    assert ran.code == 1
    assert "is the token right" in ran.facts["stopped"]
    assert "github_pat_wrong" not in ran.out + ran.err
    assert isinstance(Settings().storage_github_token, SecretStr)
