"""No statement names a schema of the live tables: a rebuild runs the same code on a shadow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from projections import statistics_tables  # noqa: F401  # its tables join the metadata
from projections.tables import metadata

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for part in ("projections", "consumers", "operations")
    for path in (ROOT / part).rglob("*")
    if path.suffix in {".py", ".sql"}
]
QUALIFIED = re.compile(rf"\bpublic\.\"?(?:{'|'.join(metadata.tables)})\b")


def test_no_table_is_declared_in_a_schema() -> None:
    assert {table.schema for table in metadata.tables.values()} == {None}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_statement_names_the_schema_of_a_table(path: Path) -> None:
    assert not QUALIFIED.search(path.read_text(encoding="utf-8"))
