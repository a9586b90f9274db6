"""The documents say what is there: links, files, names and commands that they mention exist."""

from __future__ import annotations

import ast
import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from consumers.metrics import Lag, WorkerMetrics
from operations.configuration import page
from producers.publisher import Acknowledgement
from producers.spool import Spool
from producers.spooling_publisher import SpoolingPublisher
from producers.storage import LocalStorage
from producers.tracking import Tracker
from tests.support.commands import exists
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
NAMED_FILE = re.compile(r"`([\w./-]+\.(?:py|sql|svg|yaml|toml|txt))`")
NAMED_IN_FILE = re.compile(r"`(\w+)(?:\.(\w+))?` \(`([\w/]+\.py)`\)")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
ANCHORED = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_to_a_part_lead_to_a_heading(document: Path) -> None:
    for target, anchor in ANCHORED.findall(document.read_text(encoding="utf-8")):
        if "://" not in target:
            leads_to = document.parent / target if target else document
            assert anchor in anchors_of(leads_to), f"{target}#{anchor}"


def anchors_of(document: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = CODE.sub("", document.read_text(encoding="utf-8"))
    named = [
        re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in HEADING.findall(text)
    ]
    again = [f"{name}-{n}" for name, count in Counter(named).items() for n in range(1, count)]
    return {*named, *again}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_files_that_are_named_are_there(document: Path) -> None:
    for name in NAMED_FILE.findall(document.read_text(encoding="utf-8")):
        assert (ROOT / name).exists() or (document.parent / name).exists(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_functions_that_are_named_with_their_file_are_in_it(document: Path) -> None:
    for outer, inner, file in NAMED_IN_FILE.findall(document.read_text(encoding="utf-8")):
        names = defined_in(ROOT / file)
        assert (f"{outer}.{inner}" if inner else outer) in names, f"{outer} {inner} in {file}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_path_of_one_machine_is_named(document: Path) -> None:
    assert not re.search(
        r"(?<![\w.])/(?:home|root|work|Users)/", document.read_text(encoding="utf-8")
    )


def defined_in(path: Path) -> set[str]:
    """Classes, functions and methods (as ``Class.method``) of a module."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
            names |= {f"{node.name}.{f.name}" for f in node.body if isinstance(f, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
    return names


def test_every_decision_is_listed() -> None:
    listed = set(LINK.findall((ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in ROOT.glob("docs/decisions/0*.md")}


def test_the_page_of_settings_is_the_one_that_the_settings_make() -> None:
    assert (ROOT / "docs/operations/configuration.md").read_text(encoding="utf-8") == page()


COMMAND = re.compile(r"(?:^|`|bin/)omega-images ((?:[a-z][a-z-]+ ?)+)", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_that_are_shown_exist(document: Path) -> None:
    for words in COMMAND.findall(document.read_text(encoding="utf-8")):
        assert exists(words.split()), words


def test_metrics_that_are_named_are_told_by_a_worker() -> None:
    metrics = WorkerMetrics("table", "topic", "owner")
    metrics.watch_lag(lambda: {0: Lag(1, 1.0)})
    told = generate_latest(metrics.registry).decode()
    for document in DOCUMENTS:
        for name in re.findall(r"omega_images_consumer_\w+", document.read_text(encoding="utf-8")):
            assert f"# TYPE {name} " in told, name


def test_the_example_for_tools_runs(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    storage = LocalStorage(tmp_path / "images", "http://localhost/uploads")
    kafka = MemoryPublisher(MemoryTopic("events", 1))

    async def draw(prompt: str) -> bytes:
        return prompt.encode()

    with SpoolingPublisher(Spool(tmp_path / "spool.db"), kafka) as publisher:
        tracker = Tracker(publisher, storage)
        names: dict[str, Any] = {"tracker": tracker, "generate": str.encode, "draw": draw}
        exec(compile(example, "README.md", "exec"), names)  # noqa: S102  # our own document
        made = asyncio.run(names["render"]("chart"))
        tracker.close()
    assert isinstance(names["image"].receipt, Acknowledgement)
    assert isinstance(made.images[0].receipt, Acknowledgement)
    assert sorted(file.bytes for file in storage.list()) == [5, 23]
