"""Avatars: one face on a quiet ground, to be recognised at 32 pixels."""

from __future__ import annotations

import math
from random import Random

from PIL import Image

from producers.drawing.canvas import Canvas
from producers.drawing.cast import CAST
from producers.drawing.colours import Colour, darker, lighter, rgbs, turned
from producers.drawing.faces import bust
from producers.drawing.finish import finish
from producers.drawing.pen import Pen
from producers.drawing.words import Brief

GROUNDS = rgbs("#f6b352 #68b5c9 #f27b6e #8fbf7f #a58fd8 #5f8fd0 #e0a0b8 #4fa89a")


def paint(brief: Brief, size: tuple[int, int], random: Random) -> Image.Image:
    """A portrait of a person, or of the animal or being that the prompt names."""
    canvas = Canvas(*size, random)
    ground = brief.colours[-1] if len(brief.colours) > 1 else random.choice(GROUNDS)
    canvas.gradient([lighter(ground, random.uniform(0.1, 0.4)), ground, darker(ground, 0.22)])
    _pattern(canvas, ground, random)
    centre, unit = (canvas.width / 2, canvas.height / 2), canvas.unit
    light = centre[0] + unit * random.uniform(-0.25, 0.25), centre[1] - unit * 0.05
    canvas.glow(light, unit * 0.62, lighter(ground, 0.6), 0.7)
    beings = [name for name in brief.subjects if name not in {"traveller", "wizard", "knight"}]
    if beings:
        pen = Pen(canvas, centre[0], centre[1] + unit * 0.14, unit * 0.46)
        role = CAST[beings[0]]
        if role.manner != "stands":
            pen.y = centre[1]
        role.draw(pen, random, brief.colours[0] if brief.colours else None)
    else:
        bust(Pen(canvas, centre[0], centre[1] + unit * 0.06, unit * 0.43), brief, random)
    return finish(canvas.finished(), brief, random) if brief.finishes else canvas.finished()


def _pattern(canvas: Canvas, ground: Colour, random: Random) -> None:
    """Something quiet behind the head: rays, rings, dots or leaves."""
    tone = lighter(turned(ground, 8), 0.16)
    cx, cy, reach = canvas.width / 2, canvas.height * 0.46, canvas.unit
    kind = random.choice(("rays", "rings", "dots", "plain"))
    if kind == "rays":
        for index in range(12):
            a = (index + 0.25) / 12 * 2 * math.pi
            b = a + math.pi / 12
            canvas.draw.polygon(
                [
                    (cx, cy),
                    (cx + reach * math.cos(a), cy + reach * math.sin(a)),
                    (cx + reach * math.cos(b), cy + reach * math.sin(b)),
                ],
                fill=tone,
            )
    elif kind == "rings":
        for index in range(4):
            r = reach * (0.66 - index * 0.11)
            colour = tone if index % 2 == 0 else ground
            canvas.draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=colour)
    elif kind == "dots":
        step = canvas.unit / 9
        for row in range(10):
            for column in range(11):
                x, y = (column + (row % 2) / 2) * step, row * step
                r = step * 0.13
                canvas.draw.ellipse((x - r, y - r, x + r, y + r), fill=tone)
