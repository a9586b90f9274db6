"""JSON Schemas of the events' data, and freezing them: ``python -m schemas.freeze``.

A frozen schema is a promise to every producer that follows it, so it is written once and never
changed. A model that parts from it needs a new version, with an upcaster (schemas.upcasters).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from schemas.events import ENVELOPES
from schemas.upcasters import CURRENT, dataschema_of

FROZEN = Path(__file__).parent / "frozen"


class SchemaChanged(Exception):
    """A model parted from the frozen schema of its version; the message names the file."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event's ``data`` in its current version.

    Its id is the events' dataschema. Words for people are left out: they may change at any time.
    Limits that JSON Schema has no keyword for stand under ``x-``: x-maxBytes counts UTF-8.
    """
    data: Any = ENVELOPES[name].model_fields["data"].annotation
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": dataschema_of(name, CURRENT[name]),
        "title": name,
    }
    schema: dict[str, Any] = head | without_words(data.model_json_schema())
    return schema


def without_words(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema without titles and descriptions. A property may well have such a name."""
    bare: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ("title", "description"):
            continue
        if keyword in ("properties", "$defs"):
            bare[keyword] = {name: without_words(each) for name, each in value.items()}
        elif isinstance(value, dict):
            bare[keyword] = without_words(value)
        elif isinstance(value, list):
            bare[keyword] = [without_words(x) if isinstance(x, dict) else x for x in value]
        else:
            bare[keyword] = value
    return bare


def freeze(folder: Path = FROZEN) -> list[Path]:
    """Write the schemas of the current versions that have no file yet; which files these are.

    Raises SchemaChanged, before anything is written, when a file says something else.
    """
    missing: dict[Path, str] = {}
    for name, version in CURRENT.items():
        path = folder / f"{name}.{version}.json"
        text = json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"
        if not path.exists():
            missing[path] = text
        elif path.read_text(encoding="utf-8") != text:
            raise SchemaChanged(
                f"{path.name} is frozen and the model has parted from it; "
                f"make {name} version {version + 1}, with an upcaster from {version}"
            )
    for path, text in missing.items():
        path.write_text(text, encoding="utf-8")
    return list(missing)


def main() -> int:
    """Freeze what is new; 1 when a model has parted from its frozen schema."""
    try:
        written = freeze()
    except SchemaChanged as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.writelines(f"{path.name}\n" for path in written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
