"""The command's words, and the settings of who draws; nothing here needs a server."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from operations.extras import ExtraMissing
from operations.settings import Settings, SettingsError, load_settings
from operations.tooling import open_generator
from producers.tools import TOOLS
from tests.support.running import Shell


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(capsys)


def test_the_tools_are_listed_with_their_parameters(shell: Shell) -> None:
    facts = shell("tool", "list", "--json").facts
    assert [tool["name"] for tool in facts] == list(TOOLS)
    assert all(tool["parameters"]["additionalProperties"] is False for tool in facts)
    assert all(name in shell("tool", "list").out for name in TOOLS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["paint"], "tool paint: there is no such tool"),
        (["renderChart", "--param", "config"], "--param config: is not K=V"),
        (["renderChart", "--param", "=1"], "--param =1: is not K=V"),
        (["renderChart", "--param", "config=@none.json"], "none.json: No such file"),
        (["renderChart", "--param", "config=@bad.json"], "--param config: bad.json is not JSON"),
        (["renderChart", "--image", "r"], "--image: renderChart starts from no image"),
        (["imageEditor", "--image", "a", "--image", "b"], "--image: imageEditor edits one image"),
        (["imageEditor", "--file", "none.png"], "none.png: No such file"),
        (["imageEditor", "--n", "11"], "Invalid value for '--n'"),
    ],
)
def test_wrong_words_are_told_before_anything_is_started(
    shell: Shell, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "bad.json").write_text("{")
    _, line = shell.fails("tool", "run", *words, "--user", "1", "--prompt", "p")
    assert said in line
    assert not (tmp_path / ".omega").exists()


@pytest.mark.parametrize("name", ["gemini", "openai"])
def test_a_model_needs_a_key_and_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMEGA_GENERATOR", name)
    with pytest.raises(SettingsError, match=f"OMEGA_{name.upper()}_API_KEY: must be set"):
        load_settings()
    monkeypatch.setenv(f"OMEGA_{name.upper()}_API_KEY", "hunter2")
    found = load_settings()
    assert "hunter2" not in repr(found)
    generator = open_generator(found)
    assert generator.name == name
    generator.close()
    for module in [one for one in sys.modules if one.split(".")[-1] == name]:
        monkeypatch.delitem(sys.modules, module)
    package = {"gemini": "google.genai"}.get(name, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExtraMissing, match=rf"not installed: pip install .omega-images\[{name}\]"):
        open_generator(found)


def test_a_wrong_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMEGA_OPENAI_BASE_URL", "http://u:hunter2@h/v1")
    with pytest.raises(SettingsError, match=r"^OMEGA_OPENAI_BASE_URL: must be") as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


def test_nothing_has_to_be_set_to_draw() -> None:
    assert open_generator(Settings()).name == "offline"
