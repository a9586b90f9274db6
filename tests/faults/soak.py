"""Many faults in a long run of bounded time: ``python -m tests.faults.soak --help``."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults.faults import FAULTS
from tests.faults.world import World, world_under_load
from tests.plugins.own_broker import OwnBroker
from tests.plugins.own_postgres import OwnPostgres

JUDGE_EVERY = 50


def main() -> None:
    """Cause faults until there were enough or the time is up; fails when one leaves a trace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--minutes", type=float, default=60, help="at most so long (default 60)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats a run")
    wanted = parser.parse_args()
    say(f"seed {wanted.seed}: {wanted.faults} faults, at most {wanted.minutes:g} minutes")
    with tempfile.TemporaryDirectory(prefix="omega-soak-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        # PostgreSQL's user has to get at its data, and at a disk that is filled.
        home.chmod(0o755)
        broker, postgres = OwnBroker(home / "kafka"), OwnPostgres(home / "postgres")
        try:
            with world_under_load(broker, postgres, home, wanted.seed) as world:
                run(world, wanted.faults, time.monotonic() + wanted.minutes * 60)
        finally:
            broker.restart()
            broker.stop()
            postgres.thaw()
            postgres.shut_down()


def run(world: World, faults: int, deadline: float) -> None:
    """Cause the faults, and judge now and then."""
    world.recover()
    kinds = [name for name in FAULTS if name != "disk_full" or os.geteuid() == 0]
    counts: Counter[str] = Counter()
    slowest = (0.0, "")
    while counts.total() < faults and time.monotonic() < deadline:
        name = world.rng.choice(kinds)
        FAULTS[name](world)
        seconds = world.recover()
        counts[name] += 1
        slowest = max(slowest, (seconds, name))
        say(f"{counts.total():>4}  {name:<26} recovered in {seconds:4.1f} s")
        if counts.total() % JUDGE_EVERY == 0:
            world.pause_load()
            say(f"      {world.judge():,} records: nothing lost, nothing doubled")
            world.resume_load()
    world.pause_load()
    records = world.judge()
    say(f"{counts.total()} faults of {len(counts)} kinds, {records:,} records: nothing lost,")
    say("nothing doubled, no dead letter that is none, statistics exact;")
    say(f"slowest recovery {slowest[0]:.1f} s ({slowest[1]})")


def say(line: str) -> None:
    """Print it at once."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
