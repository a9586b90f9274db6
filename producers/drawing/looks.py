"""Hair, beards, glasses and headwear of portraits."""

from __future__ import annotations

import math
from random import Random

from producers.drawing.colours import INK, Colour, darker, lighter, mix, rgb
from producers.drawing.figures import HAIRS
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
STYLES = ("short", "long", "bun", "curly", "spiky", "bob", "bald")
LIP = rgb("#c2545a")


def hair_colour(brief: Brief, random: Random) -> Colour:
    """The one that the prompt names, or a natural one."""
    named = [HAIR_WORDS[word] for word in brief.words if word in HAIR_WORDS]
    return named[0] if named else random.choice(HAIRS[:5])


def hair_behind(pen: Pen, hair: Colour, style: str) -> None:
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


def hair_in_front(pen: Pen, hair: Colour, style: str) -> None:
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


def beard(pen: Pen, hair: Colour) -> None:
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


def glasses(pen: Pen) -> None:
    for side in (-1, 1):
        ring = [
            (side * 0.2 + 0.15 * math.cos(a / 4), -0.07 + 0.14 * math.sin(a / 4)) for a in range(26)
        ]
        pen.line(ring, 0.03, INK)
        pen.line([(side * 0.34, -0.1), (side * 0.45, -0.12)], 0.03, INK)
    pen.line([(-0.06, -0.09), (0.06, -0.09)], 0.03, INK)


def hair_style(words: set[str], random: Random) -> str:
    for style in STYLES:
        if style in words:
            return style
    return "spiky" if "punk" in words else random.choice(STYLES[:6])
