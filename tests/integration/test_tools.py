"""`omega-images tool` on real servers: eight tools, eight rows, and failures that are told."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from psycopg import Connection

from projections.images import get_generated_image, get_image_of_request
from tests.support.ledger_world import LedgerWorld, ledger_world
from tests.support.model_server import Answer, gemini_image, model_server
from tests.support.running import Shell

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

CHART = {
    "type": "doughnut",
    "data": {"labels": ["github", "local"], "datasets": [{"data": [72, 28]}]},
    "options": {"title": "Where images lie"},
}
DRAWING = (
    "generateUserImage",
    "generateUserAvatar",
    "generateAnimeManga",
    "generateComic",
    "generateIconEmoji",
)


@pytest.fixture
def world(
    variables: dict[str, str],
    connection: Connection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LedgerWorld]:
    monkeypatch.chdir(tmp_path)
    with ledger_world(variables, connection, monkeypatch) as world:
        yield world


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def run(shell: Shell, tool: str, *words: str) -> Any:
    asked = ("--user", "123", "--username", "ada", "--prompt", "A fox by the lighthouse")
    ran = shell("tool", "run", tool, *asked, *words, "--json")
    assert ran.code == 0, ran
    assert ran.facts["status"] == "success"
    return ran.facts


def size_of(world: LedgerWorld, url: str) -> tuple[int, int]:
    name = world.store.filename_of(url)
    assert name is not None
    with Image.open(io.BytesIO(world.store.read(name))) as image:
        image.load()
        return image.size


def test_all_eight_tools_make_a_row_each(world: LedgerWorld, shell: Shell, tmp_path: Path) -> None:
    facts = {tool: run(shell, tool, "--param", "size=128x96") for tool in DRAWING}
    world.project("table")
    fox, owl = (facts[tool]["request_id"] for tool in DRAWING[:2])
    turn = [{"op": "rotate", "degrees": 90}, {"op": "border", "width": 5}]
    operations = f"operations={json.dumps(turn)}"
    facts["imageEditor"] = run(shell, "imageEditor", "--image", fox, "--param", operations)
    more = ("--image", fox, "--image", owl, "--param", "size=200x100")
    facts["advancedImageEditingWithContext"] = run(shell, "advancedImageEditingWithContext", *more)
    (tmp_path / "chart.json").write_text(json.dumps(CHART))
    facts["renderChart"] = run(
        shell, "renderChart", "--param", "config=@chart.json", "--param", "size=300x200"
    )
    world.project("table")

    assert len(world.rows) == 8
    for tool, made in facts.items():
        (image,) = made["images"]
        row = get_generated_image(world.connection, image["id"])
        assert row is not None
        assert (row.request_id, row.tool_name) == (made["request_id"], tool)
        assert (row.status, row.username, row.sha256) == ("success", "ada", image["sha256"])
        assert row.storage_url == image["url"]
        assert size_of(world, row.storage_url) == (row.metadata["width"], row.metadata["height"])
    edited = get_image_of_request(world.connection, facts["imageEditor"]["request_id"])
    assert edited is not None
    assert (edited.size, edited.metadata["sources"]) == ("106x138", [fox])
    advanced = facts["advancedImageEditingWithContext"]["request_id"]
    found = get_image_of_request(world.connection, advanced)
    assert found is not None
    assert found.metadata["sources"] == [fox, owl]


def test_several_images_of_one_call(world: LedgerWorld, shell: Shell) -> None:
    made = run(shell, "generateIconEmoji", "--n", "3", "--request-id", "r", "--param", "size=64x64")
    world.project("table")
    assert world.rows == ["r", "r/2", "r/3"]
    assert len({image["sha256"] for image in made["images"]}) == 3


def test_failures_are_told_to_the_user_and_to_the_log(
    world: LedgerWorld, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    flip = 'operations=[{"op": "flip"}]'
    calls: list[tuple[int, str, list[str]]] = [
        (2, "BadParameters", ["generateUserImage", "--param", "size=big"]),
        (1, "ImageNotFound", ["imageEditor", "--image", "none", "--param", flip]),
        (1, "BadImage", ["imageEditor", "--file", "broken.png", "--param", flip]),
    ]
    for number, (code, error_code, words) in enumerate(calls):
        asked = ("--user", "1", "--prompt", "p", "--request-id", f"r{number}")
        found, line = shell.fails("tool", "run", *words, *asked)
        assert (found, f"recorded as {error_code} of request r{number}" in line) == (code, True)
    ran = shell("tool", "run", *calls[0][2], *asked[:-1], "r3", "--json")
    assert (ran.code, ran.facts["error_code"]) == (2, "BadParameters")
    world.project("table")
    assert world.rows == ["r0", "r1", "r2", "r3"]
    row = get_image_of_request(world.connection, "r0")
    assert row is not None
    assert (row.status, row.storage_url) == ("failed", "")
    assert row.error == "size: must be WIDTHxHEIGHT in pixels, such as 1024x1024"


def test_a_failed_image_and_one_that_lies_elsewhere_cannot_be_edited(
    world: LedgerWorld, shell: Shell
) -> None:
    world.image("elsewhere", storage_url="https://elsewhere.test/a.png")
    world.image("gone")
    for file in world.files:
        world.store.delete(file)
    shell("tool", "run", "renderChart", "--user", "1", "--prompt", "p", "--request-id", "failed")
    world.project("table")
    said = {
        "elsewhere": "it lies in no configured storage",
        "gone": "its bytes are gone",
        "failed": "its generation failed",
    }
    flip = 'operations=[{"op": "flip"}]'
    for image, why in said.items():
        words = ("imageEditor", "--user", "1", "--prompt", "p", "--image", image, "--param", flip)
        _, line = shell.fails("tool", "run", *words)
        assert f"image {image}: {why}" in line


def test_a_model_that_is_configured_draws(
    world: LedgerWorld, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(buffer, "PNG")
    refusal = {"promptFeedback": {"blockReason": "SAFETY"}}
    with model_server(Answer(gemini_image(buffer.getvalue())), Answer(refusal)) as server:
        monkeypatch.setenv("OMEGA_GENERATOR", "gemini")
        monkeypatch.setenv("OMEGA_GEMINI_API_KEY", "hunter2")
        monkeypatch.setenv("OMEGA_GEMINI_BASE_URL", server.url)
        made = run(shell, "generateUserImage")
        asked = ("--user", "1", "--prompt", "Something grim", "--request-id", "grim")
        code, line = shell.fails("tool", "run", "generateUserImage", *asked)
    assert code == 1
    assert "Gemini refuses the prompt: SAFETY; recorded as Refused of request grim" in line
    world.project("table")
    good = get_generated_image(world.connection, made["images"][0]["id"])
    grim = get_image_of_request(world.connection, "grim")
    assert good is not None
    assert grim is not None
    assert (good.model, good.metadata["generator"]) == ("gemini-3-pro-image-preview", "gemini")
    assert (grim.status, grim.model) == ("failed", "gemini-3-pro-image-preview")
    assert b"hunter2" not in world.values()
