"""Several pictures made one, without a model: side by side in a collage, or blended."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from PIL import Image, ImageOps

from producers.tools.editing.opening import on_colour, opened, saved

BLEND = re.compile(
    r"\b(?:blend|blended|overlay|merge|merged|mix|mixed|double exposure|morph)\b", re.IGNORECASE
)
PAPER = (250, 248, 244)
GAP = 0.012


def composed(
    sources: Sequence[bytes], instruction: str, size: tuple[int, int]
) -> tuple[bytes, str]:
    """One picture of this size in PNG, and how it came about: ``single``, ``blend``, ``collage``.

    A single source keeps its own size. Raises BadImage.
    """
    pictures = [on_colour(opened(source)[0], PAPER) for source in sources]
    if len(pictures) == 1:
        return saved(pictures[0], "png")[0], "single"
    if BLEND.search(instruction):
        return saved(_blended(pictures, size), "png")[0], "blend"
    return saved(_collage(pictures, size), "png")[0], "collage"


def _blended(pictures: Sequence[Image.Image], size: tuple[int, int]) -> Image.Image:
    """Each with the same weight."""
    result = ImageOps.fit(pictures[0], size, Image.Resampling.LANCZOS)
    for number, picture in enumerate(pictures[1:], 2):
        other = ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
        result = Image.blend(result, other, 1 / number)
    return result


def _collage(pictures: Sequence[Image.Image], size: tuple[int, int]) -> Image.Image:
    """In rows, each picture cut to its cell; where a row has fewer, its cells are wider."""
    width, height = size
    page = Image.new("RGB", size, PAPER)
    gap = max(4, round(min(size) * GAP))
    columns = math.ceil(math.sqrt(len(pictures) * width / height))
    columns = max(1, min(columns, len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    row_height = (height - gap * (rows + 1)) / rows
    for row in range(rows):
        inside = pictures[row * len(pictures) // rows : (row + 1) * len(pictures) // rows]
        cell = (width - gap * (len(inside) + 1)) / len(inside)
        for column, picture in enumerate(inside):
            left, top = round(gap + column * (cell + gap)), round(gap + row * (row_height + gap))
            right = round(gap + column * (cell + gap) + cell)
            bottom = round(gap + row * (row_height + gap) + row_height)
            fitted = ImageOps.fit(picture, (right - left, bottom - top), Image.Resampling.LANCZOS)
            page.paste(fitted, (left, top))
    return page
