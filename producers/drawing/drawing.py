"""One call for every tool: a prompt in, the bytes of a PNG or JPEG out, the same at every call."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from PIL import Image

from producers.drawing import avatar, chart, comic, edit, icon, scene
from producers.drawing.lettering import drawable
from producers.drawing.words import Brief, understand

GENERATOR = "offline-drawing-1"
"""What stands in ``model``: drawn by this program, no model has seen the prompt."""

MIN_SIDE, MAX_SIDE = 64, 1536

Artist = Callable[[Brief, tuple[int, int], Random, bytes | None], Image.Image]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished picture. ``tags`` are the words of the prompt that the picture shows."""

    data: bytes
    mime_type: str
    width: int
    height: int
    tags: tuple[str, ...]


def draw(
    tool: str,
    prompt: str,
    *,
    size: tuple[int, int] = (448, 448),
    style: str | None = None,
    source: bytes | None = None,
) -> Drawing:
    """The picture that this tool makes of this prompt: PNG for flat colours, JPEG for paintings.

    ``size`` is in pixels, from 64 to 1,536 a side; ``style`` is read like words of the prompt;
    ``source`` is the image to edit, for the two editing tools, which draw one when there is none.
    A tool that is not in TOOLS paints a scene. Raises ValueError for the size and UnreadableImage
    for the source.
    """
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in size):
        raise ValueError(
            f"size {size[0]}x{size[1]} is outside {MIN_SIDE} to {MAX_SIDE} pixels a side"
        )
    brief = understand(drawable(prompt), style)
    artist, flat = TOOLS.get(tool, TOOLS["generateUserImage"])
    image = artist(brief, size, Random(_seed(tool, prompt, style)), source)
    data, mime_type = _encoded(image, flat=flat or brief.finishes[:1] == ("pixel",))
    return Drawing(data, mime_type, image.width, image.height, brief.tags)


def _seed(tool: str, prompt: str, style: str | None) -> int:
    text = "\0".join((tool, prompt, style or ""))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def _encoded(image: Image.Image, *, flat: bool) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    if image.mode == "RGBA":
        image.save(buffer, "PNG", compress_level=4)
        return buffer.getvalue(), "image/png"
    if flat:
        few = image.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(buffer, "PNG", compress_level=6)
        return buffer.getvalue(), "image/png"
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue(), "image/jpeg"


def _scene(
    brief: Brief, size: tuple[int, int], random: Random, _source: bytes | None
) -> Image.Image:
    return scene.paint(brief, size, random)


def _avatar(
    brief: Brief, size: tuple[int, int], random: Random, _source: bytes | None
) -> Image.Image:
    return avatar.paint(brief, size, random)


def _manga(
    brief: Brief, size: tuple[int, int], random: Random, _source: bytes | None
) -> Image.Image:
    return comic.manga(brief, size, random)


def _comic(
    brief: Brief, size: tuple[int, int], random: Random, _source: bytes | None
) -> Image.Image:
    return comic.page(brief, size, random)


def _icon(
    brief: Brief, size: tuple[int, int], random: Random, _source: bytes | None
) -> Image.Image:
    return icon.paint(brief, (min(size), min(size)), random)


def _edit(brief: Brief, size: tuple[int, int], random: Random, source: bytes | None) -> Image.Image:
    return edit.edited(brief, size, random, source, 1)


def _edit_more(
    brief: Brief, size: tuple[int, int], random: Random, source: bytes | None
) -> Image.Image:
    return edit.edited(brief, size, random, source, 4)


def _chart(
    brief: Brief, size: tuple[int, int], random: Random, _source: bytes | None
) -> Image.Image:
    return chart.paint(brief, size, random)


TOOLS: dict[str, tuple[Artist, bool]] = {
    "generateUserImage": (_scene, False),
    "generateUserAvatar": (_avatar, False),
    "generateAnimeManga": (_manga, False),
    "generateComic": (_comic, False),
    "generateIconEmoji": (_icon, True),
    "imageEditor": (_edit, False),
    "advancedImageEditingWithContext": (_edit_more, False),
    "renderChart": (_chart, True),
}
"""Each tool's artist, and whether its pictures are flat (PNG)."""
