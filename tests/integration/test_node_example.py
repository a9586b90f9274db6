"""The example in Node: an event by the plain Kafka contract becomes a row."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from tests.support.ledger_world import LedgerWorld, ledger_world

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "node"
DATA = {
    "request_id": "from-node-ü",
    "user_id": "123",
    "tool_name": "renderChart",
    "prompt": "Sales by month — 売上 📈",
    "storage_url": "https://images.test/sales.png",
    "storage_provider": "s3",
    "mime_type": "image/png",
    "bytes": 4096,
    "tags": ["chart"],
    "metadata": {"type": "bar"},
}

ROWS = """
SELECT id, request_id, user_id, tool_name, prompt, storage_url, storage_provider, mime_type, bytes,
       tags, metadata, status, event_id
FROM generated_images
"""

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its one package, installed by the lock."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed, so the example in Node is not run")
    folder = tmp_path_factory.mktemp("node")
    for file in ("package.json", "package-lock.json", "produce.mjs"):
        shutil.copy(EXAMPLE / file, folder)
    words = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        ran = subprocess.run(
            [npm, *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm got no package within two minutes, so the example in Node is not run")
    if ran.returncode:
        pytest.skip(f"npm got no package, so the example in Node is not run: {ran.stderr[-300:]}")
    return folder


def produce(folder: Path, data: dict[str, Any]) -> dict[str, str]:
    """Run the example with the servers of the environment; what it says."""
    ran = subprocess.run(
        ["node", "produce.mjs", json.dumps(data)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said: dict[str, str] = json.loads(ran.stdout)
    return said


@pytest.fixture
def world(
    variables: dict[str, str], connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[LedgerWorld]:
    with ledger_world(variables, connection, monkeypatch) as world:
        yield world


def test_an_event_of_the_example_becomes_a_row(example: Path, world: LedgerWorld) -> None:
    said = produce(example, DATA)
    # The client's retry of a request whose answer was lost.
    again = produce(example, DATA)
    world.project()
    found = world.connection.execute(ROWS).fetchall()
    assert len(found) == 1
    row_id, *fields = found[0]
    assert str(row_id) == said["row"]
    assert fields == [*DATA.values(), "success", said["eventId"]]
    assert again["requestId"] == said["requestId"]
    # Its partitioner is ours, so that the two stand in one partition, in order.
    assert again["token"].split(":")[0] == said["token"].split(":")[0]
    dead = world.connection.execute("SELECT count(*) FROM dead_letters").fetchone()
    assert dead == (0,)


def test_the_lock_names_no_registry_and_has_a_digest_for_each_package() -> None:
    text = (EXAMPLE / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in text
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all(found["integrity"] for name, found in packages.items() if name)
