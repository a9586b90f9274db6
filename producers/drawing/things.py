"""Things people build. Boxes from -1 to 1, standing on y = 1 unless they float."""

from __future__ import annotations

import math
from random import Random

from producers.drawing.colours import CREAM, INK, WHITE, Colour, darker, lighter, mix, rgb
from producers.drawing.pen import Pen

RED = rgb("#d5453f")
LAMP = rgb("#ffdf8a")
WOODEN = rgb("#9a6a44")


def boat(pen: Pen, random: Random, colour: Colour | None) -> None:
    sail = colour or random.choice((CREAM, RED, rgb("#f2b84a"), rgb("#e9eef5")))
    pen.line([(0.02, 0.55), (0.02, -0.95)], 0.045, darker(WOODEN, 0.4))
    pen.blob([(0.08, -0.88), (0.5, -0.2), (0.72, 0.42), (0.08, 0.46)], sail)
    pen.blob([(-0.04, -0.7), (-0.34, -0.1), (-0.62, 0.42), (-0.04, 0.44)], darker(sail, 0.14))
    pen.poly([(-0.85, 0.52), (0.9, 0.52), (0.62, 0.95), (-0.58, 0.95)], WOODEN)
    pen.poly([(-0.85, 0.52), (0.9, 0.52), (0.84, 0.62), (-0.79, 0.62)], lighter(WOODEN, 0.45))
    pen.poly([(-0.66, 0.84), (0.7, 0.84), (0.62, 0.95), (-0.58, 0.95)], darker(WOODEN, 0.4))
    pen.poly([(0.02, -0.95), (0.32, -0.86), (0.02, -0.78)], RED)


def rocket(pen: Pen, random: Random, colour: Colour | None) -> None:
    fin = colour or random.choice((RED, rgb("#3f74b8"), rgb("#e0862e")))
    hull = rgb("#eef0f3")
    pen.canvas.glow(pen.at(0, 0.9), pen.size * 0.8, rgb("#ffb35a"), 0.7)
    fire = pen.unlit()
    fire.blob([(-0.2, 0.58), (0.2, 0.58), (0.14, 0.9), (0, 1.25), (-0.14, 0.9)], rgb("#ff8a3a"))
    fire.blob([(-0.11, 0.58), (0.11, 0.58), (0, 1.0)], rgb("#ffe27a"))
    for side in (-1, 1):
        pen.blob(
            [(side * 0.26, 0.12), (side * 0.62, 0.5), (side * 0.62, 0.82), (side * 0.24, 0.55)], fin
        )
    pen.blob(
        [
            (0, -1.0),
            (0.24, -0.62),
            (0.34, -0.1),
            (0.24, 0.55),
            (-0.24, 0.55),
            (-0.34, -0.1),
            (-0.24, -0.62),
        ],
        hull,
    )
    pen.blob(
        [(0.06, -0.9), (0.24, -0.6), (0.34, -0.1), (0.24, 0.55), (0.1, 0.55), (0.2, -0.1)],
        darker(hull, 0.16),
    )
    pen.blob([(0, -1.0), (0.19, -0.7), (0, -0.64), (-0.19, -0.7)], fin)
    pen.disc(0, -0.26, 0.17, darker(hull, 0.45))
    pen.disc(0, -0.26, 0.125, rgb("#57b6e8"))
    pen.disc(-0.04, -0.3, 0.04, WHITE)
    pen.box(-0.2, 0.5, 0.2, 0.6, darker(hull, 0.5), 0.03)


