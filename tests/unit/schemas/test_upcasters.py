"""Old versions stay readable: exercised by a version 0 that production does not have."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given

from schemas.codec import decode, decode_strict, encode
from schemas.errors import InvalidEvent
from schemas.events import Event, GeneratedEvent
from schemas.freeze import FROZEN
from schemas.upcasters import CURRENT, UPCASTERS, Upcasters, dataschema_of
from tests.support.builders import events, generated
from tests.support.malformed import ABSENT, document


def from_version_0(data: dict[str, Any]) -> dict[str, Any]:
    """In version 0 the user was ``user``, and the provider followed from the URL."""
    provider = "github" if "githubusercontent" in data["storage_url"] else "local"
    renamed = {"user_id" if name == "user" else name: value for name, value in data.items()}
    return {**renamed, "storage_provider": provider}


WITH_VERSION_0 = Upcasters({("ImageGenerated", 0): from_version_0})
VERSION_0 = document(
    dataschema="urn:omega-images:ImageGenerated:0",
    data_user_id=ABSENT,
    data_user="ada",
    data_storage_provider=ABSENT,
)


def test_an_old_version_reads_as_the_current_one() -> None:
    for read in (decode, decode_strict):
        event = read(VERSION_0, WITH_VERSION_0)
        assert isinstance(event, GeneratedEvent)
        assert (event.data.user_id, event.data.storage_provider) == ("ada", "local")
        assert event.dataschema == "urn:omega-images:ImageGenerated:1"
        assert decode(encode(event)) == event


def test_without_the_upcaster_the_version_is_unknown() -> None:
    with pytest.raises(InvalidEvent) as caught:
        decode(VERSION_0)
    assert caught.value.error_class == "UnknownVersion"
    assert caught.value.message == "dataschema: version 0 of ImageGenerated, newest known 1"


def test_the_limits_hold_for_what_an_upcaster_made() -> None:
    with pytest.raises(InvalidEvent, match=r"^data.user_id: 33 characters, limit 32$"):
        decode(VERSION_0.replace(b'"ada"', b'"' + b"x" * 33 + b'"'), WITH_VERSION_0)


def test_data_that_an_upcaster_fails_on_is_an_invalid_event() -> None:
    without_url = VERSION_0.replace(b"storage_url", b"url")
    with pytest.raises(InvalidEvent) as caught:
        decode(without_url, WITH_VERSION_0)
    assert caught.value.error_class == "UpcastFailed"
    assert "ImageGenerated 0" in caught.value.message
    assert "KeyError" in caught.value.message
    with pytest.raises(InvalidEvent) as caught:
        decode(document(dataschema="urn:omega-images:ImageGenerated:0", data=5), WITH_VERSION_0)
    assert caught.value.error_class == "WrongType"


@given(events())
def test_the_current_version_passes_unchanged(event: Event) -> None:
    parsed = json.loads(encode(event))
    before = deepcopy(parsed)
    assert WITH_VERSION_0.upcast(parsed) == parsed == before
    assert decode(encode(event), WITH_VERSION_0) == event


def test_versions_are_climbed_one_by_one() -> None:
    climbed = []

    def step(number: int) -> Any:
        def climb(data: dict[str, Any]) -> dict[str, Any]:
            climbed.append(number)
            return {**data, "n": data["n"] * 10 + number}

        return climb

    chain = Upcasters({("ImageGenerated", n): step(n) for n in range(4)}, {"ImageGenerated": 3})
    parsed = json.loads(document(dataschema="urn:omega-images:ImageGenerated:1", data_n=0))
    before = deepcopy(parsed)
    again = chain.upcast(parsed)
    assert climbed == [1, 2]
    assert again["data"]["n"] == 12
    assert again["dataschema"] == "urn:omega-images:ImageGenerated:3"
    assert parsed == before


def test_an_event_without_dataschema_is_of_version_1_for_ever() -> None:
    parsed = json.loads(document(dataschema=ABSENT, data_n=0))
    chain = Upcasters({("ImageGenerated", 1): lambda data: {**data, "n": 5}}, {"ImageGenerated": 2})
    assert chain.upcast(parsed)["data"]["n"] == 5
    assert decode(document(dataschema=ABSENT)) == decode(document())
    assert decode(document(dataschema=None)) == decode(document())


def test_every_frozen_version_has_its_way_to_the_current_one() -> None:
    for path in FROZEN.glob("*.json"):
        name, version = path.name.split(".")[:2]
        event = {
            "specversion": "1.0",
            "type": name,
            "dataschema": dataschema_of(name, int(version)),
        }
        steps = range(int(version), CURRENT[name])
        assert all((name, old) in UPCASTERS._steps for old in steps)
        assert UPCASTERS.upcast(event)["dataschema"] == dataschema_of(name, CURRENT[name])


def test_the_models_are_of_the_versions_that_upcasters_lead_to() -> None:
    assert generated().dataschema == dataschema_of("ImageGenerated", CURRENT["ImageGenerated"])
