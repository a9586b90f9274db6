"""What the tests of a module share that only look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.support.reading import ReadingWorld, reading_world


@pytest.fixture(scope="module")
def empty_world(
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Callable[[], AbstractContextManager[str]],
) -> Iterator[ReadingWorld]:
    """A site over tables that stay empty: for tests that send nothing."""
    with new_database() as url, reading_world(tmp_path_factory.mktemp("site"), url) as made:
        yield made
