"""Text in pictures: in the typeface that Pillow carries, or in one with more letters."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from unicodedata import category

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_BEYOND_ASCII = frozenset("\xa0©«°±·»\u2018\u2019“”…™")
"""Of what the typeface that Pillow carries has beyond ASCII: neither ö nor é is in it."""
_NO_LETTERS = frozenset({"Cc", "Zl", "Zp"})
_WIDE = "mpl-data/fonts/ttf/DejaVuSans.ttf"
"""matplotlib carries one for Latin, Greek, Cyrillic, Arabic and many signs."""


def drawable(text: str) -> str:
    """The text with blanks for control characters and Unicode's separators of lines, but LF.

    What lays out letters beyond ASCII fails on some of them.
    """
    return "".join(
        char if char == "\n" or category(char) not in _NO_LETTERS else " " for char in text
    )


def font(size: int, text: str = "") -> Font:
    """A typeface that has the letters of the text, at this height in pixels."""
    return _font(max(6, size), all(char.isascii() or char in _BEYOND_ASCII for char in text))


@lru_cache(maxsize=64)
def _font(size: int, plain: bool) -> Font:
    wide = None if plain else _wide()
    return ImageFont.truetype(wide, size) if wide else ImageFont.load_default(size)


@cache
def _wide() -> Path | None:
    # Found without importing matplotlib, which takes longer than to draw.
    spec = find_spec("matplotlib")
    path = Path(spec.origin).parent / _WIDE if spec and spec.origin else None
    return path if path and path.is_file() else None


def fitted(text: str, width: float, height: float) -> Font:
    """The largest letters, at most ``height`` pixels, in which the text is not wider."""
    size = round(height)
    while size > 7 and font(size, text).getlength(text) > width:
        size -= 1
    return font(size, text)


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
