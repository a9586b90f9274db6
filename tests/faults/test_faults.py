"""Whatever is killed, stopped, frozen or cut: table and statistics end as the fold of the log."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.faults.faults import FAULTS
from tests.faults.world import world_under_load
from tests.plugins.own_broker import OwnBroker
from tests.plugins.own_postgres import OwnPostgres

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka, pytest.mark.postgres]


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings(
    # Of the load's producer and of admin clients, whose connections the faults break.
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_every_fault_is_survived_without_loss_or_doubling(
    own_broker: OwnBroker, own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    seed = int(time.time())
    kinds = [name for name in FAULTS if name != "disk_full" or os.geteuid() == 0]
    with world_under_load(own_broker, own_postgres, tmp_path, seed) as world:
        world.recover()
        world.rng.shuffle(kinds)
        for number, name in enumerate(kinds, 1):
            print(f"seed {seed}, fault {number}: {name}", end=" ", flush=True)  # noqa: T201
            FAULTS[name](world)
            print(f"recovered in {world.recover():.1f} s", flush=True)  # noqa: T201
        world.pause_load()
        assert world.judge() > 1_000
