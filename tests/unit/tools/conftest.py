"""Worlds of tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tools_world import ToolsWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ToolsWorld]:
    world = ToolsWorld(tmp_path)
    yield world
    world.close()
