"""The retention policy, carried out on real servers: what it says goes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from operations.cleaning import condemned
from operations.retention_policy import Keep, Policy, Remove
from producers.storage import StorageUnavailable
from producers.storage.local import LocalStorage
from tests.support.builders import TIME, failed
from tests.support.ledger_world import LedgerWorld, ledger_world
from tests.support.running import Shell

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
def world(
    variables: dict[str, str], connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[LedgerWorld]:
    with ledger_world(variables, connection, monkeypatch) as world:
        for number in range(6):
            time = TIME - timedelta(days=30 * number)
            world.image(f"req-{number}", time=time, tags=("pinned",) if number == 5 else ())
        world.publish(failed("req-failed", time=TIME - timedelta(days=400)))
        world.project()
        yield world


@pytest.fixture
def shell(world: LedgerWorld, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "retention.toml"
    path.write_text(
        """
        [[keep]]
        tag = "pinned"
        [[remove]]
        name = "failures"
        status = "failed"
        older_than = "1d"
        [[remove]]
        name = "newest three"
        status = "success"
        keep_newest = 3
        """
    )
    return str(path)


KEPT = ["req-0", "req-1", "req-2", "req-5"]


def test_a_dry_run_says_what_would_go_and_changes_nothing(
    world: LedgerWorld, shell: Shell, policy: str
) -> None:
    ran = shell("cleanup", "--policy", policy, "--dry-run", "--json")
    assert ran.code == 0, ran
    rules = ran.facts["rules"]
    assert {name: rule["images"] for name, rule in rules.items()} == {
        "failures": 1,
        "newest three": 2,
    }
    assert ran.facts["bytes"] == sum(len(world.store.read(name)) for name in world.files[3:5])
    assert ran.facts["removed"] is None
    assert len(world.rows) == 7
    assert len(world.files) == 6
    assert "newest three" in shell("cleanup", "--policy", policy, "--dry-run").out


def test_what_the_policy_says_goes_with_its_bytes(
    world: LedgerWorld, shell: Shell, policy: str
) -> None:
    with world.working():
        ran = shell("cleanup", "--policy", policy, "--yes", "--json")
    assert ran.code == 0, ran
    assert (ran.facts["removed"]["images"], ran.facts["removed"]["files"]) == (3, 2)
    assert world.rows == KEPT
    assert len(world.files) == 4
    told = world.connection.execute(
        "SELECT request_id, reason, deleted_by FROM deleted_images ORDER BY 1"
    ).fetchall()
    assert told == [
        ("req-3", "retention", "cleanup: newest three"),
        ("req-4", "retention", "cleanup: newest three"),
        ("req-failed", "retention", "cleanup: failures"),
    ]
    assert shell("cleanup", "--policy", policy, "--yes").code == 0
    assert world.rows == KEPT


@pytest.mark.parametrize("call", [1, 2])
def test_an_interrupted_run_is_gone_on_with(
    world: LedgerWorld, shell: Shell, policy: str, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    delete, calls = LocalStorage.delete, [0]

    def failing(store: LocalStorage, name: str) -> bool:
        calls[0] += 1
        if calls[0] == call:
            raise StorageUnavailable("the disk is away")
        return delete(store, name)

    with world.working():
        monkeypatch.setattr(LocalStorage, "delete", failing)
        assert shell("cleanup", "--policy", policy, "--yes").code == 1
        assert world.rows == KEPT
        assert len(world.files) > 4
        assert shell("cleanup", "--policy", policy, "--yes").code == 0
    assert len(world.files) == 4


def test_bytes_that_two_images_share_stay(world: LedgerWorld, shell: Shell, policy: str) -> None:
    # The old request's URL is in a new image's row, too.
    old = world.store.url_of(world.files[4])
    world.connection.execute(
        "UPDATE generated_images SET storage_url = %s WHERE request_id = 'req-0'", (old,)
    )
    with world.working():
        removed = shell("cleanup", "--policy", policy, "--yes", "--json").facts["removed"]
    assert (removed["files"], removed["shared"]) == (1, 1)
    assert world.files[-2:] == [world.store.filename_of(old), world.files[-1]]


def test_nothing_goes_before_the_table_has_let_go(
    world: LedgerWorld, shell: Shell, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.removing.SHOWN_WITHIN_S", 0.2)
    ran = shell("cleanup", "--policy", policy, "--yes")
    assert ran.code == 1
    assert "is its worker running?" in ran.out
    assert len(world.files) == 6


def test_wrong_use_is_one_line(shell: Shell, policy: str) -> None:
    assert "run it with --yes" in shell.fails("cleanup", "--policy", policy)[1]
    assert "No such file" in shell.fails("cleanup", "--policy", "absent.toml", "--yes")[1]


USERS, TOOLS = ("ada", "bob"), ("generateComic", "renderChart")
IMAGE = st.fixed_dictionaries(
    {
        "age": st.integers(0, 20),
        "used": st.none() | st.integers(0, 20),
        "user": st.sampled_from(USERS),
        "tool": st.sampled_from(TOOLS),
        "bytes": st.none() | st.integers(0, 100),
        "tag": st.sampled_from(("", "pinned", "draft")),
    }
)
RULE = st.fixed_dictionaries(
    {"name": st.sampled_from("abc")},
    optional={
        "user": st.sampled_from(USERS),
        "tool": st.sampled_from(TOOLS),
        "tag": st.just("draft"),
        "older_than": st.integers(0, 20).map("{}d".format),
        "unused_for": st.integers(0, 20).map("{}d".format),
        "keep_newest": st.integers(0, 4),
        "budget": st.integers(0, 300).map("{} B".format),
    },
).filter(lambda rule: rule.keys() & {"older_than", "unused_for", "keep_newest", "budget"})


def expected(images: Sequence[dict[str, Any]], rule: Remove, per: str | None) -> set[int]:
    """Which images the rule removes, in plain words."""
    bounds, gone = rule.bounds, set()
    count: dict[object, int] = {}
    size: dict[object, int] = {}
    # Of one moment, the one with the higher id is the newer.
    for number in sorted(range(len(images)), key=lambda n: (images[n]["age"], -n)):
        one = images[number]
        if any(getattr(rule, name) not in (None, one[name]) for name in ("user", "tool", "tag")):
            continue
        group = one[per] if per else None
        count[group] = count.get(group, 0) + 1
        size[group] = size.get(group, 0) + (one["bytes"] or 0)
        used = min(one["age"], one["age"] if one["used"] is None else one["used"])
        beyond = (
            bounds.older_than is None or timedelta(days=one["age"]) > bounds.older_than,
            bounds.unused_for is None or timedelta(days=used) > bounds.unused_for,
            bounds.keep_newest is None or count[group] > bounds.keep_newest,
            bounds.budget is None or size[group] > bounds.budget,
        )
        if all(beyond) and one["tag"] != "pinned":
            gone.add(number)
    return gone


@given(
    images=st.lists(IMAGE, max_size=12),
    rule=RULE,
    per=st.sampled_from((None, "user", "tool")),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_query_is_what_the_policy_says(
    connection: Connection[Any], images: list[dict[str, Any]], rule: dict[str, Any], per: str | None
) -> None:
    if "keep_newest" not in rule and "budget" not in rule:
        per = None
    chosen = Remove.model_validate(rule | ({"per": per} if per else {}))
    connection.execute("TRUNCATE generated_images, image_uses, image_removals")
    for number, one in enumerate(images):
        made = TIME - timedelta(days=one["age"])
        connection.execute(
            "INSERT INTO generated_images (id, request_id, user_id, tool_name, prompt, storage_url,"
            " bytes, tags, created_at, event_id) VALUES (%s, %s, %s, %s, '', '', %s, %s, %s, 'e')",
            (number, str(number), one["user"], one["tool"], one["bytes"], [one["tag"]], made),
        )
        if one["used"] is not None:
            used = TIME - timedelta(days=one["used"])
            connection.execute("INSERT INTO image_uses VALUES (%s, %s)", (str(number), used))
    policy = Policy(keep=(Keep(tag="pinned"),), remove=(chosen,))
    foretold = condemned(connection, policy, TIME, dry_run=True)
    condemned(connection, policy, TIME, dry_run=False)
    rows = connection.execute("SELECT request_id FROM image_removals").fetchall()
    assert {int(row[0]) for row in rows} == expected(images, chosen, per)
    assert foretold[chosen.name].images == len(rows)
