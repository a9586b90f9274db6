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


def kinds_that_can_be_caused() -> list[str]:
    """All of them, for root."""
    return [name for name in FAULTS if name != "disk_full" or os.geteuid() == 0]


def test_no_kind_of_fault_is_left_out() -> None:
    if os.geteuid():
        pytest.skip("a disk of a few megabytes takes root to mount: disk_full is left out")
    assert len(kinds_that_can_be_caused()) == len(FAULTS) >= 25


@pytest.mark.timeout(900)
def test_every_fault_is_survived_without_loss_or_doubling(
    own_broker: OwnBroker, own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    seed = int(time.time())
    kinds = kinds_that_can_be_caused()
    with world_under_load(own_broker, own_postgres, tmp_path, seed) as world:
        world.recover()
        world.rng.shuffle(kinds)
        for number, name in enumerate(kinds, 1):
            print(f"seed {seed}, fault {number}: {name}", end=" ", flush=True)  # noqa: T201
            FAULTS[name](world)
            print(f"recovered in {world.recover():.1f} s", flush=True)  # noqa: T201
        world.pause_load()
        assert world.judge() > 1_000
