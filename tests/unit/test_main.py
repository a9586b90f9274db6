"""The console script: every command explains itself, and a wrong word is answered in one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.main import COMMANDS
from tests.support.command_line import exit_code
from tests.support.commands import command_of

ROOT = Path(__file__).parents[2]
HEAVY = ("typer", "rich", "kafka", "psycopg", "sqlalchemy", "pydantic", "PIL")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No wrong word may start the embedded servers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("OMEGA_DATABASE_URL", "postgresql://127.0.0.1:1/none")


def all_commands() -> Iterator[tuple[str, ...]]:
    for name in COMMANDS:
        below = getattr(command_of(name), "commands", {})
        yield (name,)
        for other in below:
            yield (name, other)


@pytest.mark.parametrize("words", list(all_commands()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*words, "--help") == 0
    said = capsys.readouterr()
    assert f"Usage: omega-images {' '.join(words)}" in said.out
    if not getattr(command_of(words[0]), "commands", None) or len(words) == 2:
        text = " ".join(said.out.split())
        assert "Example: " in text or "Examples: " in text
        assert f"omega-images {' '.join(words)}" in text.partition("Example")[2]
    assert said.err == ""


def test_the_help_names_every_command_and_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((), ("--help",), ("-h",)):
        assert exit_code(*words) == 0
        said = capsys.readouterr().out
        for name, (_, text) in COMMANDS.items():
            assert f"  {name} " in said
            assert text in said


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    name, version = capsys.readouterr().out.split()
    assert name == "omega-images"
    assert version[0].isdigit()


@pytest.mark.parametrize("option", ["--help", "--version", "imges"])
def test_these_answers_need_no_library(option: str) -> None:
    program = f"""
import sys
from operations.main import main
try:
    main([{option!r}])
except SystemExit:
    pass
sys.stderr.write(",".join(name for name in {HEAVY!r} if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "omega-images" in done.stdout + done.stderr
    loaded = done.stderr.splitlines()[-1] if option == "imges" else done.stderr
    assert not set(loaded.split(",")) & set(HEAVY)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["imges"], "did you mean `images`?"),
        (["dead-leters"], "did you mean `dead-letters`?"),
        (["xyzzy"], "`omega-images --help` lists them"),
        ([""], "`omega-images --help` lists them"),
        (["images", "lst"], "see `omega-images images --help`"),
        (["emit"], "see `omega-images emit --help`"),
        (["emit", "a", "b"], "see `omega-images emit --help`"),
        (["emit", "a", "--skip", "-1"], "see `omega-images emit --help`"),
        (["emit", "a", "--nosuch"], "No such option: --nosuch"),
        (["consume", "pictures"], "'pictures' is not one of 'table', 'stats'"),
        (["consume", "table", "--health-port", "65536"], "--health-port"),
        (["images", "list", "--limit", "\x1b[31mx"], "see `omega-images images list --help`"),
        (["images", "list", "--offset", "1", "--cursor", "x"], "do not go together"),
        (["images", "list", "--limit", "1001"], "less than or equal to 1000"),
        (["dead-letters", "show", "0"], "see `omega-images dead-letters show --help`"),
        (["dead-letters", "discard", "1"], "--reason"),
        (["dead-letters", "discard", "1", "--reason", " "], "the reason is empty"),
        (["dead-letters", "redrive"], "give an ID, --fingerprint or --all"),
        (["dead-letters", "redrive", "1", "--all"], "give an ID, --fingerprint or --all"),
        (["db", "migrate", "--duplicates", "drop"], "--duplicates"),
        (["emit", "no/such\x1b[2Jfile"], "name a file that can be read"),
        (["emit", "."], "name a file that can be read"),
    ],
    ids=repr,
)
def test_wrong_use_is_answered_in_one_line_with_what_to_do(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("omega-images: ")
    assert hint in line
    assert line.isprintable()


def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("images") == 2
    said = capsys.readouterr()
    assert "by-user" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("OMEGA_HTTP_PORT", ["images", "count"]),
        ("OMEGA_HTTP_PORT", ["dead-letters", "list"]),
        ("OMEGA_HTTP_PORT", ["status"]),
        ("OMEGA_TOPIC_PARTITIONS", ["topic", "create"]),
        ("OMEGA_TOPIC_PARTITIONS", ["doctor"]),
        ("OMEGA_TOPIC_PARTITIONS", ["consume", "table"]),
        ("OMEGA_TOPIC_PARTITIONS", ["down"]),
    ],
)
def test_a_wrong_setting_is_named_by_every_command(
    variable: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, "many")
    assert exit_code(*words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"omega-images: {variable}: ")
