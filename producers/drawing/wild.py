"""What swims, flies or haunts. Boxes from -1 to 1, centred."""

from __future__ import annotations

import math
from random import Random

from producers.drawing.animals import eye
from producers.drawing.colours import CREAM, INK, WHITE, Colour, darker, lighter, mix, rgb
from producers.drawing.pen import Pen


def bird(pen: Pen, random: Random, colour: Colour | None) -> None:
    """One bird in flight, wings up."""
    body = colour or random.choice((rgb("#f2f3f5"), rgb("#4a7fc9"), rgb("#d8524a")))
    pen.poly([(-0.55, 0.05), (-0.98, 0.0), (-0.9, 0.22)], darker(body, 0.2))
    far = [(-0.02, 0.0), (0.3, -0.5), (0.28, -0.95), (0.0, -0.6), (-0.26, -0.02)]
    pen.blob(far, darker(body, 0.35))
    pen.blob(
        [(-0.6, 0.08), (-0.1, -0.12), (0.4, -0.18), (0.62, -0.06), (0.4, 0.14), (-0.1, 0.24)], body
    )
    pen.poly([(0.58, -0.12), (0.82, -0.02), (0.58, 0.02)], rgb("#f0a53a"))
    pen.blob(
        [(0.1, 0.02), (-0.16, -0.5), (-0.6, -0.9), (-0.58, -0.45), (-0.34, 0.06)],
        lighter(body, 0.15),
    )
    eye(pen, 0.42, -0.09, 0.05)


def whale(pen: Pen, random: Random, colour: Colour | None) -> None:  # noqa: ARG001  # one form
    skin = colour or rgb("#35598f")
    pen.blob([(-0.6, -0.05), (-0.95, -0.5), (-0.72, -0.42), (-0.52, -0.6), (-0.5, -0.1)], skin)
    pen.blob(
        [
            (-0.75, -0.15),
            (-0.3, 0.1),
            (0.1, -0.32),
            (0.7, -0.28),
            (0.98, 0.08),
            (0.7, 0.42),
            (0.1, 0.5),
            (-0.4, 0.28),
        ],
        skin,
    )
    pen.blob([(0.96, 0.12), (0.7, 0.42), (0.15, 0.5), (-0.1, 0.4), (0.4, 0.26)], lighter(skin, 0.6))
    for step in range(5):
        x = 0.2 + step * 0.13
        pen.curve([(x, 0.3), (x + 0.02, 0.38), (x - 0.03, 0.46)], 0.016, mix(skin, WHITE, 0.3))
    pen.blob([(0.25, 0.28), (0.1, 0.72), (-0.1, 0.66), (0.05, 0.3)], darker(skin, 0.15))
    eye(pen, 0.62, 0.1, 0.06)
    for lean in (-1, 1):
        pen.curve(
            [(0.4, -0.36), (0.42 + lean * 0.05, -0.62), (0.42 + lean * 0.2, -0.74)],
            0.05,
            rgb("#d8f1fa"),
        )


def fish(pen: Pen, random: Random, colour: Colour | None) -> None:
    skin = colour or random.choice((rgb("#f2813a"), rgb("#f2c13a"), rgb("#e85f7a"), rgb("#4fc0d8")))
    pen.blob([(-0.5, 0), (-0.98, -0.42), (-0.85, 0), (-0.98, 0.42)], darker(skin, 0.15))
    pen.blob([(-0.1, -0.35), (0.1, -0.72), (0.35, -0.3)], darker(skin, 0.2))
    pen.blob(
        [(-0.6, 0), (-0.1, -0.42), (0.5, -0.34), (0.92, 0.02), (0.5, 0.36), (-0.1, 0.42)], skin
    )
    for x in (0.32, -0.08):
        pen.blob(
            [
                (x - 0.06, -0.38),
                (x + 0.08, -0.38),
                (x + 0.13, 0),
                (x + 0.08, 0.38),
                (x - 0.06, 0.38),
                (x, 0),
            ],
            CREAM,
        )
    pen.blob([(0.1, 0.05), (-0.2, 0.2), (-0.1, -0.02)], darker(skin, 0.25))
    pen.disc(0.62, -0.06, 0.1, WHITE)
    eye(pen, 0.64, -0.06, 0.075)


def turtle(pen: Pen, random: Random, colour: Colour | None) -> None:  # noqa: ARG001  # one form
    shell = colour or rgb("#5b7f3f")
    skin = rgb("#8fb26a")
    for x, y, turn in ((0.4, 0.32, 0.7), (-0.45, 0.3, -0.6), (0.35, -0.2, -0.9)):
        pen.oval(x, y + 0.1, 0.34, 0.12, darker(skin, 0.1), turn)
    pen.oval(0.78, -0.1, 0.22, 0.16, skin)
    eye(pen, 0.86, -0.14, 0.05)
    pen.blob(
        [(-0.75, 0.2), (-0.5, -0.3), (0.05, -0.5), (0.55, -0.25), (0.66, 0.15), (0, 0.32)], shell
    )
    for x, y in ((-0.35, -0.05), (0.02, -0.22), (0.05, 0.1), (0.36, -0.02)):
        pen.poly(
            [
                (x + 0.16 * math.cos(i * math.pi / 3), y + 0.13 * math.sin(i * math.pi / 3))
                for i in range(6)
            ],
            lighter(shell, 0.25),
        )


