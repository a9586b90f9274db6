"""Text on a picture: broken into lines, shrunk until it fits, with an outline to be readable."""

from __future__ import annotations

from PIL import Image, ImageDraw

from producers.drawing.lettering import Font, drawable, font
from producers.tools.editing import operations as op

MARGIN = 0.04
SMALLEST = 6


def captioned(picture: Image.Image, wanted: op.Text) -> Image.Image:
    """The picture with the text on it."""
    result = picture.copy()
    draw = ImageDraw.Draw(result)
    margin = max(2, round(min(picture.size) * MARGIN))
    room = (max(1, picture.width - 2 * margin), max(1, picture.height - 2 * margin))
    text, letters, outline = _fitted(draw, wanted, picture.height, room)
    box = draw.multiline_textbbox((0, 0), text, font=letters, stroke_width=outline, spacing=4)
    width, height = box[2] - box[0], box[3] - box[1]
    words = wanted.position.split("-")
    x = margin if "left" in words else (picture.width - width) / 2
    x = picture.width - margin - width if "right" in words else x
    y = margin if "top" in words else (picture.height - height) / 2
    y = picture.height - margin - height if "bottom" in words else y
    draw.multiline_text(
        (x - box[0], y - box[1]),
        text,
        fill=wanted.colour,
        font=letters,
        spacing=4,
        align=_alignment(words),
        stroke_width=outline,
        stroke_fill=wanted.outline or wanted.colour,
    )
    return result


def _alignment(words: list[str]) -> str:
    return next((word for word in ("left", "right") if word in words), "center")


def _fitted(
    draw: ImageDraw.ImageDraw, wanted: op.Text, height: int, room: tuple[int, int]
) -> tuple[str, Font, int]:
    """The text in lines, its letters, and how wide its outline is."""
    size, words = wanted.size or max(SMALLEST * 2, round(height * 0.08)), drawable(wanted.text)
    while True:
        letters = font(size, words)
        outline = max(1, size // 14) if wanted.outline else 0
        text = "\n".join(_lines(words, letters, room[0] - 2 * outline))
        box = draw.multiline_textbbox((0, 0), text, font=letters, stroke_width=outline, spacing=4)
        if (box[2] - box[0] <= room[0] and box[3] - box[1] <= room[1]) or size <= SMALLEST:
            return text, letters, outline
        size = max(SMALLEST, size * 9 // 10)


def _lines(text: str, letters: Font, width: float) -> list[str]:
    lines = []
    for paragraph in text.splitlines() or [text]:
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and letters.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines
