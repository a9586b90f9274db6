"""What the tests of commands and of sites have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.ledger_world import local_variables
from tests.support.reading import ReadingWorld, reading_world


@pytest.fixture(scope="module")
def empty_world(
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Callable[[], AbstractContextManager[str]],
) -> Iterator[ReadingWorld]:
    """A site over tables that stay empty: for tests that send nothing."""
    with new_database() as url, reading_world(tmp_path_factory.mktemp("site"), url) as made:
        yield made


@pytest.fixture
def variables(kafka_server: str, topic: str, database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a ledger with local storage."""
    return local_variables(kafka_server, topic, database_url, tmp_path)
