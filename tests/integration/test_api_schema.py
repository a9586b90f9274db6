"""The API against its own OpenAPI document: whatever that permits is answered as it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from projections.dead_letters import DeadLetter, store
from projections.image_search import Place, encode_cursor
from schemas.record import Record
from tests.support.builders import TIME, failed, generated
from tests.support.reading import reading_world
from tests.support.web import bearer
from web.app import create_app
from web.limits import WebLimits

pytestmark = pytest.mark.postgres

schemathesis.openapi.format("cursor", st.just(encode_cursor(Place(TIME, 4294968320))))
schemathesis.openapi.format("wait-token", st.just("0:0"))
schemathesis.openapi.format("json-object", st.sampled_from(['{"a": 1}', "{}", '{"a": {"b": []}}']))
schemathesis.openapi.format("search-text", st.sampled_from(["harbour", '"quiet harbour" -boat']))


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Callable[[], AbstractContextManager[str]],
) -> Iterator[Any]:
    """The document, and the app that it is of, with an image of each kind in every partition."""
    with new_database() as url, reading_world(tmp_path_factory.mktemp("api"), url) as world:
        for number in range(24):
            make = failed if number % 4 == 0 else generated
            world.send(make(f"r{number}", user_id=f"u{number}", tags=("portrait",)))
        assert all(part.end for part in world.topic.partitions)
        world.project()
        with world.site.connect() as connection:
            record = Record("events", 0, 1_000, 0, b"k", b"no JSON", ())
            store(connection, "table", [DeadLetter(record, "InvalidEvent", "is no JSON")])
        limits = WebLimits(requests_per_minute=1_000_000, anonymous_requests_per_minute=1_000_000)
        hosts = frozenset({"localhost", "testserver"})
        app = create_app(replace(world.site, limits=limits, hosts=hosts))
        # The examples' places, which are not there, would be waited for.
        raw = json.loads(json.dumps(app.openapi()).replace('"3:1042"', '"0:0"'))
        for item in raw["paths"].values():
            for operation in item.values():
                # The token is sent always; whether it is asked for, other tests tell.
                operation.pop("security", None)
        schema = schemathesis.openapi.from_dict(raw)
        schema.app = app
        yield schema


OPERATIONS = [
    ("GET", "/api/generated-images"),
    ("GET", "/api/generated-images/{id}"),
    ("GET", "/api/v1/images"),
    ("GET", "/api/v1/images/{id}"),
    ("GET", "/api/v1/stats"),
    ("GET", "/api/v1/stats/{by}"),
    ("GET", "/api/v1/analytics"),
    ("GET", "/api/v1/failures"),
    ("GET", "/api/v1/failures/{fingerprint}"),
    ("GET", "/api/v1/explain/{request}"),
    ("GET", "/api/v1/dead-letters"),
    ("GET", "/api/v1/dead-letters/letters"),
    ("GET", "/api/v1/dead-letters/letters/{id}"),
    ("POST", "/api/v1/dead-letters/redrive"),
    ("POST", "/api/v1/dead-letters/discard"),
    ("GET", "/api/v1/pipeline"),
]


def test_every_answer_is_as_the_document_says(api: Any) -> None:
    for method, path in OPERATIONS:
        for mode in GenerationMode:
            _ask(api[path][method], mode)


def _ask(operation: Any, mode: GenerationMode) -> None:
    @settings(
        max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @seed(1)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=bearer("boss"))

    try:
        ask()
    except Unsatisfiable:
        # There is nothing to ask wrongly where nothing can be asked for.
        assert mode.is_negative
        assert not list(operation.iter_parameters())


def test_every_route_for_reading_is_asked(api: Any) -> None:
    found = {
        (method.upper(), path)
        for path, item in api.raw_schema["paths"].items()
        for method in item
        if path.startswith("/api/") and path != "/api/v1/events"
    }
    assert set(OPERATIONS) == found


def test_every_answer_and_every_body_has_an_example_that_its_schema_permits(api: Any) -> None:
    for method, path in OPERATIONS:
        raw = api.raw_schema["paths"][path][method.lower()]
        answer = raw["responses"]["200"]["content"]["application/json"]
        assert raw["summary"], path
        schema = answer["schema"] | {"components": api.raw_schema["components"]}
        jsonschema.validate(answer["example"], schema)
        if "requestBody" in raw:
            body = raw["requestBody"]["content"]["application/json"]["schema"]
            model = api.raw_schema["components"]["schemas"][body["$ref"].rpartition("/")[2]]
            jsonschema.validate(model["examples"][0], model)


def test_the_document_is_at_its_other_address_too(api: Any) -> None:
    client = TestClient(api.app, base_url="http://localhost")
    assert client.get("/api/openapi.json").json() == client.get("/api/v1/openapi.json").json()
