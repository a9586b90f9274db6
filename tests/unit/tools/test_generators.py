"""Gemini and OpenAI by their own SDKs, against a local server that speaks as they do."""

from __future__ import annotations

import base64
import io
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from PIL import Image

from producers.tools import Generator, Wanted
from producers.tools.errors import (
    BadAnswer,
    BadParameters,
    NotAllowed,
    QuotaExceeded,
    RateLimited,
    Refused,
    TimedOut,
    ToolError,
    Unavailable,
)
from producers.tools.generators.answers import header_seconds
from producers.tools.generators.gemini import GeminiGenerator
from producers.tools.generators.openai import OpenAIGenerator
from producers.tools.generators.patience import Patience
from tests.support.model_server import (
    Answer,
    ModelServer,
    gemini_error,
    gemini_image,
    model_server,
    openai_error,
    openai_image,
)

KEY = "sk-hunter2-hunter2"
QUICK = Patience(attempts=3, timeout_s=5, deadline_s=10, first_wait_s=0.01)
WANTED = Wanted("generateUserImage", "A red fox", (1536, 1024), quality="hd", style="noir")
Start = Callable[..., tuple[Generator, ModelServer]]


def png(colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (6, 4), colour).save(buffer, "PNG")
    return buffer.getvalue()


def opened(kind: str, url: str, patience: Patience = QUICK) -> Generator:
    if kind == "gemini":
        return GeminiGenerator(KEY, "gemini-test", base_url=url, patience=patience)
    return OpenAIGenerator(KEY, "gpt-image-test", base_url=f"{url}/v1", patience=patience)


def good(kind: str, data: bytes) -> Any:
    return gemini_image(data, "Here it is.") if kind == "gemini" else openai_image(data)


def error(kind: str, status: int, message: str = "something") -> Answer:
    body = gemini_error(status, "STATUS", message)
    return Answer(body if kind == "gemini" else openai_error(message, None), status)


