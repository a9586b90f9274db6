"""Signs for icons: one colour, in a box from -1 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable

from producers.drawing.colours import INK, WHITE, Colour, luminance, mix, rgb
from producers.drawing.pen import Pen

Glyph = Callable[[Pen, Colour], None]


def _heart(pen: Pen, colour: Colour) -> None:
    outline = []
    for step in range(48):
        t = step / 48 * 2 * math.pi
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        outline.append((x / 17, -y / 17 - 0.06))
    pen.poly(outline, colour)


def _star(pen: Pen, colour: Colour) -> None:
    pen.poly([_polar(i * 36 - 90, 0.98 if i % 2 == 0 else 0.42) for i in range(10)], colour)


def _polar(degrees: float, radius: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return radius * math.cos(angle), radius * math.sin(angle)


def _flame(pen: Pen, colour: Colour) -> None:
    pen.blob(
        [
            (0.05, -1.0),
            (0.42, -0.4),
            (0.66, 0.25),
            (0.4, 0.86),
            (0, 0.98),
            (-0.4, 0.86),
            (-0.66, 0.25),
            (-0.36, -0.2),
            (-0.2, 0.0),
        ],
        colour,
    )
    pen.blob(
        [(0.02, 0.05), (0.26, 0.45), (0.16, 0.84), (-0.16, 0.84), (-0.26, 0.45)], rgb("#ffb84a")
    )


def _bolt(pen: Pen, colour: Colour) -> None:
    pen.poly(
        [(0.2, -1.0), (-0.55, 0.15), (-0.06, 0.15), (-0.22, 1.0), (0.56, -0.22), (0.06, -0.22)],
        colour,
    )


def _leaf(pen: Pen, colour: Colour) -> None:
    pen.blob(
        [(0.85, -0.85), (0.6, 0.3), (-0.1, 0.66), (-0.6, 0.4), (-0.55, -0.2), (-0.1, -0.65)], colour
    )
    pen.curve([(0.5, -0.5), (-0.2, 0.2), (-0.8, 0.9)], 0.1, mix(colour, rgb("#3a9a5a"), 0.6))


def _music(pen: Pen, colour: Colour) -> None:
    for x, y in ((-0.45, 0.66), (0.5, 0.5)):
        pen.oval(x, y, 0.27, 0.21, colour, -0.35)
    pen.box(-0.3, -0.72, -0.18, 0.64, colour)
    pen.box(0.65, -0.88, 0.77, 0.48, colour)
    pen.poly([(-0.3, -0.74), (0.77, -0.94), (0.77, -0.62), (-0.3, -0.42)], colour)


def _bell(pen: Pen, colour: Colour) -> None:
    pen.disc(0, 0.78, 0.2, colour)
    pen.blob(
        [
            (0, -0.9),
            (0.5, -0.6),
            (0.56, 0.1),
            (0.82, 0.6),
            (-0.82, 0.6),
            (-0.56, 0.1),
            (-0.5, -0.6),
        ],
        colour,
    )


def _chat(pen: Pen, colour: Colour) -> None:
    pen.box(-0.92, -0.75, 0.92, 0.5, colour, 0.32)
    pen.poly([(-0.5, 0.4), (-0.02, 0.45), (-0.6, 0.98)], colour)
    for x in (-0.42, 0.0, 0.42):
        pen.disc(x, -0.12, 0.12, mix(colour, INK, 0.45))


def _check(pen: Pen, colour: Colour) -> None:
    pen.line([(-0.75, 0.05), (-0.22, 0.6), (0.78, -0.55)], 0.3, colour)


def _gear(pen: Pen, colour: Colour) -> None:
    pen.poly(
        [_polar(i * 360 / 32 + 5.6, 0.95 if i % 4 in (0, 1) else 0.72) for i in range(32)], colour
    )
    pen.disc(0, 0, 0.3, mix(colour, INK, 0.5))


def _trophy(pen: Pen, colour: Colour) -> None:
    for side in (-1, 1):
        pen.curve(
            [(side * 0.5, -0.62), (side * 0.92, -0.6), (side * 0.82, -0.1), (side * 0.4, 0.08)],
            0.13,
            colour,
        )
    pen.blob(
        [(-0.58, -0.88), (0.58, -0.88), (0.5, -0.1), (0.16, 0.3), (-0.16, 0.3), (-0.5, -0.1)],
        colour,
    )
    pen.box(-0.11, 0.2, 0.11, 0.62, colour)
    pen.box(-0.48, 0.58, 0.48, 0.88, colour, 0.08)


def _crown(pen: Pen, colour: Colour) -> None:
    pen.poly(
        [
            (-0.8, 0.6),
            (-0.95, -0.45),
            (-0.42, 0.05),
            (0, -0.8),
            (0.42, 0.05),
            (0.95, -0.45),
            (0.8, 0.6),
        ],
        colour,
    )
    for x, y in ((-0.95, -0.5), (0, -0.85), (0.95, -0.5)):
        pen.disc(x, y, 0.13, colour)
    pen.box(-0.8, 0.42, 0.8, 0.68, mix(colour, INK, 0.2), 0.05)


def _gem(pen: Pen, colour: Colour) -> None:
    pen.poly([(-0.55, -0.7), (0.55, -0.7), (0.95, -0.2), (0, 0.92), (-0.95, -0.2)], colour)
    pen.poly([(-0.95, -0.2), (0.95, -0.2), (0, 0.92)], mix(colour, rgb("#7fd0f5"), 0.45))
    pen.poly([(-0.38, -0.2), (0.38, -0.2), (0, 0.92)], mix(colour, rgb("#4fb0ea"), 0.6))
    pen.poly([(0, -0.7), (0.38, -0.2), (-0.38, -0.2)], mix(colour, rgb("#9fdcf8"), 0.35))


def _moon(pen: Pen, colour: Colour) -> None:
    outer = [_polar(40 + i * 280 / 30, 0.92) for i in range(31)]
    inner = [
        (0.35 + x * 0.72, -0.1 + y * 0.72)
        for x, y in (_polar(300 - i * 220 / 24, 1) for i in range(25))
    ]
    pen.poly([*outer, *inner], colour)


def _sun(pen: Pen, colour: Colour) -> None:
    for ray in range(8):
        pen.line([_polar(ray * 45, 0.72), _polar(ray * 45, 0.97)], 0.15, colour)
    pen.disc(0, 0, 0.52, colour)


def _rainbow(pen: Pen, colour: Colour) -> None:
    for index, tone in enumerate((rgb("#f0605f"), rgb("#f7b74a"), rgb("#5cc878"), rgb("#4a9ae8"))):
        r = 0.9 - index * 0.17
        arc = [(x, y + 0.4) for x, y in (_polar(180 + i * 7.5, r) for i in range(25))]
        pen.line(arc, 0.18, tone if luminance(colour) > 0.5 else colour)
    for side in (-1, 1):
        for dx, dy, r in ((-0.18, 0.05, 0.2), (0.16, 0.05, 0.2), (0, -0.08, 0.22)):
            pen.disc(side * 0.64 + dx, 0.5 + dy, r, colour)


def _pizza(pen: Pen, colour: Colour) -> None:
    crust = rgb("#d9903f") if luminance(colour) > 0.5 else colour
    pen.poly(
        [(-0.85, -0.5), (0.85, -0.5), (0, 1.0)],
        rgb("#ffd76a") if luminance(colour) > 0.5 else colour,
    )
    pen.line([(-0.85, -0.56), (0, -0.74), (0.85, -0.56)], 0.28, crust)
    for x, y in ((-0.3, -0.2), (0.32, -0.15), (0.02, 0.3)):
        pen.disc(x, y, 0.16, rgb("#d8434a") if luminance(colour) > 0.5 else colour)


def _camera(pen: Pen, colour: Colour) -> None:
    pen.box(-0.4, -0.78, 0.4, -0.3, colour, 0.12)
    pen.box(-0.95, -0.5, 0.95, 0.72, colour, 0.2)
    pen.disc(0, 0.1, 0.46, mix(colour, INK, 0.6))
    pen.disc(0, 0.1, 0.3, mix(colour, rgb("#58b4f0"), 0.6))
    pen.disc(-0.1, 0.0, 0.09, WHITE)


def _lock(pen: Pen, colour: Colour) -> None:
    arc = [(x, y - 0.25) for x, y in (_polar(180 + i * 10, 0.46) for i in range(19))]
    pen.line([(-0.46, 0.1), *arc, (0.46, 0.1)], 0.18, colour)
    pen.box(-0.72, -0.1, 0.72, 0.88, colour, 0.16)
    pen.disc(0, 0.3, 0.15, mix(colour, INK, 0.6))
    pen.box(-0.06, 0.3, 0.06, 0.62, mix(colour, INK, 0.6))


def _cloud(pen: Pen, colour: Colour) -> None:
    for x, y, r in ((-0.5, 0.2, 0.4), (0.05, -0.15, 0.52), (0.55, 0.2, 0.38)):
        pen.disc(x, y, r, colour)
    pen.box(-0.55, 0.05, 0.6, 0.6, colour, 0.25)


def _drop(pen: Pen, colour: Colour) -> None:
    pen.blob(
        [
            (0, -1.0),
            (0.3, -0.4),
            (0.6, 0.3),
            (0.36, 0.82),
            (0, 0.94),
            (-0.36, 0.82),
            (-0.6, 0.3),
            (-0.3, -0.4),
        ],
        colour,
    )
    pen.curve([(-0.34, 0.35), (-0.24, 0.62), (0, 0.74)], 0.1, mix(colour, rgb("#7fc4f0"), 0.6))


GLYPHS: dict[str, Glyph] = {
    "heart": _heart,
    "star": _star,
    "flame": _flame,
    "bolt": _bolt,
    "leaf": _leaf,
    "music": _music,
    "bell": _bell,
    "chat": _chat,
    "check": _check,
    "gear": _gear,
    "trophy": _trophy,
    "crown": _crown,
    "gem": _gem,
    "moon": _moon,
    "sun": _sun,
    "rainbow": _rainbow,
    "pizza": _pizza,
    "camera": _camera,
    "lock": _lock,
    "cloud": _cloud,
    "drop": _drop,
}