def lighthouse(pen: Pen, random: Random, colour: Colour | None) -> None:  # noqa: ARG001  # one form
    stripe = colour or RED
    rock = rgb("#5a4f4a")
    pen.blob([(-0.75, 1.05), (-0.5, 0.72), (0, 0.62), (0.5, 0.74), (0.8, 1.05)], rock)
    pen.blob([(-0.3, 1.0), (-0.1, 0.74), (0.3, 0.8), (0.5, 1.0)], lighter(rock, 0.15))
    if pen.dim > 0.15:
        for side in (-1, 1):
            pen.canvas.glow(pen.at(side * 0.9, -0.74), pen.size * 1.1, LAMP, 0.28)
        pen.canvas.glow(pen.at(0, -0.74), pen.size * 0.9, LAMP, 0.8)

    def half(y: float) -> float:
        return 0.2 + 0.12 * (y + 0.6) / 1.35

    for index in range(5):
        y0, y1 = -0.6 + index * 0.27, -0.6 + (index + 1) * 0.27
        tone = WHITE if index % 2 else stripe
        pen.poly([(-half(y0), y0), (half(y0), y0), (half(y1), y1), (-half(y1), y1)], tone)
        pen.poly(
            [(half(y0) * 0.45, y0), (half(y0), y0), (half(y1), y1), (half(y1) * 0.45, y1)],
            darker(tone, 0.18),
        )
    pen.box(-0.28, -0.64, 0.28, -0.57, INK)
    pen.unlit().box(-0.15, -0.86, 0.15, -0.64, LAMP)
    pen.line([(0, -0.86), (0, -0.64)], 0.03, INK)
    pen.poly([(-0.2, -0.86), (0.2, -0.86), (0, -1.05)], stripe)
    for y in (-0.2, 0.3):
        pen.unlit().box(-0.05, y, 0.05, y + 0.13, LAMP if pen.dim > 0.15 else INK, 0.04)
    pen.box(-0.08, 0.58, 0.08, 0.78, INK, 0.06)


def castle(pen: Pen, random: Random, colour: Colour | None) -> None:  # noqa: ARG001  # one form
    stone, roof = rgb("#b9ab9a"), colour or rgb("#5a5fa8")
    shade = darker(stone, 0.2)

    def tower(x: float, top: float, half: float) -> None:
        pen.box(x - half, top, x + half, 1.0, stone)
        pen.box(x + half * 0.3, top, x + half, 1.0, shade)
        pen.poly([(x - half * 1.35, top), (x + half * 1.35, top), (x, top - half * 2.9)], roof)
        pen.poly(
            [(x + half * 0.3, top), (x + half * 1.35, top), (x, top - half * 2.9)],
            darker(roof, 0.25),
        )
        pen.line([(x, top - half * 2.9), (x, top - half * 3.7)], 0.02, INK)
        pen.poly([(x, top - half * 3.7), (x + half, top - half * 3.4), (x, top - half * 3.1)], RED)
        pen.unlit().box(
            x - 0.035, top + 0.14, x + 0.035, top + 0.28, LAMP if pen.dim > 0.15 else INK, 0.03
        )

    tower(0.0, -0.3, 0.2)
    tower(-0.34, 0.0, 0.14)
    tower(0.36, -0.08, 0.15)
    pen.box(-0.66, 0.4, 0.66, 1.0, stone)
    for index in range(7):
        x = -0.66 + index * 0.2
        pen.box(x, 0.32, x + 0.11, 0.42, stone)
    pen.box(-0.66, 0.86, 0.66, 1.0, shade)
    tower(-0.72, 0.26, 0.14)
    tower(0.74, 0.22, 0.14)
    pen.box(-0.14, 0.6, 0.14, 1.0, darker(WOODEN, 0.5), 0.12)
    pen.box(-0.14, 0.8, 0.14, 1.0, darker(WOODEN, 0.5))