@pytest.fixture(params=["gemini", "openai"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(kind: str) -> Iterator[Start]:
    """Opens the generator over a server with this script."""
    with ExitStack() as stack:

        def open_one(*script: Answer, patience: Patience = QUICK) -> tuple[Generator, ModelServer]:
            server = stack.enter_context(model_server(*script))
            generator = opened(kind, server.url, patience)
            stack.callback(generator.close)
            return generator, server

        yield open_one


def test_the_image_of_the_answer_is_made(kind: str, start: Start) -> None:
    data = png()
    generator, server = start(Answer(good(kind, data)))
    made = generator.make(WANTED)
    assert (made.data, made.mime_type) == (data, "image/png")
    (asked,) = server.asked
    assert "A red fox" in json.dumps(asked.json)
    assert "Style: noir" in json.dumps(asked.json)
    assert generator.name == kind


def test_gemini_is_asked_for_an_image_of_this_shape() -> None:
    with model_server(Answer(gemini_image(png()))) as server:
        opened("gemini", server.url).make(WANTED)
    (asked,) = server.asked
    assert asked.path == "/v1beta/models/gemini-test:generateContent"
    assert asked.headers["x-goog-api-key"] == KEY
    assert asked.json["generationConfig"]["responseModalities"] == ["TEXT", "IMAGE"]
    (part,) = asked.json["contents"][0]["parts"]
    assert "wide, with an aspect ratio of 3:2" in part["text"]


def test_openai_is_asked_for_an_image_of_this_shape() -> None:
    with model_server(Answer(openai_image(png()))) as server:
        opened("openai", server.url).make(WANTED)
    (asked,) = server.asked
    assert asked.path == "/v1/images/generations"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.json == {
        "model": "gpt-image-test",
        "prompt": "A red fox\nStyle: noir",
        "n": 1,
        "size": "1536x1024",
        "quality": "high",
    }


def test_sources_go_to_gemini_in_their_order() -> None:
    sources = (png("red"), png("blue"))
    with model_server(Answer(gemini_image(png()))) as server:
        opened("gemini", server.url).make(Wanted("t", "Mix", (64, 64), sources=sources))
    parts = server.asked[0].json["contents"][0]["parts"]
    sent = [base64.urlsafe_b64decode(part["inlineData"]["data"]) for part in parts[:2]]
    assert sent == list(sources)
    assert parts[2]["text"].startswith("Mix")


def test_sources_go_to_openai_in_their_order() -> None:
    sources = (png("red"), png("blue"))
    with model_server(Answer(openai_image(png()))) as server:
        opened("openai", server.url).make(Wanted("t", "Mix", (64, 64), sources=sources))
    (asked,) = server.asked
    assert asked.path == "/v1/images/edits"
    assert asked.headers["content-type"].startswith("multipart/form-data")
    assert 0 < asked.body.index(sources[0]) < asked.body.index(sources[1])


REFUSALS = [
    ("gemini", Answer({"promptFeedback": {"blockReason": "SAFETY"}}), "SAFETY"),
    (
        "gemini",
        Answer({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "candidates": []}),
        "PROHIBITED_CONTENT",
    ),
    ("gemini", Answer({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}), "IMAGE_SAFETY"),
    (
        "gemini",
        Answer({"candidates": [{"finishReason": "SAFETY", "index": 0}]}),
        "SAFETY",
    ),
    (
        "gemini",
        Answer({"candidates": [{"content": {"parts": [{"text": "I would\nrather not."}]}}]}),
        "I would rather not.",
    ),
    (
        "openai",
        Answer(openai_error("Your request was rejected.", "moderation_blocked"), 400),
        "Your request was rejected.",
    ),
    (
        "openai",
        Answer(openai_error("Not allowed by policy.", "content_policy_violation"), 400),
        "Not allowed by policy.",
    ),
]


@pytest.mark.parametrize(("kind", "answer", "said"), REFUSALS)
def test_a_refusal_says_why_and_is_not_repeated(answer: Answer, said: str, start: Start) -> None:
    generator, server = start(answer)
    with pytest.raises(Refused) as raised:
        generator.make(WANTED)
    assert said in str(raised.value)
    assert len(server.asked) == 1


def test_a_rate_limit_is_waited_for(kind: str, start: Start) -> None:
    slow = Answer(error(kind, 429).body, 429, {"Retry-After": "0.2"})
    generator, server = start(slow, slow, Answer(good(kind, png())))
    began = time.monotonic()
    assert generator.make(WANTED).data == png()
    assert time.monotonic() - began >= 0.4
    assert len(server.asked) == 3


def test_a_wait_beyond_the_deadline_is_not_begun(kind: str, start: Start) -> None:
    generator, server = start(Answer(error(kind, 429).body, 429, {"Retry-After": "3600"}))
    began = time.monotonic()
    with pytest.raises(RateLimited) as raised:
        generator.make(WANTED)
    assert raised.value.retry_after_s == 3600
    assert time.monotonic() - began < 5
    assert len(server.asked) == 1


def test_gemini_tells_its_wait_in_the_body_as_well() -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "41s"}
    body = gemini_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", info)
    with model_server(Answer(body, 429)) as server, pytest.raises(RateLimited) as raised:
        opened("gemini", server.url).make(WANTED)
    assert raised.value.retry_after_s == 41


def test_an_empty_account_is_not_asked_again() -> None:
    body = openai_error("You exceeded your current quota.", "insufficient_quota")
    with model_server(Answer(body, 429)) as server, pytest.raises(QuotaExceeded):
        opened("openai", server.url).make(WANTED)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_passes(kind: str, start: Start, status: int) -> None:
    generator, server = start(error(kind, status), Answer(good(kind, png())))
    assert generator.make(WANTED).data == png()
    assert len(server.asked) == 2


def test_attempts_are_bounded(kind: str, start: Start) -> None:
    generator, server = start(error(kind, 503, "overloaded"))
    with pytest.raises(Unavailable, match=r"503 .*overloaded"):
        generator.make(WANTED)
    assert len(server.asked) == QUICK.attempts


def test_a_silent_server_is_given_up(kind: str, start: Start) -> None:
    patience = Patience(attempts=2, timeout_s=0.3, deadline_s=5, first_wait_s=0.01)
    generator, server = start(Answer(hangs=True), patience=patience)
    began = time.monotonic()
    with pytest.raises(TimedOut):
        generator.make(WANTED)
    assert time.monotonic() - began < 3
    assert len(server.asked) == 2


def test_a_server_that_drips_is_given_up(start: Start) -> None:
    patience = Patience(attempts=2, timeout_s=0.5, deadline_s=2.5, first_wait_s=0.01)
    generator, server = start(Answer({}, drips=True), patience=patience)
    began = time.monotonic()
    with pytest.raises(TimedOut, match="no whole answer"):
        generator.make(WANTED)
    assert time.monotonic() - began < 6
    assert len(server.asked) == 2


def test_a_server_that_is_not_there_is_unavailable(kind: str) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        generator = opened(kind, f"http://127.0.0.1:{one.getsockname()[1]}")
        with pytest.raises(Unavailable, match="cannot be reached"):
            generator.make(WANTED)
        generator.close()


STRANGE = [
    b"",
    b"<html>gateway</html>",
    b"[]",
    b"null",
    b"{}",
    b'{"candidates": 7}',
    b'{"candidates": [{"content": {"parts": [{"inlineData": {"data": "####"}}]}}]}',
    b'{"data": []}',
    b'{"data": [{}]}',
    b'{"data": [{"b64_json": 7}]}',
    b'{"data": [{"b64_json": "####"}]}',
    b'{"data": {"b64_json": ""}}',
    b'{"data": [{"url": "http://127.0.0.1:9/secret"}]}',
    json.dumps(gemini_image(b"<html>no image</html>")).encode(),
    json.dumps(openai_image(b"<html>no image</html>")).encode(),
]


@pytest.mark.parametrize("body", STRANGE)
def test_a_strange_answer_is_named_as_one(start: Start, body: bytes) -> None:
    patience = QUICK._replace(attempts=1)
    generator, _ = start(Answer(body), patience=patience)
    with pytest.raises(BadAnswer):
        generator.make(WANTED)


def test_a_strange_answer_is_asked_again(kind: str, start: Start) -> None:
    generator, server = start(Answer(b"{}"), Answer(good(kind, png())))
    assert generator.make(WANTED).data == png()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, BadParameters), (401, NotAllowed), (403, NotAllowed), (404, NotAllowed)],
)
def test_what_will_not_pass_is_not_repeated(
    kind: str, start: Start, status: int, expected: type[ToolError]
) -> None:
    generator, server = start(error(kind, status))
    with pytest.raises(expected):
        generator.make(WANTED)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [401, 403, 400, 429, 500])
def test_no_key_is_in_an_error(kind: str, start: Start, status: int) -> None:
    said = f"Incorrect API key provided: {KEY}"
    if status in {400, 429, 500}:
        said = "bad"
    generator, _ = start(error(kind, status, said), patience=QUICK._replace(attempts=1))
    with pytest.raises(ToolError) as raised:
        generator.make(WANTED)
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(generator)


def test_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (header_seconds(soon) or 0) < 61
    for wrong in (None, "soon", "-1", "nan", "Mon, 99 Foo 2026"):
        assert header_seconds(wrong) is None
