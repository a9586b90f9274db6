"""The eight tools, each a small declaration."""

from __future__ import annotations

from pydantic import Field

from producers.tools.charts.tool import RENDER_CHART
from producers.tools.drawing_tools import drawn_by
from producers.tools.editing.tool import ADVANCED_EDITING, IMAGE_EDITOR
from producers.tools.parameters import Drawn, Size
from producers.tools.tool import Tool


class Avatar(Drawn):
    """A small square picture by default."""

    size: Size = Field("512x512", description="WIDTHxHEIGHT in pixels")


class Icon(Drawn):
    """An icon's side; offline it is square whatever is asked."""

    size: Size = Field("256x256", description="WIDTHxHEIGHT in pixels")


class Comic(Drawn):
    """A page, upright by default."""

    size: Size = Field("1024x1536", description="WIDTHxHEIGHT in pixels")
    speech: tuple[str, ...] = Field(
        (), max_length=8, description="What is said in it, in its order: a list of texts"
    )

    def words(self, prompt: str) -> str:
        """The prompt, and in quotes what is said."""
        said = " ".join(f'"{text}"' for text in self.speech)
        return f"{prompt}: {said}" if said else prompt


_DECLARED = (
    drawn_by("generateUserImage", "An image of anything, from a prompt.", Drawn),
    drawn_by(
        "generateUserAvatar",
        "A portrait for a user's profile.",
        Avatar,
        "A portrait avatar, head and shoulders, centred, plain background: {prompt}",
    ),
    drawn_by(
        "generateAnimeManga",
        "An image in the style of anime and manga.",
        Drawn,
        "An illustration in the style of anime and manga: {prompt}",
    ),
    drawn_by(
        "generateComic",
        "A comic page with panels and speech bubbles.",
        Comic,
        "A page of a comic with panels; what is in quotes is said in speech bubbles: {prompt}",
    ),
    drawn_by(
        "generateIconEmoji",
        "A small icon or emoji.",
        Icon,
        "A single icon or emoji, simple flat shapes, readable when small, no text: {prompt}",
    ),
    IMAGE_EDITOR,
    ADVANCED_EDITING,
    RENDER_CHART,
)

TOOLS: dict[str, Tool] = {tool.name: tool for tool in _DECLARED}
"""By their names."""
