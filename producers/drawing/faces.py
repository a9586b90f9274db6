"""Portraits: a bust from the shoulders up. No two prompts give the same person."""

from __future__ import annotations

from random import Random

from producers.drawing.colours import INK, WHITE, Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.figures import CLOTHES, HAIRS, SKINS
from producers.drawing.headwear import headwear
from producers.drawing.looks import (
    beard,
    glasses,
    hair_behind,
    hair_colour,
    hair_in_front,
    hair_style,
)
from producers.drawing.pen import Pen
from producers.drawing.words import Brief

IRISES = rgbs("#4a8ac9 #5a9a5f #7a5230 #8a6ac0 #3a3a48")
LIP = rgb("#c2545a")


def bust(pen: Pen, brief: Brief, random: Random) -> None:
    """A person, looking out of the picture, in a box from -1 to 1."""
    words = set(brief.words)
    skin = random.choice(SKINS)
    hair = hair_colour(brief, random)
    cloth = brief.colours[0] if brief.colours else random.choice(CLOTHES)
    style = hair_style(words, random)
    hair_behind(pen, hair, style)
    _shoulders(pen, skin, cloth, random)
    _head(pen, skin)
    _features(pen, skin, hair, random)
    if words & {"bearded", "beard", "viking", "lumberjack", "captain", "pirate", "grandfather"}:
        beard(pen, hair)
    if style != "bald":
        hair_in_front(pen, hair, style)
    if words & {"glasses", "spectacles", "professor", "librarian", "nerd", "scientist"}:
        glasses(pen)
    headwear(pen, words, cloth)


def _shoulders(pen: Pen, skin: Colour, cloth: Colour, random: Random) -> None:
    pen.blob(
        [
            (-0.95, 1.15),
            (-0.86, 0.78),
            (-0.4, 0.58),
            (0.4, 0.58),
            (0.86, 0.78),
            (0.95, 1.15),
            (0, 1.3),
        ],
        cloth,
    )
    pen.box(-0.17, 0.28, 0.17, 0.66, darker(skin, 0.18), 0.06)
    collar = random.choice(("round", "shirt", "scarf", "hood"))
    if collar == "shirt":
        pen.poly([(0, 0.95), (-0.3, 0.56), (-0.16, 0.5), (0, 0.7)], lighter(cloth, 0.5))
        pen.poly([(0, 0.95), (0.3, 0.56), (0.16, 0.5), (0, 0.7)], lighter(cloth, 0.35))
    elif collar == "scarf":
        pen.box(-0.3, 0.46, 0.3, 0.68, lighter(cloth, 0.35), 0.1)
        pen.box(0.06, 0.6, 0.24, 1.02, lighter(cloth, 0.25), 0.06)
    elif collar == "hood":
        pen.curve(
            [(-0.42, 0.56), (-0.2, 0.78), (0, 0.84), (0.2, 0.78), (0.42, 0.56)],
            0.16,
            darker(cloth, 0.2),
        )
    else:
        pen.blob(
            [(-0.2, 0.5), (0.2, 0.5), (0.16, 0.68), (0, 0.74), (-0.16, 0.68)], darker(skin, 0.1)
        )


def _head(pen: Pen, skin: Colour) -> None:
    for side in (-1, 1):
        pen.oval(side * 0.45, -0.06, 0.09, 0.13, darker(skin, 0.08))
    pen.blob(
        [
            (0, -0.72),
            (0.36, -0.58),
            (0.46, -0.12),
            (0.34, 0.26),
            (0, 0.46),
            (-0.34, 0.26),
            (-0.46, -0.12),
            (-0.36, -0.58),
        ],
        skin,
    )
    pen.blob(
        [(0.3, -0.3), (0.45, -0.12), (0.33, 0.26), (0.04, 0.45), (0.24, 0.1)], darker(skin, 0.07)
    )