def jellyfish(pen: Pen, random: Random, colour: Colour | None) -> None:
    bell = colour or random.choice((rgb("#e89ad0"), rgb("#9ad0f0"), rgb("#c9a0f5")))
    pen.canvas.glow((pen.x, pen.y - 0.2 * pen.size), pen.size * 1.3, bell, 0.5)
    for index in range(7):
        x, phase = -0.42 + index * 0.14, random.uniform(0, 6)
        points = [(x + 0.08 * math.sin(phase + k), 0.0 + k * 0.16) for k in range(6)]
        pen.curve(points, 0.045, mix(bell, WHITE, 0.2 + 0.08 * (index % 3)))
    pen.blob(
        [
            (0, -0.8),
            (0.45, -0.6),
            (0.6, -0.1),
            (0.3, 0.05),
            (0, 0),
            (-0.3, 0.05),
            (-0.6, -0.1),
            (-0.45, -0.6),
        ],
        bell,
    )
    pen.blob([(-0.1, -0.7), (-0.38, -0.5), (-0.46, -0.2), (-0.3, -0.3)], lighter(bell, 0.5))


def butterfly(pen: Pen, random: Random, colour: Colour | None) -> None:
    wing = colour or random.choice((rgb("#f08a2e"), rgb("#4a8ae0"), rgb("#c85fc0")))
    for side in (-1, 1):
        pen.blob(
            [(side * 0.05, -0.1), (side * 0.5, -0.85), (side * 0.95, -0.75), (side * 0.8, -0.15)],
            darker(wing, 0.55),
        )
        pen.blob(
            [(side * 0.12, -0.14), (side * 0.5, -0.72), (side * 0.84, -0.66), (side * 0.7, -0.2)],
            wing,
        )
        pen.blob(
            [(side * 0.05, 0.0), (side * 0.7, 0.05), (side * 0.66, 0.6), (side * 0.25, 0.55)],
            darker(wing, 0.5),
        )
        pen.blob(
            [(side * 0.12, 0.06), (side * 0.58, 0.12), (side * 0.55, 0.5), (side * 0.27, 0.44)],
            lighter(wing, 0.25),
        )
        pen.disc(side * 0.66, -0.58, 0.08, CREAM)
        pen.curve([(0, -0.4), (side * 0.1, -0.65), (side * 0.22, -0.75)], 0.025, INK)
    pen.oval(0, 0.02, 0.06, 0.45, INK)


def dragon(pen: Pen, random: Random, colour: Colour | None) -> None:  # noqa: ARG001  # one form
    skin = colour or rgb("#3f8f5f")
    pen.curve([(-0.2, 0.5), (-0.7, 0.75), (-0.98, 0.5), (-0.9, 0.25)], 0.14, skin)
    pen.poly([(-1.0, 0.3), (-0.88, 0.02), (-0.76, 0.28)], darker(skin, 0.3))
    pen.poly(
        [
            (0.05, 0.0),
            (-0.75, -0.95),
            (-0.85, -0.35),
            (-0.68, -0.42),
            (-0.6, -0.08),
            (-0.45, -0.18),
            (-0.3, 0.18),
        ],
        darker(skin, 0.35),
    )
    pen.blob(
        [
            (-0.35, 0.3),
            (0.0, -0.05),
            (0.4, 0.1),
            (0.42, 0.6),
            (0.2, 0.95),
            (-0.25, 0.95),
            (-0.42, 0.7),
        ],
        skin,
    )
    pen.blob([(0.2, 0.1), (0.4, 0.2), (0.36, 0.65), (0.12, 0.88), (0.08, 0.45)], rgb("#e8d28a"))
    pen.curve([(0.15, 0.15), (0.2, -0.3), (0.35, -0.5)], 0.3, skin)
    pen.blob(
        [(0.15, -0.72), (0.45, -0.78), (0.95, -0.45), (0.9, -0.28), (0.4, -0.3), (0.14, -0.45)],
        skin,
    )
    for x in (0.22, 0.36):
        pen.poly([(x, -0.7), (x - 0.16, -1.0), (x + 0.1, -0.74)], CREAM)
    for index in range(5):
        y = -0.4 + index * 0.2
        pen.poly(
            [
                (0.06 - index * 0.07, y),
                (-0.12 - index * 0.07, y - 0.04),
                (0.02 - index * 0.07, y + 0.14),
            ],
            darker(skin, 0.4),
        )
    eye(pen, 0.5, -0.58, 0.08, rgb("#f5c83a"), 0.35)
    pen.disc(0.86, -0.42, 0.025, INK)
    for x in (-0.1, 0.2):
        pen.oval(x, 0.94, 0.18, 0.08, darker(skin, 0.1))


def ghost(pen: Pen, random: Random, colour: Colour | None) -> None:  # noqa: ARG001  # one form
    sheet = colour or rgb("#eef0fa")
    bright = pen.unlit()
    pen.canvas.glow((pen.x, pen.y), pen.size * 1.5, sheet, 0.35)
    hem = [(0.6 - step * 0.2, 0.95 if step % 2 else 0.72) for step in range(7)]
    bright.blob([(0, -0.9), (0.45, -0.7), (0.6, -0.1), *hem, (-0.6, -0.1), (-0.45, -0.7)], sheet)
    for side in (-1, 1):
        bright.oval(side * 0.2, -0.36, 0.09, 0.14, INK)
        bright.disc(side * 0.34, -0.12, 0.08, mix(sheet, rgb("#f29ab0"), 0.6))
    bright.oval(0, -0.1, 0.08, 0.1, INK)
