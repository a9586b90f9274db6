"""The AsyncAPI document is current, complete and true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from schemas import asyncapi
from schemas.asyncapi import DOCUMENT, document, render
from schemas.codec import decode, encode
from schemas.events import ENVELOPES


def test_the_committed_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render(), "run: python -m schemas.asyncapi"


def test_the_yaml_says_what_the_document_says() -> None:
    assert yaml.safe_load(render()) == json.loads(json.dumps(document()))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    found = set(references(whole))
    assert found
    for reference in found:
        target: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize("name", ENVELOPES)
def test_the_examples_are_events_and_meet_their_schema(name: str) -> None:
    whole = document()
    assert list(whole["channels"]["imageEvents"]["messages"]) == list(ENVELOPES)
    message = whole["components"]["messages"][name]
    (example,) = message["examples"]
    assert json.loads(encode(decode(json.dumps(example["payload"]).encode()))) == example["payload"]
    assert example["payload"]["type"] == name
    # AsyncAPI's own dialect of JSON Schema is draft 7.
    schema = {**message["payload"], "components": whole["components"]}
    Draft7Validator(schema).validate(example["payload"])
    assert not Draft7Validator(schema).is_valid({**example["payload"], "unknown": 1})


def test_writing_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncapi, "DOCUMENT", tmp_path / "asyncapi.yaml")
    assert asyncapi.main() == 0
    assert (tmp_path / "asyncapi.yaml").read_text(encoding="utf-8") == render()
