"""Animals on land. Each stands in a box from -1 to 1, its feet at y = 1."""

from __future__ import annotations

from random import Random

from producers.drawing.colours import (
    BLACK,
    CREAM,
    INK,
    WHITE,
    Colour,
    darker,
    lighter,
    mix,
    rgb,
    rgbs,
)
from producers.drawing.pen import Pen

FURS = rgbs("#e8973f #5b5566 #f0e4d2 #8a6a50 #37343f #c9b8a2")
COATS = rgbs("#c98a4a #f0dcb8 #6b4a38 #d9d4cf #8f8a90")
PINK = rgb("#f2a0a8")


def eye(pen: Pen, x: float, y: float, r: float, iris: Colour = INK, slit: float = 0.6) -> None:
    """A round eye with a light in it, which makes it look alive."""
    if iris != INK:
        pen.oval(x, y, r, r * 1.1, iris)
    pen.oval(x, y, r * slit, r * 0.95, BLACK if iris != INK else INK)
    pen.unlit().disc(x + r * 0.28, y - r * 0.34, r * 0.3, WHITE)


def muzzle(pen: Pen, y: float, width: float, nose: Colour) -> None:
    """Nose and the two curves of a mouth under it."""
    pen.blob([(-0.08 * width, y), (0.08 * width, y), (0, y + 0.1 * width)], nose)
    for side in (-1, 1):
        pen.curve(
            [
                (0, y + 0.08 * width),
                (side * 0.08 * width, y + 0.18 * width),
                (side * 0.19 * width, y + 0.13 * width),
            ],
            0.022,
            INK,
        )


def sitting_body(pen: Pen, fur: Colour, chest: Colour) -> None:
    pen.blob(
        [
            (0, -0.3),
            (0.34, 0.0),
            (0.52, 0.62),
            (0.46, 0.98),
            (0, 1.0),
            (-0.46, 0.98),
            (-0.52, 0.62),
            (-0.34, 0.0),
        ],
        fur,
    )
    pen.blob([(0, -0.1), (0.2, 0.2), (0.16, 0.7), (0, 0.85), (-0.16, 0.7), (-0.2, 0.2)], chest)
    for side in (-1, 1):
        pen.oval(side * 0.2, 0.93, 0.17, 0.09, lighter(fur, 0.15))
        pen.line([(side * 0.07, 0.5), (side * 0.07, 0.88)], 0.02, darker(fur, 0.25))


def cat(pen: Pen, random: Random, colour: Colour | None) -> None:
    fur = colour or random.choice(FURS)
    side = random.choice((-1, 1))
    pen.curve(
        [(side * 0.35, 0.9), (side * 0.85, 0.85), (side * 0.92, 0.35), (side * 0.72, 0.12)],
        0.15,
        darker(fur, 0.12),
    )
    sitting_body(pen, fur, lighter(fur, 0.3))
    for ear in (-1, 1):
        pen.poly([(ear * 0.12, -0.72), (ear * 0.42, -1.0), (ear * 0.46, -0.5)], fur)
        pen.poly([(ear * 0.22, -0.74), (ear * 0.38, -0.9), (ear * 0.4, -0.6)], mix(fur, PINK, 0.6))
    pen.blob(
        [
            (0, -0.8),
            (0.4, -0.62),
            (0.48, -0.34),
            (0.26, -0.08),
            (0, -0.02),
            (-0.26, -0.08),
            (-0.48, -0.34),
            (-0.4, -0.62),
        ],
        fur,
    )
    for x in (-0.12, 0, 0.12):
        pen.line([(x, -0.78), (x * 0.8, -0.62)], 0.035, darker(fur, 0.35))
    pen.oval(0, -0.18, 0.2, 0.13, lighter(fur, 0.4))
    iris = random.choice((rgb("#8fc94a"), rgb("#f0b93a"), rgb("#58b8d8")))
    for x in (-0.2, 0.2):
        eye(pen, x, -0.38, 0.115, iris, 0.42)
    muzzle(pen, -0.25, 0.7, PINK)
    for whisker in (-1, 1):
        for y in (-0.04, 0.03):
            pen.line(
                [(whisker * 0.2, -0.17 + y * 0.5), (whisker * 0.6, -0.18 + y * 2)], 0.012, CREAM
            )


