"""Icons and emoji: one sign, centred, on a coloured tile or a round face. Transparent outside."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from producers.drawing.canvas import Canvas, both, ramp
from producers.drawing.cast import CAST
from producers.drawing.colours import INK, WHITE, Colour, darker, lighter, luminance, mix, rgb, rgbs
from producers.drawing.glyphs import GLYPHS
from producers.drawing.pen import Pen
from producers.drawing.words import Brief

TILES = rgbs("#4f7df0 #f0605f #2fb58a #f2a33a #8a5cf0 #20a8c8 #e85c9a #3a4358")
FACE = rgb("#ffcf4a")
FACES = frozenset({"smile", "sad", "wink", "cool"})


def paint(brief: Brief, size: tuple[int, int], random: Random) -> Image.Image:
    """The sign of the first known word; a round face for the words of feelings."""
    canvas = Canvas(*size, random, 3)
    glyphs = list(brief.glyphs)
    if glyphs and glyphs[0] in FACES and not brief.subjects:
        return _emoji(canvas, glyphs[0], random)
    tile = brief.colours[0] if brief.colours else random.choice(TILES)
    canvas.gradient([lighter(tile, random.uniform(0.1, 0.3)), tile, darker(tile, 0.16)])
    centre, unit = (canvas.width / 2, canvas.height / 2), canvas.unit
    canvas.glow((unit * random.uniform(0.1, 0.9), unit * 0.1), unit * 0.7, lighter(tile, 0.6), 0.5)
    if brief.subjects:
        shadow = Pen(canvas, centre[0], centre[1], unit * 0.31)
        shadow.oval(0, 1.0, 0.8, 0.12, darker(tile, 0.4))
        CAST[brief.subjects[0]].draw(Pen(canvas, *centre, unit * 0.31), random, _other(brief, tile))
    else:
        name = next((glyph for glyph in glyphs if glyph in GLYPHS), random.choice(sorted(GLYPHS)))
        light = luminance(tile) > 0.72
        GLYPHS[name](
            Pen(canvas, centre[0], centre[1] + unit * 0.014, unit * 0.33), darker(tile, 0.35)
        )
        GLYPHS[name](Pen(canvas, *centre, unit * 0.33), darker(tile, 0.65) if light else WHITE)
    return _cut(canvas, _tile_mask(canvas, random.uniform(0.12, 0.4)))


def _other(brief: Brief, tile: Colour) -> Colour | None:
    """A second colour of the prompt is the sign's own."""
    return next((colour for colour in brief.colours if colour != tile), None)


def _tile_mask(canvas: Canvas, radius: float) -> Image.Image:
    mask = Image.new("L", canvas.image.size)
    edge, far = canvas.unit * 0.05, canvas.unit * 0.95
    ImageDraw.Draw(mask).rounded_rectangle(
        (edge, edge, far, far), radius=canvas.unit * radius, fill=255
    )
    return mask


def _cut(canvas: Canvas, mask: Image.Image) -> Image.Image:
    image = canvas.finished()
    image.putalpha(mask.reduce(3))
    return image


def _emoji(canvas: Canvas, mood: str, random: Random) -> Image.Image:
    unit = canvas.unit
    canvas.gradient([lighter(FACE, 0.3), FACE, darker(FACE, 0.12)])
    pen = Pen(canvas, canvas.width / 2, canvas.height / 2, unit * 0.45)
    brown = rgb("#6a3f1e")
    for side in (-1, 1):
        pen.oval(side * 0.55, 0.18, 0.18, 0.13, mix(FACE, rgb("#f2705a"), 0.55))
        if mood == "wink" and side == 1:
            pen.curve([(0.18, -0.16), (0.34, -0.26), (0.5, -0.16)], 0.09, brown)
        elif mood != "cool":
            pen.oval(side * 0.34, -0.2, 0.12, 0.19, brown)
            pen.disc(side * 0.34 + 0.04, -0.27, 0.045, WHITE)
    if mood == "sad":
        pen.curve([(-0.36, 0.52), (0, 0.36), (0.36, 0.52)], 0.09, brown)
        pen.blob([(-0.4, 0.02), (-0.3, 0.3), (-0.4, 0.42), (-0.5, 0.3)], rgb("#58b4f0"))
    else:
        pen.blob(
            [(-0.5, 0.18), (0, 0.26), (0.5, 0.18), (0.32, 0.58), (0, 0.68), (-0.32, 0.58)], brown
        )
        pen.blob([(-0.42, 0.22), (0, 0.29), (0.42, 0.22), (0.34, 0.34), (-0.34, 0.34)], WHITE)
        pen.blob([(-0.2, 0.56), (0, 0.48), (0.2, 0.56), (0, 0.66)], rgb("#f0605f"))
    if mood == "cool":
        pen.line([(-0.72, -0.28), (0.72, -0.28)], 0.09, INK)
        for side in (-1, 1):
            pen.blob(
                [(side * 0.08, -0.3), (side * 0.6, -0.3), (side * 0.54, 0.04), (side * 0.18, 0.04)],
                INK,
            )
            pen.line(
                [(side * 0.3 - 0.08, -0.2), (side * 0.3 + 0.02, -0.08)], 0.05, lighter(INK, 0.5)
            )
    mask = Image.new("L", canvas.image.size)
    edge = unit * 0.05
    ImageDraw.Draw(mask).ellipse((edge, edge, unit - edge, unit - edge), fill=255)
    rim = both(mask, ramp(mask.size).point([max(0, v - 150) for v in range(256)]))
    canvas.show(canvas.image.rotate(random.uniform(-15, 15), Image.Resampling.BICUBIC))
    canvas.cover(rgb("#e08a1e"), rim)
    return _cut(canvas, mask)
