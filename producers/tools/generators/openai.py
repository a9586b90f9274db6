"""OpenAI's image models by its own SDK, which is the extra ``openai``."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import openai
from openai.types import ImagesResponse

from producers.image_kind import UNKNOWN, mime_type_of
from producers.tools.errors import (
    BadAnswer,
    QuotaExceeded,
    Refused,
    TimedOut,
    ToolError,
    Unavailable,
)
from producers.tools.generator import Made, Wanted
from producers.tools.generators.answers import failure, header_seconds, one_line, shape_of
from producers.tools.generators.patience import Patience, patiently

REFUSALS = {"moderation_blocked", "content_policy_violation", "safety_violations"}
SIZES = {"wide": "1536x1024", "tall": "1024x1536", "square": "1024x1024"}
QUALITIES = {"standard": "medium", "hd": "high", None: "auto"}
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


class OpenAIGenerator:
    """producers.tools.Generator."""

    name = "openai"

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
        # Its own retries are off: ours know the deadline of the whole call.
        self._client = openai.OpenAI(api_key=api_key, base_url=base_url, max_retries=0)

    def make(self, wanted: Wanted) -> Made:
        """See Generator."""
        return patiently(self._patience, lambda timeout_s: self._ask(wanted, timeout_s))

    def close(self) -> None:
        """See Generator."""
        self._client.close()

    def _ask(self, wanted: Wanted, timeout_s: float) -> Made:
        asked: dict[str, Any] = {
            "model": self.model,
            "prompt": wanted.instruction,
            "n": 1,
            "size": SIZES[shape_of(wanted.size)],
            "quality": QUALITIES[wanted.quality],
            "timeout": timeout_s,
        }
        images = self._client.images
        try:
            if wanted.sources:
                answer = images.edit(image=_files(wanted.sources), **asked)
            else:
                answer = images.generate(**asked)
        except openai.APITimeoutError:
            raise TimedOut(f"OpenAI did not answer within {timeout_s:.0f} s") from None
        except openai.APIStatusError as exc:
            raise _told(exc, self.model) from exc
        except openai.APIConnectionError as exc:
            why = type(exc.__cause__ or exc).__name__
            raise Unavailable(f"OpenAI cannot be reached: {why}") from exc
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as exc:
            raise BadAnswer(f"OpenAI's answer cannot be read: {type(exc).__name__}") from exc
        return _image_of(answer)


def _files(sources: tuple[bytes, ...]) -> Any:
    kinds = [mime_type_of(source) for source in sources]
    return [
        (f"image-{number}.{EXTENSIONS.get(kind, 'png')}", source, kind)
        for number, (source, kind) in enumerate(zip(sources, kinds, strict=True), 1)
    ]


def _image_of(answer: ImagesResponse | Any) -> Made:
    """Raises BadAnswer. Only images within the answer are taken: no URL is followed."""
    found = getattr(answer, "data", None)
    text = getattr(found[0], "b64_json", None) if isinstance(found, list) and found else None
    if not isinstance(text, str):
        raise BadAnswer("OpenAI's answer holds no image")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadAnswer("OpenAI's answer holds an image that is not base64") from None
    kind = mime_type_of(data)
    if kind == UNKNOWN:
        raise BadAnswer("OpenAI's answer holds bytes that are no image")
    return Made(data, kind)


def _told(exc: openai.APIStatusError, model: str) -> ToolError:
    """As one of ours."""
    if exc.code in REFUSALS:
        return Refused(f"OpenAI refuses the prompt: {one_line(_message(exc))}")
    if exc.code == "insufficient_quota":
        return QuotaExceeded("OpenAI's account has no quota left")
    asked = header_seconds(exc.response.headers.get("retry-after"))
    return failure("OpenAI", exc.status_code, _message(exc), model, asked)


def _message(exc: openai.APIStatusError) -> str:
    body = exc.body
    message = body.get("message") if isinstance(body, dict) else None
    return message if isinstance(message, str) else exc.message
