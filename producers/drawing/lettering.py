"""Text in pictures, in the one typeface that Pillow carries itself."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=64)
def font(size: int) -> Font:
    """The typeface at this height in pixels."""
    return ImageFont.load_default(max(6, size))


def fitted(text: str, width: float, height: float) -> Font:
    """The largest letters, at most ``height`` pixels, in which the text is not wider."""
    size = round(height)
    while size > 7 and font(size).getlength(text) > width:
        size -= 1
    return font(size)


def wrapped(text: str, letters: Font, width: float, lines: int) -> list[str]:
    """The text in at most so many lines of at most this width; the rest is cut with an ellipsis."""
    result: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if letters.getlength(longer) <= width or not line:
            line = longer
            continue
        result.append(line)
        line = word
        if len(result) == lines:
            break
    else:
        result.append(line)
        return result[:lines]
    result[-1] = result[-1].rstrip(".,;") + "…"
    return result
