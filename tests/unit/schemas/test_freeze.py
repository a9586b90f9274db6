"""The frozen JSON Schemas are what the models say, and say what the models do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from schemas import freeze as freezing
from schemas.codec import encode
from schemas.events import ENVELOPES, Event
from schemas.freeze import FROZEN, SchemaChanged, freeze, json_schema, without_words
from schemas.upcasters import CURRENT
from tests.support.builders import events
from tests.support.malformed import malformed_data


def frozen(name: str) -> dict[str, Any]:
    text = (FROZEN / f"{name}.{CURRENT[name]}.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


VALIDATORS = {name: Draft202012Validator(frozen(name)) for name in CURRENT}


@pytest.mark.parametrize("name", CURRENT)
def test_the_model_has_not_parted_from_its_frozen_schema(name: str) -> None:
    assert json_schema(name) == frozen(name), (
        f"{name} changed: raise its version, add an upcaster, run python -m schemas.freeze"
    )
    Draft202012Validator.check_schema(frozen(name))


def test_every_type_is_frozen_once_for_each_version() -> None:
    assert ENVELOPES.keys() == CURRENT.keys()
    wanted = {f"{name}.{v}.json" for name, newest in CURRENT.items() for v in range(1, newest + 1)}
    assert {path.name for path in FROZEN.glob("*.json")} == wanted


@given(events())
def test_what_is_encoded_meets_the_frozen_schema(event: Event) -> None:
    parsed = json.loads(encode(event))
    assert parsed["dataschema"] == frozen(event.type)["$id"]
    VALIDATORS[event.type].validate(parsed["data"])


_EXPRESSIBLE = {
    *("MissingField", "WrongType", "EmptyField", "NulCharacter", "InvalidUrl", "InvalidField"),
    *("FieldTooLong", "OutOfRange"),
}


@pytest.mark.parametrize(("name", "kind", "data", "error_class"), list(malformed_data()))
def test_what_json_schema_can_say_the_frozen_schema_says(
    name: str, kind: str, data: dict[str, Any], error_class: str
) -> None:
    elsewhere = (
        error_class not in _EXPRESSIBLE
        or "metadata" in data  # any object, to JSON Schema
        or "over bytes" in name
        or isinstance(data.get("n"), float)  # 1.0 is an integer there
        or str(data.get("sha256", data.get("storage_url"))).endswith("\n")  # Python's own $
    )
    assert elsewhere or not VALIDATORS[kind].is_valid(data)


def test_freezing_again_changes_nothing() -> None:
    assert freeze() == []


def test_a_new_version_is_written_beside_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(freeze(tmp_path)) == len(CURRENT)
    old = (tmp_path / "ImageMoved.1.json").read_bytes()
    monkeypatch.setattr(freezing, "CURRENT", {**CURRENT, "ImageMoved": 2})
    assert [path.name for path in freeze(tmp_path)] == ["ImageMoved.2.json"]
    assert (tmp_path / "ImageMoved.1.json").read_bytes() == old


def test_a_frozen_schema_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    freeze(tmp_path)
    path = tmp_path / "ImageMoved.1.json"
    changed = path.read_text(encoding="utf-8").replace("2048", "2049")
    path.write_text(changed, encoding="utf-8")
    (tmp_path / "ImageGenerated.1.json").unlink()
    with pytest.raises(SchemaChanged, match=r"ImageMoved.1.json .* make ImageMoved version 2"):
        freeze(tmp_path)
    assert path.read_text(encoding="utf-8") == changed
    assert not (tmp_path / "ImageGenerated.1.json").exists()
    monkeypatch.setattr(freezing, "freeze", lambda: freeze(tmp_path))
    assert freezing.main() == 1
    assert "ImageMoved.1.json is frozen" in capsys.readouterr().err


def test_words_for_people_are_not_part_of_the_promise() -> None:
    schema = {
        "title": "T",
        "description": "D",
        "properties": {"title": {"type": "string", "title": "Title"}},
        "anyOf": [{"description": "D", "const": 1}],
    }
    assert without_words(schema) == {
        "properties": {"title": {"type": "string"}},
        "anyOf": [{"const": 1}],
    }