def balloon(pen: Pen, random: Random, colour: Colour | None) -> None:
    """A hot-air balloon with vertical stripes."""
    main = colour or random.choice((RED, rgb("#3f8fd0"), rgb("#e08a2e"), rgb("#8a5ac0")))
    other = random.choice((CREAM, rgb("#f5cf5a"), lighter(main, 0.55)))
    for index in range(7):
        left, right = -1 + 2 * index / 7, -1 + 2 * (index + 1) / 7
        outline = [(_bulge(left, t), _fall(t)) for t in range(11)]
        back = [(_bulge(right, t), _fall(t)) for t in range(10, -1, -1)]
        tone = main if index % 2 == 0 else other
        pen.poly([*outline, *back], darker(tone, max(0.0, (index - 3) * 0.09)))
    for x in (-0.1, 0.1):
        pen.line([(x * 1.4, 0.5), (x, 0.78)], 0.018, darker(WOODEN, 0.4))
    pen.box(-0.13, 0.76, 0.13, 0.98, WOODEN, 0.03)
    pen.box(-0.14, 0.74, 0.14, 0.8, darker(WOODEN, 0.3), 0.02)
    if pen.dim > 0.15:
        pen.canvas.glow(pen.at(0, 0.45), pen.size * 0.5, LAMP, 0.7)


def _bulge(side: float, step: int) -> float:
    """X of a stripe's edge: on a sphere above, drawn together towards the basket."""
    t = step / 10
    width = (
        math.sin(math.pi * (0.04 + 0.5 * min(1.0, t / 0.55)))
        if t < 0.55
        else 1 - ((t - 0.55) / 0.45) ** 1.6 * 0.86
    )
    return math.sin(side * math.pi / 2) * 0.72 * width


def _fall(step: int) -> float:
    return -0.98 + 1.5 * step / 10


def cottage(pen: Pen, random: Random, colour: Colour | None) -> None:
    wall = random.choice((CREAM, rgb("#e8d2b0"), rgb("#d9e0e5")))
    roof = colour or random.choice((rgb("#b5523f"), rgb("#4f6a8a"), rgb("#6f5a48")))
    pen.box(0.38, -0.66, 0.58, 0.0, darker(wall, 0.35))
    pen.box(-0.7, 0.05, 0.7, 1.0, wall)
    pen.box(0.3, 0.05, 0.7, 1.0, darker(wall, 0.1))
    pen.poly([(-0.92, 0.12), (-0.55, -0.62), (0.55, -0.62), (0.92, 0.12)], roof)
    pen.poly([(0.3, 0.12), (0.1, -0.62), (0.55, -0.62), (0.92, 0.12)], darker(roof, 0.18))
    for row in range(3):
        y = -0.42 + row * 0.2
        pen.line([(-0.65 - row * 0.1, y), (0.65 + row * 0.1, y)], 0.014, darker(roof, 0.3))
    glass = LAMP if pen.dim > 0.12 else rgb("#9fc8de")
    for x in (-0.5, 0.28):
        pen.box(x - 0.03, 0.3, x + 0.27, 0.62, darker(wall, 0.45), 0.02)
        pen.unlit().box(x, 0.33, x + 0.24, 0.59, glass)
        pen.line([(x + 0.12, 0.33), (x + 0.12, 0.59)], 0.02, darker(wall, 0.45))
        if pen.dim > 0.12:
            pen.canvas.glow(pen.at(x + 0.12, 0.46), pen.size * 0.5, LAMP, 0.45)
    pen.box(-0.13, 0.42, 0.13, 1.0, darker(WOODEN, 0.2), 0.04)
    pen.disc(0.07, 0.72, 0.025, rgb("#e8c24a"))


