"""The one flow of all tools: checked, tracked, drawn, stored and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from producers.pictures import Tracked
from producers.tools.catalogue import TOOLS
from producers.tools.errors import BadParameters, ToolError
from producers.tools.generator import Generator
from producers.tools.parameters import Parameters, parsed
from producers.tools.sources import ImageSource, NoImages
from producers.tools.tool import Job, Tool
from producers.tracking import Tracker
from schemas.limits import BYTE_LIMITS

MAX_IMAGES = 10
"""Of one call."""


class UnknownTool(ToolError, KeyError):
    """There is no tool of this name; nothing was recorded."""

    error_code = "UnknownTool"

    def __str__(self) -> str:
        return str(self.args[0])


class Tools:
    """Runs tools. All threads may use it."""

    def __init__(
        self,
        tracker: Tracker,
        generator: Generator,
        images: ImageSource | None = None,
        tools: Mapping[str, Tool] = TOOLS,
    ) -> None:
        self._tracker = tracker
        self._generator = generator
        self._images = images or NoImages()
        self._tools = tools

    def run(
        self,
        name: str,
        *,
        user: str,
        prompt: str,
        parameters: Mapping[str, Any] | None = None,
        n: int = 1,
        files: Sequence[bytes] = (),
        **fields: Any,
    ) -> Tracked:
        """Make ``n`` images; each is stored and told under ``<request_id>``, ``…/2``, and so on.

        ``fields`` are the request's others: username, request_id, message_id, tags. Whatever goes
        wrong is told as ImageFailed and raised: ToolError, StorageError, PublishError. Raises
        UnknownTool, SpoolError, and InvalidEvent for a user or a field that no event can hold,
        before anything can be told.
        """
        if name not in self._tools:
            raise UnknownTool(f"there is no tool {name[:60]!r}; there are {', '.join(self._tools)}")
        tool = self._tools[name]
        read, wrong = _read(tool, parameters or {}, n, files)
        prompt, unspeakable = _tellable(prompt)
        wrong = wrong or unspeakable
        told = fields | {"model": tool.model(self._generator)}
        if read is not None:
            told = read.columns() | told
        with self._tracker.track(name, user, prompt, n=n if wrong is None else 1, **told) as call:
            if wrong is not None:
                raise wrong
            for number in range(1, n + 1):
                job = Job(name, prompt, read, number, self._generator, self._images, tuple(files))
                picture = tool.make(job)
                call.save(picture.data, picture.mime_type, **picture.fields)
        return Tracked(call.request_id, call.images)


def _tellable(prompt: str) -> tuple[str, BadParameters | None]:
    """The prompt as an event can hold it, and what is wrong with it if that is another."""
    limit = BYTE_LIMITS["prompt"]
    text = prompt.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace")
    if len(text) > limit:
        cut = text[:limit].decode(errors="ignore")
        return cut, BadParameters(f"prompt: {len(text):,} bytes, limit {limit:,}")
    told = text.decode()
    if told != prompt:
        return told, BadParameters("prompt: contains NUL (U+0000), or half of a surrogate pair")
    return prompt, None


def _read(
    tool: Tool, raw: Mapping[str, Any], n: int, files: Sequence[bytes]
) -> tuple[Parameters | None, BadParameters | None]:
    """The parameters, or what is wrong with them, which has to be told like any other failure."""
    if not 1 <= n <= MAX_IMAGES:
        return None, BadParameters(f"n: must be 1 to {MAX_IMAGES}, not {n}")
    if files and not tool.takes_files:
        return None, BadParameters(f"files: {tool.name} starts from no image")
    try:
        return parsed(tool.parameters, raw), None
    except BadParameters as exc:
        return None, exc
