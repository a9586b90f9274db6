"""The faults: each is caused for real, lasts a while, and ends."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from consumers.kafka_topics import add_partitions
from consumers.redrive import Redrive
from operations.wiring import PROJECTIONS
from projections.dead_letter_reads import Selection, list_groups
from projections.faults import FenceLost
from projections.positions import ProjectionKey, advance, claim
from tests.faults.world import World
from tests.support.waiting import eventually

Fault = Callable[[World], None]
MAX_PARTITIONS = 24


def lasting(world: World, least_s: float, most_s: float) -> None:
    """Let the fault last: a time is what it consists of."""
    time.sleep(world.rng.uniform(least_s, most_s))


@contextmanager
def noticed(world: World, *words: str) -> Iterator[None]:
    """Whatever is done within lasts until a worker complains of it in one of these words."""

    def complaints() -> int:
        logs = [worker.output() for worker in world.workers]
        return sum(log.count(word) for log in logs for word in words)

    before = complaints()
    yield
    eventually(lambda: complaints() > before, timeout_s=20, what=f"a worker that says {words}")


def worker_killed(world: World) -> None:
    world.rng.choice(world.workers).kill_and_replace()


def all_workers_killed(world: World) -> None:
    for worker in world.workers:
        worker.kill_and_replace()


def worker_frozen(world: World) -> None:
    """Long enough that its partitions are given to another: it wakes as a zombie."""
    worker = world.rng.choice(world.workers)
    worker.freeze()
    lasting(world, 7, 9)
    worker.signal(signal.SIGCONT)


def worker_comes_and_goes(world: World) -> None:
    """Rebalances while batches are in flight."""
    with world.start_worker(world.rng.choice(("table", "stats"))) as guest:
        try:
            eventually(lambda: "partitions claimed" in guest.output(), timeout_s=30, what="a share")
            lasting(world, 0.5, 1)
            assert guest.terminate() == 0, guest.output()[-2_000:]
        finally:
            world.workers.remove(guest)


def kafka_stopped(world: World) -> None:
    world.broker.stop()
    lasting(world, 1, 2)
    world.broker.restart()


def kafka_killed(world: World) -> None:
    world.broker.kill()
    lasting(world, 0.5, 1)
    world.broker.restart()


def kafka_frozen(world: World) -> None:
    world.broker.freeze()
    lasting(world, 2, 8)
    world.broker.thaw()


def postgres_restarted(world: World) -> None:
    world.postgres.shut_down()
    lasting(world, 0.5, 1)
    world.postgres.start()


def postgres_killed(world: World) -> None:
    """It comes back by crash recovery."""
    world.postgres.kill()
    world.postgres.start()


def postgres_frozen(world: World) -> None:
    world.postgres.freeze()
    lasting(world, 3, 8)
    world.postgres.thaw()


def backend_killed(world: World) -> None:
    """One session dies of SIGKILL, and PostgreSQL restarts all of them."""
    with world.connect() as connection, suppress(psycopg.OperationalError):
        query = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'omega-%%'"
        pids = [row[0] for row in connection.execute(query)]
        if pids:
            subprocess.run(["kill", "-9", str(world.rng.choice(pids))], check=False)
        lasting(world, 0.1, 0.5)
    eventually(lambda: _answers(world), timeout_s=20, what="crash recovery")


def sessions_ended(world: World) -> None:
    _signal_sessions(world, "pg_terminate_backend")


def statements_cancelled(world: World) -> None:
    _signal_sessions(world, "pg_cancel_backend")


def cut_within_the_rows(world: World) -> None:
    """Of a COPY, or of an INSERT, whichever comes."""
    _cut(
        world,
        lambda: world.proxy.cut_before(
            lambda data: b"PGCOPY\n\xff" in data or b'"request_id":' in data
        ),
    )


def cut_before_commit(world: World) -> None:
    _cut(world, lambda: world.proxy.cut_before(lambda data: b"COMMIT" in data))


def cut_after_commit(world: World) -> None:
    """The answer to COMMIT is lost: nobody knows what came of it."""
    _cut(world, lambda: world.proxy.cut_after(lambda data: b"COMMIT" in data))


def cut_anywhere(world: World) -> None:
    world.proxy.cut_all()


def network_away(world: World) -> None:
    world.proxy.refuse()
    lasting(world, 1, 5)
    world.proxy.accept()


def read_only(world: World) -> None:
    """As after a failover, for those who are still connected to the old primary."""
    with world.connect() as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        with noticed(world, "ReadOnlySqlTransaction"):
            connection.execute("SELECT pg_reload_conf()")
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")


def connections_used_up(world: World) -> None:
    with ExitStack() as stack:
        world.proxy.refuse()
        with suppress(psycopg.OperationalError):
            while True:
                stack.enter_context(world.connect())
        with noticed(world, "too many clients", "remaining connection slots"):
            world.proxy.accept()


def clock_set_back(world: World) -> None:
    world.load.clock_set_back = timedelta(hours=world.rng.randrange(1, 48))
    lasting(world, 1, 2)
    world.load.clock_set_back = timedelta(0)


def partitions_added(world: World) -> None:
    total = len(world.ends()) + world.rng.randrange(1, 3)
    if total <= MAX_PARTITIONS:
        add_partitions(world.broker.connection, world.topic, total)


def second_owner(world: World) -> None:
    """Somebody else claims a partition that a worker holds, and then writes nothing into it."""
    with world.connect() as connection:
        query = "SELECT topic_id FROM projection_positions LIMIT 1"
        topic_id = str(connection.execute(query).fetchall()[0][0])
        name = world.rng.choice(("table", "stats"))
        key = ProjectionKey(name, world.topic, topic_id)
        number = world.rng.randrange(6)
        claims = claim(connection, key, "thief", {number})
        eventually(lambda: _owner(world, name, number) != "thief", timeout_s=20, what="the owner")
        try:
            with connection.transaction():
                advance(connection, key, claims, {number: claims[number].next_offset + 1})
        except FenceLost:
            return
        raise AssertionError("two owners wrote into one partition")


def constraint_comes_and_goes(world: World) -> None:
    """Good records are set aside meanwhile, and redriven beside the workers and their requests."""
    with world.connect() as connection:
        connection.execute(
            "ALTER TABLE generated_images ADD CONSTRAINT picky CHECK (bytes % 3 <> 0) NOT VALID"
        )
        of_good = "SELECT count(*) FROM dead_letters WHERE error_class = 'CheckViolation'"
        before = connection.execute(of_good).fetchall()
        eventually(
            lambda: connection.execute(of_good).fetchall() != before,
            timeout_s=20,
            what="a good record that is set aside",
        )
        connection.execute("ALTER TABLE generated_images DROP CONSTRAINT picky")
        redrive = Redrive(connection, {name: make() for name, make in PROJECTIONS.items()})
        eventually(lambda: _redriven(connection, redrive), timeout_s=30, what="all redriven")


def _redriven(connection: psycopg.Connection[Any], redrive: Redrive) -> bool:
    """Redrive the good ones that a batch has still set aside; whether none is left."""
    kinds = [one for one in list_groups(connection) if one.error_class == "CheckViolation"]
    for one in kinds:
        redrive.run(Selection(fingerprint=one.fingerprint))
    return not kinds


def disk_full(world: World) -> None:
    """The rows' table moves to a disk of a few megabytes, which is filled, and emptied again."""
    with small_disk(world) as disk, world.connect() as connection:
        location = disk / "tables"
        place = f"small_{world.name}_{world.rng.randrange(10**9)}"
        connection.execute(f"CREATE TABLESPACE {place} LOCATION '{location}'")
        filler = disk / "filler"
        try:
            connection.execute(f"ALTER TABLE generated_images SET TABLESPACE {place}")
            with noticed(world, "DiskFull"):
                fill(filler)
        finally:
            filler.unlink(missing_ok=True)
            connection.execute("ALTER TABLE generated_images SET TABLESPACE pg_default")
            connection.execute("CHECKPOINT")
            connection.execute(f"DROP TABLESPACE {place}")


