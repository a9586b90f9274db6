"""Portraits: a bust from the shoulders up. No two prompts give the same person."""

from __future__ import annotations

import math
from random import Random

from producers.drawing.colours import CREAM, INK, WHITE, Colour, darker, lighter, mix, rgb
from producers.drawing.figures import CLOTHES, HAIRS, SKINS
from producers.drawing.pen import Pen
from producers.drawing.words import Brief

HAIR_WORDS = {
    "blonde": HAIRS[3],
    "blond": HAIRS[3],
    "redhead": HAIRS[2],
    "ginger": HAIRS[2],
    "brunette": HAIRS[1],
    "silver-haired": rgb("#c9ced8"),
    "grey-haired": rgb("#a9adb5"),
    "old": rgb("#d9dbe0"),
    "grandmother": rgb("#d9dbe0"),
    "grandfather": rgb("#d9dbe0"),
    "pirate": HAIRS[0],
    "wizard": rgb("#e9ebf0"),
    "elf": HAIRS[3],
    "punk": HAIRS[6],
}
IRISES = tuple(rgb(c) for c in "#4a8ac9 #5a9a5f #7a5230 #8a6ac0 #3a3a48".split())
LIP = rgb("#c2545a")
STYLES = ("short", "long", "bun", "curly", "spiky", "bob", "bald")


def bust(pen: Pen, brief: Brief, random: Random) -> None:
    """A person, looking out of the picture, in a box from -1 to 1."""
    words = set(brief.words)
    skin = random.choice(SKINS)
    hair = next(
        (HAIR_WORDS[word] for word in brief.words if word in HAIR_WORDS), random.choice(HAIRS)
    )
    cloth = brief.colours[0] if brief.colours else random.choice(CLOTHES)
    style = _hair_style(words, random)
    _hair_behind(pen, hair, style)
    _shoulders(pen, skin, cloth, random)
    _head(pen, skin)
    _features(pen, skin, hair, random)
    if words & {"bearded", "beard", "viking", "lumberjack", "captain", "pirate", "grandfather"}:
        _beard(pen, hair)
    if style != "bald":
        _hair_in_front(pen, hair, style)
    if words & {"glasses", "spectacles", "professor", "librarian", "nerd", "scientist"}:
        _glasses(pen)
    _headwear(pen, words, cloth)


def _hair_style(words: set[str], random: Random) -> str:
    for style in STYLES:
        if style in words:
            return style
    return "spiky" if "punk" in words else random.choice(STYLES[:6])


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


def _hair_behind(pen: Pen, hair: Colour, style: str) -> None:
    back = darker(hair, 0.2)
    if style == "long":
        pen.blob(
            [
                (0, -0.86),
                (0.52, -0.6),
                (0.6, 0.1),
                (0.66, 0.85),
                (0.2, 0.7),
                (-0.2, 0.7),
                (-0.66, 0.85),
                (-0.6, 0.1),
                (-0.52, -0.6),
            ],
            back,
        )
    elif style == "bob":
        pen.blob(
            [
                (0, -0.86),
                (0.54, -0.6),
                (0.62, 0.0),
                (0.54, 0.4),
                (0, 0.3),
                (-0.54, 0.4),
                (-0.62, 0.0),
                (-0.54, -0.6),
            ],
            back,
        )
    elif style == "bun":
        pen.disc(0, -0.9, 0.22, back)
    elif style == "curly":
        for index in range(13):
            angle = math.pi * (0.88 + 1.24 * index / 12)
            pen.disc(0.5 * math.cos(angle), -0.22 + 0.55 * math.sin(angle), 0.19, back)


def _hair_in_front(pen: Pen, hair: Colour, style: str) -> None:
    if style == "curly":
        for index in range(9):
            angle = math.pi * (1.05 + 0.9 * index / 8)
            pen.disc(
                0.42 * math.cos(angle),
                -0.3 + 0.42 * math.sin(angle),
                0.15,
                hair if index % 2 else lighter(hair, 0.1),
            )
        return
    if style == "spiky":
        spikes: list[tuple[float, float]] = []
        for index in range(9):
            x = -0.5 + index * 0.125
            spikes += [
                (x, -0.62 - 0.2 * math.sin(math.pi * index / 8)),
                (x + 0.06, -0.98 + abs(x) * 0.4),
            ]
        pen.poly(
            [(-0.5, -0.2), *spikes, (0.52, -0.2), (0.4, -0.44), (0.1, -0.36), (-0.2, -0.46)], hair
        )
        return
    side = -1 if style in {"short", "bun"} else 1
    pen.blob(
        [
            (side * -0.48, -0.1),
            (side * -0.5, -0.5),
            (side * -0.2, -0.82),
            (side * 0.25, -0.84),
            (side * 0.5, -0.52),
            (side * 0.47, -0.12),
            (side * 0.38, -0.34),
            (side * 0.1, -0.5),
            (side * -0.26, -0.42),
            (side * -0.4, -0.26),
        ],
        hair,
    )
    shine = [(side * -0.2, -0.7), (side * 0.08, -0.76), (side * 0.28, -0.68)]
    pen.curve(shine, 0.05, lighter(hair, 0.22))


