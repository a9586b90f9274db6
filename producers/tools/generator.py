"""What draws images for the tools: one protocol for a model far away and the drawings offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image that a tool wants drawn. ``size`` is in pixels; ``number`` counts from 1."""

    tool: str
    prompt: str
    size: tuple[int, int]
    brief: str = "{prompt}"
    """How a model is told what kind of image the tool makes."""
    style: str | None = None
    quality: str | None = None
    sources: tuple[bytes, ...] = ()
    """Images to start from."""
    number: int = 1

    @property
    def instruction(self) -> str:
        """The prompt as a model gets it."""
        text = self.brief.replace("{prompt}", self.prompt)
        return f"{text}\nStyle: {self.style}" if self.style else text


@dataclass(frozen=True, slots=True)
class Made:
    """An image that was drawn. ``metadata`` is what its generator has to say of it."""

    data: bytes
    mime_type: str
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Generator(Protocol):
    """Draws images. All threads may use it."""

    @property
    def name(self) -> str:
        """``offline``, ``gemini``, ``openai``."""
        ...

    @property
    def model(self) -> str:
        """What goes into the column ``model``."""
        ...

    def make(self, wanted: Wanted) -> Made:
        """The image. Raises ToolError."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
