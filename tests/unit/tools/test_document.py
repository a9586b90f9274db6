"""docs/tools.md: its examples run, and it speaks of all tools, operations and errors."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from producers.tools import TOOLS, Tools, errors
from producers.tools.charts.configuration import ChartConfiguration
from producers.tools.editing.operations import Operation
from producers.tools.generators.offline import OfflineGenerator
from producers.tools.parameters import parsed
from tests.support.commands import parses
from tests.support.tools_world import ToolsWorld

TEXT = (Path(__file__).parents[3] / "docs/tools.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [block for kind, block in found if kind == language]


def test_its_commands_can_be_given() -> None:
    lines = [line for block in blocks("") for line in block.splitlines()]
    assert len(lines) == 6
    for line in lines:
        assert parses(shlex.split(line)[1:]), line


def test_a_bot_can_do_as_it_says(world: ToolsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(*_: object) -> Iterator[Tools]:
        yield world.tools

    monkeypatch.setattr("operations.tooling.open_tools", opened)
    monkeypatch.setattr("operations.wiring.open_ledger", lambda _: None)
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[0], "tools.md", "exec"), names)  # noqa: S102  # our own document
    assert names["answer"] == [data.storage_url for data in world.told()]  # type: ignore[union-attr]  # all good
    assert len(names["answer"]) == 2


def test_the_ninth_tool_is_one(world: ToolsWorld) -> None:
    world.tools.run("generateIconEmoji", user="1", prompt="A star", request_id="019ab0c4")
    names: dict[str, Any] = {
        "tracker": world.tracker,
        "generator": OfflineGenerator(),
        "images": world,
    }
    # Of the parameters' annotations, the module's own have to be found.
    exec(compile(blocks("python")[1], "tools.md", "exec"), names)  # noqa: S102  # our own document
    told = {data.tool_name: data for data in world.told()}
    assert told["thumbnail"].metadata == {"sources": ["019ab0c4"]}


def test_its_operations_are_all_of_them() -> None:
    shown = TypeAdapter(list[Operation]).validate_json(blocks("json")[0])
    assert {type(one) for one in shown} == set(get_args(get_args(Operation)[0]))


def test_its_chart_is_taken() -> None:
    assert parsed(ChartConfiguration, json.loads(blocks("json")[1])).type == "bar"


def test_every_tool_parameter_and_error_is_in_it() -> None:
    for tool in TOOLS.values():
        assert f"| `{tool.name}` |" in TEXT
        for name in tool.parameters.model_fields:
            assert f"`{name}`" in TEXT, name
    codes = {
        value.error_code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ToolError)
    }
    for code in codes - {"ToolError"}:
        assert f"`{code}`" in TEXT, code