def fill(file: Path) -> None:
    """Write to it until there is no room."""
    with suppress(OSError), file.open("wb", buffering=0) as out:
        while True:
            out.write(bytes(65_536))


@contextmanager
def small_disk(world: World) -> Iterator[Path]:
    """A file system in memory that PostgreSQL may write to. Needs root."""
    disk = world.logs / f"disk-{world.rng.randrange(10**9)}"
    disk.mkdir()
    with world.connect() as connection:
        table = connection.execute("SELECT pg_table_size('generated_images')").fetchall()[0][0]
    size = f"size={table // 2**20 + 16}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=True)
    try:
        (disk / "tables").mkdir()
        subprocess.run(["chown", "-R", _owner_of_the_data(world), str(disk)], check=True)
        for folder in (disk, *disk.parents):
            with suppress(PermissionError):
                folder.chmod(folder.stat().st_mode | 0o001)
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _owner_of_the_data(world: World) -> str:
    with world.connect() as connection:
        folder = connection.execute("SHOW data_directory").fetchall()[0][0]
    return Path(folder).owner()


def _owner(world: World, projection: str, partition: int) -> str:
    query = "SELECT owner FROM projection_positions WHERE projection = %s AND partition = %s"
    with world.connect() as connection:
        return str(connection.execute(query, (projection, partition)).fetchall()[0][0])


def _answers(world: World) -> bool:
    try:
        with world.connect():
            return True
    except psycopg.OperationalError:
        return False


def _signal_sessions(world: World, function: str) -> None:
    with world.connect() as connection:
        connection.execute(
            f"SELECT {function}(pid) FROM pg_stat_activity WHERE application_name LIKE 'omega-%'"  # noqa: S608  a constant
        )


def _cut(world: World, arm: Callable[[], None]) -> None:
    before = world.proxy.cuts
    arm()
    eventually(lambda: world.proxy.cuts > before, timeout_s=20, what="the cut")


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        worker_killed,
        all_workers_killed,
        worker_frozen,
        worker_comes_and_goes,
        kafka_stopped,
        kafka_killed,
        kafka_frozen,
        postgres_restarted,
        postgres_killed,
        postgres_frozen,
        backend_killed,
        sessions_ended,
        statements_cancelled,
        cut_within_the_rows,
        cut_before_commit,
        cut_after_commit,
        cut_anywhere,
        network_away,
        read_only,
        connections_used_up,
        clock_set_back,
        partitions_added,
        second_owner,
        constraint_comes_and_goes,
        disk_full,
    )
}
