"""The statements of a migration's SQL file."""

from __future__ import annotations

from importlib.resources import files


def statements(name: str) -> list[str]:
    """Those of ``versions/<name>``: each ends with a semicolon before an empty line."""
    text = files("projections.migrations.versions").joinpath(name).read_text()
    return [part for part in text.rstrip().removesuffix(";").split(";\n\n") if part.strip()]
