"""Gemini's image models by Google's own SDK, which is the extra ``gemini``."""

from __future__ import annotations

import re
from typing import Any

import httpx
from google import genai
from google.genai import errors, types
from pydantic import ValidationError

from producers.image_kind import UNKNOWN, mime_type_of
from producers.tools.errors import (
    BadAnswer,
    Refused,
    TimedOut,
    ToolError,
    Unavailable,
)
from producers.tools.generator import Made, Wanted
from producers.tools.generators.answers import failure, header_seconds, one_line, shape
from producers.tools.generators.patience import Patience, patiently

REFUSALS = {
    "SAFETY",
    "IMAGE_SAFETY",
    "PROHIBITED_CONTENT",
    "BLOCKLIST",
    "RECITATION",
    "SPII",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
}
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


class GeminiGenerator:
    """producers.tools.Generator."""

    name = "gemini"

    def __init__(
        self,
        api_key: str,
        model: str,
        *,
        base_url: str | None = None,
        patience: Patience = Patience(),  # noqa: B008  # it is immutable
    ) -> None:
        self.model = model
        self._patience = patience
        options = types.HttpOptions(base_url=base_url) if base_url else None
        self._client = genai.Client(api_key=api_key, vertexai=False, http_options=options)

    def make(self, wanted: Wanted) -> Made:
        """See Generator."""
        return patiently(self._patience, lambda timeout_s: self._ask(wanted, timeout_s))

    def close(self) -> None:
        """Its connections go with it."""

    def _ask(self, wanted: Wanted, timeout_s: float) -> Made:
        config = types.GenerateContentConfig(
            response_modalities=["TEXT", "IMAGE"],
            http_options=types.HttpOptions(timeout=max(1, round(timeout_s * 1000))),
        )
        try:
            answer = self._client.models.generate_content(
                model=self.model, contents=_contents(wanted), config=config
            )
        except errors.APIError as exc:
            raise _told(exc, self.model) from exc
        except httpx.TimeoutException:
            raise TimedOut(f"Gemini did not answer within {timeout_s:.0f} s") from None
        except httpx.HTTPError as exc:
            raise Unavailable(f"Gemini cannot be reached: {type(exc).__name__}") from exc
        except (ValidationError, ValueError, TypeError, AttributeError, KeyError) as exc:
            raise BadAnswer(f"Gemini's answer cannot be read: {type(exc).__name__}") from exc
        return _image_of(answer)


def _contents(wanted: Wanted) -> Any:
    images = [
        types.Part.from_bytes(data=source, mime_type=mime_type_of(source))
        for source in wanted.sources
    ]
    text = f"{wanted.instruction}\nMake one image, {shape(wanted.size)}."
    return [*images, types.Part.from_text(text=text)]


def _image_of(answer: types.GenerateContentResponse) -> Made:
    """Raises Refused, BadAnswer."""
    feedback = answer.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        why = feedback.block_reason_message or _name(feedback.block_reason)
        raise Refused(f"Gemini refuses the prompt: {one_line(why)}")
    said = []
    for candidate in answer.candidates or ():
        parts = candidate.content.parts if candidate.content else None
        for part in parts or ():
            if part.inline_data is not None and part.inline_data.data:
                return _made(part.inline_data.data)
            if part.text and not part.thought:
                said.append(part.text)
        if candidate.finish_reason is not None and _name(candidate.finish_reason) in REFUSALS:
            why = candidate.finish_message or _name(candidate.finish_reason)
            raise Refused(f"Gemini refuses to draw it: {one_line(why)}")
    if said:
        raise Refused(f"Gemini answers in words and without an image: {one_line(' '.join(said))}")
    raise BadAnswer("Gemini's answer holds no image")


def _made(data: bytes) -> Made:
    kind = mime_type_of(data)
    if kind == UNKNOWN:
        raise BadAnswer("Gemini's answer holds bytes that are no image")
    return Made(data, kind)


def _name(reason: Any) -> str:
    return str(getattr(reason, "value", reason))


def _told(exc: errors.APIError, model: str) -> ToolError:
    """As one of ours; a wrong key is a 400 here."""
    said = exc.message or exc.status or ""
    wrong_key = "API_KEY" in str(exc.details) or "API key" in said
    status = 401 if wrong_key else exc.code or 500
    return failure("Gemini", status, said, model, _retry_after(exc))


def _retry_after(exc: errors.APIError) -> float | None:
    """From the header, or from google.rpc.RetryInfo in the body."""
    asked = header_seconds(getattr(exc.response, "headers", {}).get("retry-after"))
    if asked is not None:
        return asked
    found = re.search(r"retryDelay'?\"?: '?\"?([0-9.]+s)", str(exc.details))
    delay = _SECONDS.fullmatch(found[1]) if found else None
    return float(delay[1]) if delay else None
