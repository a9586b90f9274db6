"""The table of all settings, for the documents: `python -m operations.configuration`."""

from __future__ import annotations

import sys
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from operations.settings import Settings

HEAD = (
    "# Configuration\n\n"
    "Every setting is an environment variable; a `.env` file in the working folder is read as "
    "well, and the environment wins. Nothing has to be set: a server that is not configured is "
    "the embedded one. (This page is made by `python -m operations.configuration`.)\n\n"
    "| variable | default | what it is |\n"
    "|---|---|---|\n"
)


def page() -> str:
    """The document, whole."""
    fields = sorted(Settings.model_fields.items(), key=lambda item: _place(item[0]))
    return HEAD + "".join(f"{_row(name, field)}\n" for name, field in fields)


def _place(name: str) -> int:
    """Those of storage, web and tools are classes of their own, and would come first."""
    places = {("http_", "api_"): 1, ("storage_",): 2, ("generator", "gemini_", "openai_"): 3}
    return next((place for names, place in places.items() if name.startswith(names)), 0)


def _row(name: str, field: FieldInfo) -> str:
    default = "" if field.default is None else f"`{field.default}`"
    text = (field.description or "").replace("|", "\\|")
    choices = _choices(field.annotation)
    if choices:
        text += f": {', '.join(f'`{choice}`' for choice in choices)}"
    return f"| `OMEGA_{name.upper()}` | {default} | {text} |"


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words that a setting may be, where there are only a few."""
    if get_origin(annotation) is Literal:
        return tuple(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in {Union, UnionType}:
        return next(filter(None, map(_choices, get_args(annotation))), ())
    return ()


if __name__ == "__main__":
    sys.stdout.write(page())
