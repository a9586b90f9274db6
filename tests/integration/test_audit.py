"""The audit on real servers: each damage is named, nothing else is, and repairing mends it."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from psycopg import Connection

from operations.auditing import Audit, AuditOptions
from operations.publishing import open_spool
from producers.intents import IntendedFile, Intents
from producers.storage import file_name
from projections.auditing import findings_of, last_run
from schemas.events import GeneratedEvent
from tests.support.builders import deleted, failed, generated
from tests.support.ledger_world import LedgerWorld, ledger_world
from tests.support.running import Ran, Shell

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
def world(
    variables: dict[str, str], connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[LedgerWorld]:
    with ledger_world(variables, connection, monkeypatch) as world:
        for number in range(6):
            world.image(f"req-{number}", png(number))
        world.publish(failed("req-failed"))
        world.project()
        yield world


@pytest.fixture
def shell(world: LedgerWorld, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), (shade, 2 * shade, 100)).save(buffer, "PNG")
    return buffer.getvalue()


def audit(shell: Shell, *more: str) -> Ran:
    return shell("audit", "--grace", "0", *more, "--json")


def kinds(ran: Ran) -> set[tuple[str, str]]:
    return {(one["kind"], one["what"]) for one in ran.facts["findings"]}


def folder(world: LedgerWorld) -> Path:
    return world.settings.home / "uploads"


def name_of(request_id: str) -> str:
    return file_name("generateUserImage", request_id, "image/png")


def test_a_healthy_ledger_has_no_findings(world: LedgerWorld, shell: Shell) -> None:
    ran = audit(shell)
    assert (ran.code, ran.facts["findings"]) == (0, [])
    assert ran.facts["checked"] == {"rows": 7, "events": 7, "files": 6, "images_read": 6}
    assert "everything is as it should be" in shell("audit").out


def test_each_damage_is_named_for_what_it_is(
    world: LedgerWorld, shell: Shell, connection: Connection[Any]
) -> None:
    (folder(world) / name_of("req-0")).unlink()
    (folder(world) / "stray.png").write_bytes(png(77))
    (folder(world) / name_of("req-1")).write_bytes(png(1) + b"longer")
    changed = bytearray(png(2))
    changed[-20] ^= 1
    (folder(world) / name_of("req-2")).write_bytes(changed)
    connection.execute("DELETE FROM generated_images WHERE request_id = 'req-3'")
    connection.execute(
        "INSERT INTO generated_images (id, user_id, prompt, storage_url)"
        " VALUES (17, 'u', 'by hand', 'http://elsewhere.test/1.png')"
    )
    world.publish(deleted("req-4"))
    broken = png(5)[:60]
    stored = world.store.put(broken, name_of("req-broken"), "image/png")
    digest = hashlib.sha256(broken).hexdigest()
    place: dict[str, Any] = {"storage_url": stored.url, "storage_provider": "local"}
    world.publish(generated("req-broken", **place, bytes=60, sha256=digest))
    world.project()
    connection.execute(
        "INSERT INTO generated_images (request_id, user_id, prompt, storage_url, event_id)"
        " VALUES ('never', 'u', 'p', 'http://elsewhere.test/2.png', 'of no event')"
    )
    ran = audit(shell)
    assert ran.code == 1
    assert kinds(ran) == {
        ("row_without_bytes", "req-0"),
        ("bytes_without_row", "stray.png"),
        ("size_differs", "req-1"),
        ("content_differs", "req-1"),
        ("content_differs", "req-2"),
        ("event_without_row", "req-3"),
        ("row_without_event", "row 17"),
        ("deleted_with_bytes", name_of("req-4")),
        ("broken_image", "req-broken"),
        ("unfounded_row", "never"),
    }
    run = last_run(connection)
    assert run is not None
    assert run.counts["content_differs"] == 2
    assert len(findings_of(connection, run, 100)) == 10
    assert "files that no row speaks of" in shell("audit", "--grace", "0").out


def test_repairing_mends_what_can_be_mended(world: LedgerWorld, shell: Shell) -> None:
    (folder(world) / "stray.png").write_bytes(png(77))
    (folder(world) / "broken.png").write_bytes(png(78)[:50])
    world.publish(deleted("req-4"))
    world.project()
    ran = audit(shell, "--repair")
    assert ran.code == 0, ran
    assert (ran.facts["repaired"]["adopted"], ran.facts["repaired"]["quarantined"]) == (1, 2)
    world.project()
    adopted = world.connection.execute(
        "SELECT user_id, tool_name, bytes, storage_url FROM generated_images"
        " WHERE 'adopted' = ANY(tags)"
    ).fetchall()
    assert adopted == [("unknown", "adopted", len(png(77)), world.store.url_of("stray.png"))]
    aside = world.settings.home / "quarantine" / "local"
    assert sorted(one.name for one in aside.iterdir()) == ["broken.png", name_of("req-4")]
    again = audit(shell, "--repair")
    assert (again.code, again.facts["findings"]) == (0, [])


def test_the_file_of_a_row_that_can_be_replayed_is_not_a_stranger_s(
    world: LedgerWorld, shell: Shell
) -> None:
    world.connection.execute("DELETE FROM generated_images WHERE request_id = 'req-3'")
    ran = audit(shell, "--repair")
    assert (ran.code, kinds(ran)) == (1, {("event_without_row", "req-3")})
    assert (ran.facts["repaired"]["adopted"], ran.facts["repaired"]["quarantined"]) == (0, 0)
    assert name_of("req-3") in world.files


def test_with_quarantine_nothing_is_adopted(world: LedgerWorld, shell: Shell) -> None:
    (folder(world) / "stray.png").write_bytes(png(77))
    assert audit(shell, "--repair", "--quarantine").facts["repaired"]["quarantined"] == 1
    copy = world.settings.home / "quarantine" / "local" / "stray.png"
    assert copy.read_bytes() == png(77)
    assert "stray.png" not in world.files
    assert audit(shell).code == 0


def test_a_folder_from_before_is_booked(world: LedgerWorld, shell: Shell, tmp_path: Path) -> None:
    old = tmp_path / "old" / "deeper"
    old.mkdir(parents=True)
    (old / "known.png").write_bytes(png(3))
    (old / "unknown.PNG").write_bytes(png(88))
    (old / "notes.txt").write_text("no image")
    os.utime(old / "unknown.PNG", (1_700_000_000, 1_700_000_000))
    ran = audit(shell, "--folder", str(tmp_path / "old"))
    assert kinds(ran) == {("unbooked_file", str(old / "unknown.PNG"))}
    assert audit(shell, "--folder", str(tmp_path / "old"), "--repair").code == 0
    world.project()
    made = world.connection.execute(
        "SELECT extract(epoch FROM created_at)::bigint FROM generated_images"
        " WHERE 'adopted' = ANY(tags)"
    ).fetchall()
    assert made == [(1_700_000_000,)]
    assert audit(shell, "--folder", str(tmp_path / "old")).code == 0


def test_uploads_in_flight_are_no_findings(world: LedgerWorld, shell: Shell) -> None:
    # Stored and not yet told, by a call that is under way.
    event = generated("req-flying")
    assert isinstance(event, GeneratedEvent)
    world.store.put(png(50), name_of("req-flying"), "image/png")
    spool = open_spool(world.settings)
    intents = Intents(spool)
    intent = intents.open(event.data)
    intents.open_file(intent, IntendedFile(1, name_of("req-flying"), event))
    # Stored and told, and the table has not come to it yet.
    world.image("req-waiting", png(51))
    ran = audit(shell)
    assert (ran.code, ran.facts["findings"]) == (0, [])
    intents.close_file(intent, 1)
    spool.close()
    young = name_of("req-flying")
    assert kinds(audit(shell)) == {("bytes_without_row", young)}
    assert shell("audit", "--json").facts["findings"] == [], "the grace was not given"


def test_what_is_mended_meanwhile_is_not_said(world: LedgerWorld) -> None:
    """A file is listed as missing, and is there by the time that it would be said."""
    name = name_of("req-0")
    data = world.store.read(name)
    world.store.delete(name)

    class Late:
        """The log is read after the listing; then the file comes back."""

        def __init__(self, reader: Any) -> None:
            self._reader = reader

        def describe(self) -> Any:
            return self._reader.describe()

        def read(self, *arguments: Any) -> Any:
            world.store.put(data, name, "image/png")
            return self._reader.read(*arguments)

    reader = world.ledger.reader()
    with world.ledger.connect() as connection:
        work = Audit(connection, Late(reader), [world.store])  # type: ignore[arg-type]  # as much as it needs
        assert work.run(AuditOptions(timedelta(0))).findings == []
    reader.close()


def test_an_image_that_another_store_has_is_told_as_moved(
    world: LedgerWorld, tmp_path: Path
) -> None:
    from operations.audit_repair import Repair
    from producers.storage import LocalStorage

    class Other(LocalStorage):
        provider = "other"

    other = Other(tmp_path / "other", "http://other.test/images")
    name = name_of("req-0")
    other.put(world.store.read(name), name, "image/png")
    world.store.delete(name)
    reader = world.ledger.reader()
    with world.ledger.connect() as connection:
        found = Audit(connection, reader, [world.store, other]).run(AuditOptions(timedelta(0)))
    reader.close()
    assert [(one.kind, one.what) for one in found.findings] == [
        ("row_without_bytes", "req-0"),
        ("bytes_without_row", name),
    ]
    repair = Repair(world.publisher, [world.store, other], tmp_path / "aside", adopt=True)
    repaired = repair.mend(found.findings)
    assert (repaired.moved, repaired.adopted, repaired.quarantined) == (1, 0, 0)
    world.project()
    url = world.connection.execute(
        "SELECT storage_url FROM generated_images WHERE request_id = 'req-0'"
    ).fetchall()
    assert url == [(other.url_of(name),)]


def test_wrong_use_is_one_line(shell: Shell) -> None:
    assert "give --repair with it" in shell.fails("audit", "--quarantine")[1]
    assert "leave --no-log out" in shell.fails("audit", "--repair", "--no-log")[1]
    assert "is no folder" in shell.fails("audit", "--folder", "absent")[1]