def _features(pen: Pen, skin: Colour, hair: Colour, random: Random) -> None:
    iris, tilt = random.choice(IRISES), random.uniform(-0.04, 0.05)
    for side in (-1, 1):
        x = side * 0.19
        pen.oval(x, -0.08, 0.1, 0.075, WHITE)
        pen.disc(x + 0.005, -0.075, 0.062, iris)
        pen.disc(x + 0.005, -0.075, 0.032, INK)
        pen.disc(x + 0.028, -0.1, 0.018, WHITE)
        pen.curve([(x - 0.105, -0.1), (x, -0.165), (x + 0.105, -0.1)], 0.03, INK)
        brow = [(x - side * 0.11, -0.22 - tilt), (x, -0.27), (x + side * 0.12, -0.23)]
        pen.curve(brow, 0.042, darker(hair, 0.3))
        pen.oval(side * 0.27, 0.1, 0.09, 0.055, mix(skin, rgb("#ee6a70"), 0.3))
    pen.curve([(0.03, -0.04), (0.07, 0.08), (-0.01, 0.1)], 0.026, darker(skin, 0.28))
    smile = random.uniform(0.02, 0.09)
    if random.random() < 0.4:
        pen.blob([(-0.15, 0.21), (0, 0.22), (0.15, 0.21), (0, 0.24 + smile * 1.4)], rgb("#8a2f3a"))
        pen.blob([(-0.12, 0.215), (0, 0.225), (0.12, 0.215), (0, 0.25)], WHITE)
    else:
        pen.curve(
            [(-0.14, 0.23 - smile * 0.4), (0, 0.23 + smile), (0.14, 0.23 - smile * 0.4)],
            0.036,
            mix(LIP, skin, 0.2),
        )


def anime(pen: Pen, brief: Brief, random: Random) -> None:
    """A young hero with large eyes and hair in points, for comics and manga."""
    skin = random.choice(SKINS[:3])
    hair = brief.colours[0] if brief.colours else random.choice(HAIRS)
    cloth = brief.colours[1] if len(brief.colours) > 1 else random.choice(CLOTHES)
    pen.blob(
        [
            (0, -0.9),
            (0.62, -0.62),
            (0.72, 0.2),
            (0.5, 0.6),
            (-0.5, 0.6),
            (-0.72, 0.2),
            (-0.62, -0.62),
        ],
        darker(hair, 0.25),
    )
    _shoulders(pen, skin, cloth, random)
    pen.blob(
        [
            (0, -0.7),
            (0.44, -0.5),
            (0.47, 0.0),
            (0.28, 0.3),
            (0, 0.48),
            (-0.28, 0.3),
            (-0.47, 0.0),
            (-0.44, -0.5),
        ],
        skin,
    )
    iris = random.choice(IRISES[:4])
    for side in (-1, 1):
        x = side * 0.22
        pen.oval(x, 0.0, 0.13, 0.17, WHITE)
        pen.oval(x, 0.015, 0.1, 0.15, iris)
        pen.oval(x, 0.02, 0.055, 0.1, INK)
        pen.oval(x + 0.03, -0.06, 0.038, 0.05, WHITE)
        pen.disc(x - 0.03, 0.09, 0.022, WHITE)
        pen.curve([(x - 0.14, -0.1), (x, -0.18), (x + 0.14, -0.1)], 0.05, INK)
        pen.curve([(x - 0.1, -0.27), (x, -0.3), (x + 0.1, -0.27)], 0.028, darker(hair, 0.4))
        pen.oval(side * 0.32, 0.17, 0.08, 0.04, mix(skin, rgb("#f2707a"), 0.45))
    pen.curve([(0.0, 0.16), (0.02, 0.2)], 0.02, darker(skin, 0.35))
    pen.blob([(-0.09, 0.28), (0.09, 0.28), (0, 0.37)], rgb("#a23a44"))
    locks = [
        (-0.74, 0.35),
        (-0.66, -0.5),
        (-0.3, -0.92),
        (0.3, -0.94),
        (0.68, -0.5),
        (0.76, 0.35),
        (0.52, 0.02),
        (0.47, -0.3),
        (0.34, -0.1),
        (0.26, -0.42),
        (0.08, -0.12),
        (-0.02, -0.44),
        (-0.22, -0.1),
        (-0.3, -0.42),
        (-0.46, -0.06),
        (-0.56, 0.04),
    ]
    pen.poly(locks, hair)
    pen.curve([(-0.4, -0.66), (0, -0.76), (0.4, -0.66)], 0.05, lighter(hair, 0.4))
