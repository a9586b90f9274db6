"""A tool as it is declared: its name, what it can be told, and how it makes one image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from producers.pictures import Picture
from producers.tools.errors import BadParameters
from producers.tools.generator import Generator
from producers.tools.parameters import Parameters
from producers.tools.sources import ImageSource

P = TypeVar("P", bound=Parameters)
MAX_SOURCE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Job:
    """One image to be made: everything that a tool's ``make`` gets."""

    tool: str
    prompt: str
    parameters: Any
    """Of the tool's own model."""
    number: int
    """From 1, where several are wanted."""
    generator: Generator
    images: ImageSource
    files: tuple[bytes, ...] = ()
    """Images that came along with the call."""

    def sources(self, request_ids: tuple[str, ...]) -> Iterator[bytes]:
        """The earlier images, then those that came along. Raises ToolError, StorageUnavailable."""
        for request_id in request_ids:
            yield self.images.read(request_id)
        for index, data in enumerate(self.files, 1):
            if not 0 < len(data) <= MAX_SOURCE_BYTES:
                raise BadParameters(f"file {index}: has {len(data)} bytes, 1 to 64 MiB can be read")
            yield data


@dataclass(frozen=True, slots=True)
class Tool:
    """``make`` draws the image of a job; it raises ToolError."""

    name: str
    summary: str
    parameters: type[Parameters]
    make: Callable[[Job], Picture]
    model: Callable[[Generator], str] = lambda generator: generator.model
    """What goes into the column ``model``."""
    takes_files: bool = False
