"""The spool alone: durable, bounded, shared, and honest about damage."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers import spool_sql as sql
from producers.spool import Spool
from producers.spool_errors import SpoolDamaged, SpoolError, SpoolFull, SpoolUnavailable
from producers.spool_file import set_aside_files
from producers.spool_rows import SpoolEntry, SpoolLimits


def entry(number: int, size: int = 100) -> SpoolEntry:
    return SpoolEntry(f"e{number}", f"r{number}", bytes([number % 256]) * size)


def ids(spool: Spool, limit: int = 10_000) -> list[str]:
    return [claimed.event_id for claimed in spool.claim(limit)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "spool.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path)
    yield spool
    spool.close()


def test_what_was_appended_is_there_after_a_restart(path: Path) -> None:
    spool = Spool(path)
    spool.append(entry(1), claim=True)
    spool.append(entry(2), claim=False)
    spool.close()

    again = Spool(path)
    claimed = again.claim(10)
    assert [(row.event_id, row.value) for row in claimed] == [
        ("e1", entry(1).value),
        ("e2", entry(2).value),
    ]
    again.close()


def test_an_acknowledged_event_goes(spool: Spool) -> None:
    spool.append(entry(1), claim=True)
    spool.append(entry(2), claim=True)
    spool.acknowledged("e1")
    assert spool.status()[:2] == (1, 100)
    spool.acknowledged("e2")
    assert spool.status()[:2] == (0, 0)


def test_nobody_claims_what_another_has_claimed(spool: Spool, path: Path) -> None:
    spool.append(entry(1), claim=True)
    spool.append(entry(2), claim=False)
    other = Spool(path)
    assert ids(other) == ["e2"]
    assert ids(spool) == []
    other.close()
    assert ids(spool) == ["e2"], "who closes lets go"


def test_what_was_tried_least_comes_first(spool: Spool) -> None:
    for number in range(3):
        spool.append(entry(number), claim=True)
    for number, times in ((0, 2), (1, 1), (2, 0)):
        for _ in range(times):
            spool.released(f"e{number}", "the broker is away")
        spool.released(f"e{number}", None)
    spool.sync()
    assert ids(spool) == ["e2", "e1", "e0"]
    assert spool.status().last_error == "the broker is away"


def test_the_same_event_again_is_one(spool: Spool) -> None:
    spool.append(entry(1), claim=True)
    spool.append(entry(1), claim=False)
    assert spool.status()[:2] == (1, 100)
    assert ids(spool) == ["e1"]


def test_a_full_spool_says_so_and_takes_again_what_has_room(path: Path) -> None:
    spool = Spool(path, SpoolLimits(max_events=3, max_bytes=1_000))
    for number in range(3):
        spool.append(entry(number), claim=True)
    with pytest.raises(SpoolFull, match=r"3 events, 300 bytes.*limit 3 events; is Kafka up\?"):
        spool.append(entry(3), claim=True)
    spool.acknowledged("e0")
    with pytest.raises(SpoolFull, match="limit 1,000 bytes"):
        spool.append(entry(4, size=801), claim=True)
    spool.append(entry(5, size=800), claim=True)
    assert spool.status()[:2] == (3, 1_000)
    spool.close()


def test_refused_events_are_kept_and_take_no_room(path: Path) -> None:
    spool = Spool(path, SpoolLimits(max_events=1))
    spool.append(entry(1), claim=True)
    spool.refused("e1", "too large")
    spool.append(entry(2), claim=True)
    status = spool.status()
    assert (status.waiting, status.bytes, status.refused) == (1, 100, 1)
    assert spool.list_refused() == [("e1", "r1", "too large")]
    assert ids(spool) == []

    spool.retry_refused()
    assert spool.status()[:3] == (2, 200, 0)
    assert ids(spool) == ["e1"]
    spool.close()


def test_only_the_latest_refused_events_are_kept(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.spool.REFUSED_KEPT", 10)
    for number in range(15):
        spool.append(entry(number), claim=True)
        spool.refused(f"e{number}", "no")
    assert spool.status().refused == 10
    assert spool.list_refused(1)[0].event_id == "e5"


def test_threads_commit_together(spool: Spool) -> None:
    def append(thread: int) -> None:
        for number in range(50):
            spool.append(entry(thread * 50 + number), claim=True)
            spool.acknowledged(f"e{thread * 50 + number}") if number % 2 else None

    threads = [threading.Thread(target=append, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spool.status()[:2] == (200, 20_000)


def test_one_who_is_refused_does_not_harm_those_who_commit_with_it(path: Path) -> None:
    spool = Spool(path, SpoolLimits(max_events=40))
    taken: list[int] = []
    full: list[int] = []

    def append(number: int) -> None:
        try:
            spool.append(entry(number), claim=True)
        except SpoolFull:
            full.append(number)
        else:
            taken.append(number)

    threads = [threading.Thread(target=append, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(full), spool.status().waiting) == (40, 20, 40)
    spool.close()


def test_a_closed_spool_takes_nothing(spool: Spool) -> None:
    spool.close()
    with pytest.raises(SpoolUnavailable, match="is closed"):
        spool.append(entry(1), claim=True)


def test_nobody_else_may_read_it(spool: Spool, path: Path) -> None:
    spool.append(entry(1), claim=True)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir() if file.is_file()}
    assert modes == {0o600}


@given(places=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_log_that_is_cut_anywhere_keeps_what_was_durable(
    tmp_path_factory: pytest.TempPathFactory, places: st.DataObject
) -> None:
    """A crash leaves a beginning of what was written; whatever was synced is in it."""
    folder = tmp_path_factory.mktemp("cut")
    spool = Spool(folder / "spool.db")
    log = folder / "spool.db-wal"
    synced: list[tuple[int, set[str]]] = []
    alive: set[str] = set()
    for number in range(places.draw(st.integers(1, 12))):
        remove = places.draw(st.booleans())
        if remove and alive:
            gone = places.draw(st.sampled_from(sorted(alive)))
            spool.acknowledged(gone)
            spool.sync()
            alive.remove(gone)
        else:
            spool.append(entry(number, places.draw(st.sampled_from([1, 700, 9_000]))), claim=False)
            alive.add(f"e{number}")
        synced.append((log.stat().st_size, set(alive)))
    cut = places.draw(st.integers(0, log.stat().st_size))
    copy = tmp_path_factory.mktemp("copy") / "spool.db"
    shutil.copy(folder / "spool.db", copy)
    copy.with_name("spool.db-wal").write_bytes(log.read_bytes()[:cut])
    spool.close()

    states = [state for size, state in synced if size <= cut]
    after = Spool(copy)
    assert set(ids(after)) == (states[-1] if states else set())
    assert not set_aside_files(copy)
    after.close()


class ErrorLog:
    """A logger for errors alone."""

    def __init__(self, lines: list[dict[str, str]]) -> None:
        self._lines = lines

    def error(self, event: str, **facts: str) -> None:
        self._lines.append({"event": event, **facts})


def damaged(path: Path, how: str) -> None:
    if how == "emptied":
        path.write_bytes(b"")
    elif how == "overwritten":
        path.write_bytes(b"something else " * 1_000)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 // 4096 * 4096])
    else:
        data = bytearray(path.read_bytes())
        data[4096 : 4096 * 4] = b"\xff" * (4096 * 3)
        path.write_bytes(bytes(data))


@pytest.mark.parametrize("how", ["emptied", "overwritten", "cut", "garbled"])
def test_a_damaged_file_is_reported_and_set_aside(
    path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, str]] = []
    monkeypatch.setattr("producers.spool_file.log", ErrorLog(lines))
    spool = Spool(path)
    for number in range(50):
        spool.append(entry(number, 900), claim=False)
    spool.close()
    damaged(path, how)
    left = path.read_bytes()

    again = Spool(path)
    (line,) = lines
    assert "set aside" in line["event"]
    (aside,) = set_aside_files(path)
    assert aside.name == line["set_aside"]
    assert aside.read_bytes() == left
    again.append(entry(1), claim=False)
    assert ids(again) == ["e1"]
    again.close()


def test_a_damaged_file_in_use_is_not_moved(path: Path) -> None:
    spool = Spool(path)
    spool.append(entry(1), claim=False)
    with path.open("r+b") as file:
        file.write(b"\0" * 100)
    with pytest.raises(SpoolDamaged, match="in use; stop the other programs"):
        Spool(path)
    assert not set_aside_files(path)
    spool.close()


def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE theirs (a)")
    foreign.commit()
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(SpoolUnavailable, match="not a spool"):
        Spool(path)
    assert path.read_bytes() == before


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpoolUnavailable, match="name a file that can be written"):
        Spool(tmp_path / "file" / "spool.db")


def test_a_disk_that_is_full_fails_the_call_and_harms_nothing(spool: Spool) -> None:
    spool.append(entry(1), claim=False)
    pages = int(spool.read("PRAGMA page_count")[0][0])
    spool.read(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SpoolError, match="full"):
        spool.append(entry(2, 900_000), claim=False)
    spool.read("PRAGMA max_page_count = 1000000")
    spool.append(entry(3, 900_000), claim=False)
    assert ids(spool) == ["e1", "e3"]


def append_all(spool: Spool, events: list[SpoolEntry]) -> dict[int, SpoolError]:
    """Which are not durable, and why."""
    told: list[dict[int, SpoolError]] = []
    done = threading.Event()

    def tell(errors: Mapping[int, SpoolError]) -> None:
        told.append(dict(errors))
        done.set()

    spool.append_all_soon(events, tell, claim=False)
    assert done.wait(10)
    return told[0]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 555])
def test_many_are_appended_together_and_removed(spool: Spool, count: int) -> None:
    assert append_all(spool, [entry(number) for number in range(count)]) == {}
    assert spool.status()[:2] == (count, count * 100)
    claimed = spool.claim(1_000)
    assert [(row.event_id, row.value) for row in claimed] == [
        (f"e{number}", entry(number).value) for number in range(count)
    ]
    for number in range(0, count, 2):
        spool.acknowledged(f"e{number}")
    assert spool.status().waiting == count // 2
    spool._commits.run(lambda connection: connection.execute(sql.LET_GO, (spool.owner,)))
    assert ids(spool) == [f"e{number}" for number in range(1, count, 2)]


@given(
    sizes=st.lists(st.integers(0, 60), max_size=30),
    there=st.integers(0, 10),
    numbers=st.randoms(use_true_random=False),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_appended_together_there_is_room_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], there: int, numbers: Random
) -> None:
    events = [entry(numbers.randrange(20), size) for size in sizes]
    limits = SpoolLimits(max_events=15, max_bytes=400)
    folder = tmp_path_factory.mktemp("spools")
    together, singly = Spool(folder / "a.db", limits), Spool(folder / "b.db", limits)
    for spool in (together, singly):
        append_all(spool, [entry(number, 10) for number in range(there)])
    full = set(append_all(together, events))
    refused = {index for index, event in enumerate(events) if append_all(singly, [event])}
    assert full == refused
    assert together.status()[:2] == singly.status()[:2]
    assert together.claim(100) == singly.claim(100)
    together.close()
    singly.close()


def test_what_was_acknowledged_goes_although_the_disk_failed_meanwhile(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_all(spool, [entry(number) for number in range(3)])

    def fail_before_commit(group: Any, later: Any) -> None:
        for work in later:
            work(Disregarding())
        raise sqlite3.OperationalError("disk I/O error")

    class Disregarding:
        """A connection whose transaction is rolled back."""

        def execute(self, *_: Any) -> None:
            return None

    monkeypatch.setattr(spool._commits, "_transaction", fail_before_commit)
    spool.acknowledged("e0")
    with pytest.raises(SpoolUnavailable):
        spool.sync()
    monkeypatch.undo()
    spool.acknowledged("e1")
    assert spool.status().waiting == 1
    assert ids(spool) == ["e2"]