def dog(pen: Pen, random: Random, colour: Colour | None) -> None:
    fur = colour or random.choice(COATS)
    pen.curve([(0.4, 0.85), (0.75, 0.6), (0.8, 0.3)], 0.14, fur)
    sitting_body(pen, fur, lighter(fur, 0.45))
    pen.blob(
        [
            (0, -0.85),
            (0.36, -0.66),
            (0.38, -0.3),
            (0.2, 0.02),
            (-0.2, 0.02),
            (-0.38, -0.3),
            (-0.36, -0.66),
        ],
        fur,
    )
    for side in (-1, 1):
        ear = [(side * 0.26, -0.8), (side * 0.52, -0.72), (side * 0.56, -0.2), (side * 0.38, -0.28)]
        pen.blob(ear, darker(fur, 0.35))
        eye(pen, side * 0.17, -0.44, 0.085)
    pen.blob(
        [(0, -0.55), (0.1, -0.3), (0.21, -0.12), (0, 0.04), (-0.21, -0.12), (-0.1, -0.3)],
        lighter(fur, 0.5),
    )
    muzzle(pen, -0.24, 1.0, INK)
    pen.blob([(-0.07, -0.04), (0.07, -0.04), (0.06, 0.12), (-0.06, 0.12)], PINK)
    pen.box(-0.26, 0.02, 0.26, 0.1, rgb("#c8414b"), 0.04)
    pen.disc(0, 0.12, 0.06, rgb("#f0c24a"))


def fox(pen: Pen, random: Random, colour: Colour | None) -> None:
    fur = colour or rgb("#e2702f")
    side = random.choice((-1, 1))
    tail = [
        (side * 0.3, 0.95),
        (side * 0.8, 0.95),
        (side * 1.0, 0.5),
        (side * 0.85, 0.08),
        (side * 0.62, 0.4),
        (side * 0.5, 0.75),
    ]
    pen.blob(tail, darker(fur, 0.1))
    pen.blob([(side * 0.98, 0.45), (side * 0.85, 0.06), (side * 0.66, 0.36)], CREAM)
    sitting_body(pen, fur, CREAM)
    for ear in (-1, 1):
        pen.poly([(ear * 0.1, -0.62), (ear * 0.44, -1.0), (ear * 0.5, -0.42)], fur)
        pen.poly([(ear * 0.34, -0.88), (ear * 0.44, -1.0), (ear * 0.47, -0.76)], INK)
    pen.blob(
        [
            (0, -0.72),
            (0.36, -0.6),
            (0.6, -0.26),
            (0.24, -0.08),
            (0, 0.1),
            (-0.24, -0.08),
            (-0.6, -0.26),
            (-0.36, -0.6),
        ],
        fur,
    )
    for cheek in (-1, 1):
        pen.blob(
            [
                (cheek * 0.06, -0.3),
                (cheek * 0.3, -0.34),
                (cheek * 0.58, -0.26),
                (cheek * 0.24, -0.09),
                (0, 0.08),
            ],
            CREAM,
        )
        eye(pen, cheek * 0.21, -0.4, 0.075)
    pen.oval(0, 0.06, 0.075, 0.055, INK)


def owl(pen: Pen, random: Random, colour: Colour | None) -> None:
    body = colour or random.choice((rgb("#8a6648"), rgb("#6b5f7a"), rgb("#b58a5a")))
    pen.blob(
        [
            (0, -0.85),
            (0.52, -0.62),
            (0.62, 0.1),
            (0.42, 0.82),
            (0, 0.95),
            (-0.42, 0.82),
            (-0.62, 0.1),
            (-0.52, -0.62),
        ],
        body,
    )
    for side in (-1, 1):
        pen.poly([(side * 0.2, -0.74), (side * 0.52, -1.0), (side * 0.54, -0.52)], body)
        pen.blob(
            [(side * 0.42, -0.2), (side * 0.68, 0.15), (side * 0.5, 0.75), (side * 0.32, 0.3)],
            darker(body, 0.3),
        )
    pen.blob(
        [(0, -0.1), (0.34, 0.2), (0.26, 0.75), (0, 0.86), (-0.26, 0.75), (-0.34, 0.2)],
        lighter(body, 0.5),
    )
    for row in range(3):
        for column in range(-1, 2):
            x, y = column * 0.17 + (row % 2) * 0.07 - 0.03, 0.2 + row * 0.18
            pen.curve([(x - 0.06, y), (x, y + 0.06), (x + 0.06, y)], 0.03, darker(body, 0.1))
    for side in (-1, 1):
        pen.disc(side * 0.24, -0.42, 0.27, lighter(body, 0.55))
        eye(pen, side * 0.22, -0.42, 0.17, rgb("#f5b83a"), 0.58)
        pen.oval(side * 0.18, 0.95, 0.12, 0.05, rgb("#e09a3a"))
    pen.poly([(-0.07, -0.3), (0.07, -0.3), (0, -0.1)], rgb("#e09a3a"))