def _beard(pen: Pen, hair: Colour) -> None:
    pen.blob(
        [
            (-0.42, 0.0),
            (-0.3, 0.12),
            (0, 0.14),
            (0.3, 0.12),
            (0.42, 0.0),
            (0.36, 0.42),
            (0, 0.66),
            (-0.36, 0.42),
        ],
        hair,
    )
    pen.blob([(-0.12, 0.24), (0.12, 0.24), (0, 0.3)], mix(LIP, hair, 0.2))
    pen.blob(
        [(0, 0.13), (0.2, 0.15), (0.26, 0.24), (0, 0.2), (-0.26, 0.24), (-0.2, 0.15)],
        lighter(hair, 0.12),
    )


def _glasses(pen: Pen) -> None:
    for side in (-1, 1):
        ring = [
            (side * 0.2 + 0.15 * math.cos(a / 4), -0.07 + 0.14 * math.sin(a / 4)) for a in range(26)
        ]
        pen.line(ring, 0.03, INK)
        pen.line([(side * 0.34, -0.1), (side * 0.45, -0.12)], 0.03, INK)
    pen.line([(-0.06, -0.09), (0.06, -0.09)], 0.03, INK)


def _headwear(pen: Pen, words: set[str], cloth: Colour) -> None:
    if words & {"crown", "king", "queen", "prince", "princess"}:
        points = [
            (-0.38, -0.62),
            (-0.44, -1.0),
            (-0.2, -0.82),
            (0, -1.06),
            (0.2, -0.82),
            (0.44, -1.0),
            (0.38, -0.62),
        ]
        pen.poly(points, rgb("#f0b93a"))
        pen.box(-0.39, -0.68, 0.39, -0.58, rgb("#d99a2a"))
        for x in (-0.24, 0, 0.24):
            pen.disc(x, -0.63, 0.04, rgb("#d8344c"))
    elif words & {"headphones", "dj", "gamer", "music"}:
        pen.curve([(-0.5, -0.1), (-0.46, -0.66), (0, -0.92), (0.46, -0.66), (0.5, -0.1)], 0.08, INK)
        for side in (-1, 1):
            pen.box(side * 0.5 - 0.1, -0.22, side * 0.5 + 0.1, 0.12, cloth, 0.07)
    elif words & {"wizard", "witch", "mage"}:
        pen.poly([(-0.5, -0.56), (0.5, -0.56), (0.16, -1.1), (0.02, -1.3)], darker(cloth, 0.2))
        pen.oval(0, -0.54, 0.7, 0.12, darker(cloth, 0.35))
    elif words & {"cap", "captain", "sailor", "baseball", "chef"}:
        top = WHITE if words & {"chef", "captain", "sailor"} else cloth
        pen.blob([(-0.48, -0.5), (-0.5, -0.86), (0, -1.02), (0.5, -0.86), (0.48, -0.5)], top)
        pen.box(-0.5, -0.6, 0.5, -0.46, darker(cloth, 0.3), 0.05)
    elif words & {"hat", "detective", "explorer", "cowboy", "gardener"}:
        pen.oval(0, -0.52, 0.72, 0.12, rgb("#6a4a34"))
        pen.blob(
            [(-0.4, -0.54), (-0.34, -0.98), (0, -0.92), (0.34, -0.98), (0.4, -0.54)], rgb("#7a5a40")
        )
        pen.box(-0.4, -0.66, 0.4, -0.54, rgb("#3a2a22"))
    elif words & {"flower", "flowers", "elf", "spring"}:
        for index in range(7):
            angle = math.pi * (1.14 + 0.72 * index / 6)
            tone = (rgb("#f27aa0"), CREAM, rgb("#f6c93a"))[index % 3]
            pen.disc(0.48 * math.cos(angle), -0.22 + 0.5 * math.sin(angle), 0.1, tone)
    elif "pirate" in words:
        pen.box(-0.46, -0.66, 0.46, -0.48, rgb("#c8343f"), 0.06)
        pen.oval(0.2, -0.08, 0.13, 0.11, INK)
        pen.line([(-0.42, -0.3), (0.44, -0.02)], 0.03, INK)


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
