"""The generator that needs no key: drawn by rules, from the words of the prompt."""

from __future__ import annotations

from producers.drawing import GENERATOR, UnreadableImage, draw
from producers.tools.editing.composing import composed
from producers.tools.errors import BadImage
from producers.tools.generator import Made, Wanted


class OfflineGenerator:
    """producers.tools.Generator over producers.drawing. The same call draws the same image."""

    name = "offline"
    model = GENERATOR

    def make(self, wanted: Wanted) -> Made:
        """See Generator. Sources are laid side by side, or blended, and edited as it is worded."""
        metadata = {"drawn": "offline"}
        source = None
        if wanted.sources:
            source, how = composed(wanted.sources, wanted.prompt, wanted.size)
            metadata["composed"] = how
        try:
            drawing = draw(
                wanted.tool,
                wanted.prompt,
                size=wanted.size,
                style=_style(wanted),
                source=source,
            )
        except UnreadableImage as exc:
            raise BadImage(str(exc)) from exc
        return Made(drawing.data, drawing.mime_type, drawing.tags, metadata)

    def close(self) -> None:
        """Nothing to let go of."""


def _style(wanted: Wanted) -> str | None:
    """With the number, which draws each image of a call differently."""
    if wanted.number == 1:
        return wanted.style
    return f"{wanted.style or ''} {wanted.number}".strip()