def rabbit(pen: Pen, random: Random, colour: Colour | None) -> None:
    fur = colour or random.choice((rgb("#e9e2da"), rgb("#b59a80"), rgb("#8f8a94")))
    pen.disc(0.48, 0.78, 0.16, WHITE)
    sitting_body(pen, fur, lighter(fur, 0.5))
    for side in (-1, 1):
        lean = side * random.uniform(0.1, 0.24)
        pen.oval(side * 0.17 + lean, -0.78, 0.12, 0.36, fur, lean * 1.2)
        pen.oval(side * 0.17 + lean, -0.76, 0.06, 0.27, mix(fur, PINK, 0.65), lean * 1.2)
    pen.blob(
        [(0, -0.6), (0.34, -0.44), (0.38, -0.16), (0, 0.06), (-0.38, -0.16), (-0.34, -0.44)], fur
    )
    for side in (-1, 1):
        eye(pen, side * 0.18, -0.28, 0.085)
        pen.disc(side * 0.26, -0.12, 0.06, mix(fur, PINK, 0.5))
    muzzle(pen, -0.17, 0.6, PINK)


def bear(pen: Pen, random: Random, colour: Colour | None) -> None:
    fur = colour or random.choice((rgb("#7a5238"), rgb("#4f3a30"), rgb("#e9e6e2")))
    for side in (-1, 1):
        pen.disc(side * 0.36, -0.8, 0.17, fur)
        pen.disc(side * 0.36, -0.8, 0.09, mix(fur, PINK, 0.4))
    sitting_body(pen, fur, lighter(fur, 0.25))
    for side in (-1, 1):
        pen.oval(side * 0.46, 0.34, 0.16, 0.34, darker(fur, 0.12), side * 0.35)
        pen.oval(side * 0.34, 0.9, 0.2, 0.13, darker(fur, 0.12))
    pen.oval(0, -0.46, 0.48, 0.42, fur)
    pen.oval(0, -0.3, 0.22, 0.17, lighter(fur, 0.4))
    for side in (-1, 1):
        eye(pen, side * 0.18, -0.52, 0.065)
    muzzle(pen, -0.37, 0.85, INK)


def penguin(pen: Pen, random: Random, colour: Colour | None) -> None:  # noqa: ARG001  # one form
    coat = colour or rgb("#2b3145")
    for side in (-1, 1):
        pen.oval(side * 0.2, 0.96, 0.2, 0.07, rgb("#f0a03a"))
        pen.blob(
            [(side * 0.4, -0.2), (side * 0.72, 0.35), (side * 0.6, 0.55), (side * 0.38, 0.3)], coat
        )
    pen.blob(
        [
            (0, -0.95),
            (0.36, -0.74),
            (0.42, -0.3),
            (0.54, 0.4),
            (0.3, 0.95),
            (-0.3, 0.95),
            (-0.54, 0.4),
            (-0.42, -0.3),
            (-0.36, -0.74),
        ],
        coat,
    )
    pen.blob(
        [(0, -0.2), (0.3, 0.05), (0.36, 0.5), (0.2, 0.9), (-0.2, 0.9), (-0.36, 0.5), (-0.3, 0.05)],
        WHITE,
    )
    for side in (-1, 1):
        pen.oval(side * 0.14, -0.52, 0.17, 0.22, WHITE)
        eye(pen, side * 0.14, -0.55, 0.07)
    pen.poly([(-0.1, -0.44), (0.1, -0.44), (0, -0.28)], rgb("#f0a03a"))
    pen.box(-0.36, -0.27, 0.36, -0.13, rgb("#d8434f"), 0.05)
    pen.box(0.14, -0.2, 0.28, 0.2, rgb("#c23844"), 0.04)