def train(pen: Pen, random: Random, colour: Colour | None) -> None:
    body = colour or random.choice((RED, rgb("#2f6a5a"), rgb("#35568f")))
    pen.line([(-1.6, 1.0), (1.6, 1.0)], 0.05, rgb("#4a4348"))
    for x0, x1 in ((-1.5, -0.72), (-0.66, 0.12)):
        pen.box(x0, 0.02, x1, 0.78, body, 0.06)
        pen.box(x0, 0.5, x1, 0.58, CREAM)
        for window in range(3):
            x = x0 + 0.1 + window * 0.22
            pen.unlit().box(
                x, 0.14, x + 0.15, 0.4, LAMP if pen.dim > 0.12 else rgb("#cfe6f0"), 0.03
            )
    pen.box(0.18, -0.3, 0.62, 0.78, body, 0.05)
    pen.box(0.12, -0.38, 0.68, -0.28, INK, 0.04)
    pen.unlit().box(0.28, -0.18, 0.52, 0.1, LAMP, 0.03)
    pen.box(0.6, 0.14, 1.28, 0.78, darker(body, 0.25), 0.16)
    pen.box(1.0, -0.28, 1.16, 0.2, INK, 0.03)
    pen.poly([(1.22, 0.78), (1.28, 0.6), (1.5, 0.98), (1.22, 0.98)], INK)
    for index, r in enumerate((0.13, 0.18, 0.24)):
        pen.disc(
            1.02 - index * 0.34, -0.48 - index * 0.2, r, mix(WHITE, pen.ambient, 0.1 + 0.14 * index)
        )
    for x in (-1.32, -0.9, -0.48, -0.06, 0.4, 0.78, 1.1):
        pen.disc(x, 0.84, 0.16, INK)
        pen.disc(x, 0.84, 0.07, rgb("#b5b0a8"))


def car(pen: Pen, random: Random, colour: Colour | None) -> None:
    paint = colour or random.choice((RED, rgb("#3fa0a8"), rgb("#e8b83a"), rgb("#5a6fb0")))
    pen.blob([(-0.55, 0.3), (-0.4, -0.15), (0.2, -0.18), (0.5, 0.28)], paint)
    pen.blob([(-0.44, 0.26), (-0.33, -0.06), (-0.06, -0.08), (-0.06, 0.26)], rgb("#cfe8f2"))
    pen.blob([(0.02, 0.26), (0.02, -0.08), (0.17, -0.08), (0.36, 0.26)], rgb("#cfe8f2"))
    pen.box(-0.98, 0.24, 0.98, 0.78, paint, 0.2)
    pen.box(-0.98, 0.58, 0.98, 0.72, darker(paint, 0.25), 0.06)
    for x in (-0.56, 0.56):
        pen.disc(x, 0.78, 0.22, INK)
        pen.disc(x, 0.78, 0.1, rgb("#d5d8dc"))
    pen.unlit().oval(0.93, 0.42, 0.06, 0.09, LAMP)
    if pen.dim > 0.15:
        pen.canvas.glow(pen.at(1.0, 0.42), pen.size * 0.5, LAMP, 0.7)


def windmill(pen: Pen, random: Random, colour: Colour | None) -> None:
    wall, roof = rgb("#efe4d0"), colour or rgb("#8a4a3a")
    pen.poly([(-0.3, -0.3), (0.3, -0.3), (0.45, 1.0), (-0.45, 1.0)], wall)
    pen.poly([(0.1, -0.3), (0.3, -0.3), (0.45, 1.0), (0.15, 1.0)], darker(wall, 0.14))
    pen.blob([(-0.34, -0.28), (0, -0.62), (0.34, -0.28)], roof)
    pen.box(-0.12, 0.62, 0.12, 1.0, darker(WOODEN, 0.25), 0.06)
    pen.unlit().box(-0.08, 0.1, 0.08, 0.28, LAMP if pen.dim > 0.12 else rgb("#7f9ab0"), 0.03)
    start = random.uniform(0.2, 1.2)
    for blade in range(4):
        arm = pen.within(0, -0.3, 0.92, turn=start + blade * math.pi / 2)
        arm.poly([(0.1, 0.02), (1.0, 0.02), (1.0, 0.2), (0.1, 0.16)], CREAM)
        for x in (0.3, 0.5, 0.7, 0.9):
            arm.line([(x, 0.02), (x, 0.19)], 0.015, darker(CREAM, 0.35))
        arm.line([(0, 0), (1.0, 0)], 0.04, darker(WOODEN, 0.35))
    pen.disc(0, -0.3, 0.07, INK)
