"""Figures: robot, astronaut, wizard, knight, traveller. Feet at y = 1."""

from __future__ import annotations

from random import Random

from producers.drawing.colours import CREAM, INK, WHITE, Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.pen import Pen

METALS = rgbs("#8fa6b8 #d9a05a #7fb5a8 #c9727a #a59ac8")
SKINS = rgbs("#f6d2b3 #e5b48c #c68a5e #9a6440 #6e442c")
HAIRS = rgbs("#2a2028 #5a3a28 #a8642e #e0b45a #c94f3a #6f7ad0 #d87fae")
CLOTHES = rgbs("#d8504a #3f74b8 #e0a63a #4a8f6a #7a5aa8 #39405a")
GLOW = rgb("#7df0ff")


def robot(pen: Pen, random: Random, colour: Colour | None) -> None:
    metal = colour or random.choice(METALS)
    dark, bright = darker(metal, 0.4), lighter(metal, 0.35)
    for side in (-1, 1):
        pen.box(side * 0.2 - 0.09, 0.6, side * 0.2 + 0.09, 0.95, dark, 0.03)
        pen.box(side * 0.22 - 0.16, 0.86, side * 0.22 + 0.16, 1.0, metal, 0.06)
        pen.curve([(side * 0.42, 0.05), (side * 0.68, 0.3), (side * 0.62, 0.55)], 0.12, dark)
        pen.disc(side * 0.62, 0.6, 0.12, metal)
    pen.box(-0.44, -0.1, 0.44, 0.7, metal, 0.12)
    pen.box(-0.44, -0.1, -0.3, 0.7, darker(metal, 0.18), 0.07)
    pen.box(-0.24, 0.1, 0.24, 0.42, dark, 0.05)
    light = pen.unlit()
    for index, tone in enumerate((rgb("#ff7a6b"), rgb("#ffd35a"), rgb("#6be8a0"))):
        light.disc(-0.13 + index * 0.13, 0.26, 0.045, tone)
    pen.box(-0.1, -0.2, 0.1, -0.06, dark)
    pen.line([(0, -0.85), (0, -0.98)], 0.04, dark)
    light.disc(0, -0.99, 0.07, rgb("#ff6b5f"))
    pen.box(-0.52, -0.6, 0.52, -0.3, dark, 0.06)
    pen.box(-0.46, -0.86, 0.46, -0.16, bright, 0.16)
    pen.box(-0.37, -0.7, 0.37, -0.32, INK, 0.13)
    for side in (-1, 1):
        light.disc(side * 0.17, -0.52, 0.095, GLOW)
        light.disc(side * 0.17 + 0.03, -0.55, 0.032, WHITE)
    light.curve([(-0.1, -0.4), (0, -0.365), (0.1, -0.4)], 0.028, GLOW)


def astronaut(pen: Pen, random: Random, colour: Colour | None) -> None:
    suit, accent = rgb("#eef0f4"), colour or random.choice(CLOTHES)
    shade = darker(suit, 0.2)
    pen.box(-0.42, -0.15, 0.42, 0.5, shade, 0.1)
    for side in (-1, 1):
        pen.box(side * 0.2 - 0.15, 0.5, side * 0.2 + 0.15, 0.98, suit, 0.07)
        pen.box(side * 0.21 - 0.18, 0.84, side * 0.21 + 0.18, 1.0, accent, 0.06)
        pen.curve([(side * 0.34, 0.0), (side * 0.62, 0.24), (side * 0.56, 0.5)], 0.24, suit)
        pen.disc(side * 0.56, 0.54, 0.12, accent)
    pen.box(-0.36, -0.12, 0.36, 0.62, suit, 0.14)
    pen.box(-0.2, 0.14, 0.2, 0.36, shade, 0.04)
    pen.unlit().disc(-0.1, 0.25, 0.04, rgb("#ff6b5f"))
    pen.unlit().disc(0.02, 0.25, 0.04, rgb("#6be8a0"))
    pen.disc(0, -0.5, 0.48, suit)
    pen.oval(0.03, -0.48, 0.37, 0.33, rgb("#1d2547"))
    pen.oval(0.03, -0.48, 0.37, 0.33, mix(rgb("#1d2547"), accent, 0.2))
    pen.unlit().blob([(-0.2, -0.62), (-0.02, -0.74), (0.1, -0.7), (-0.12, -0.55)], rgb("#b9d4f5"))
    pen.unlit().disc(0.2, -0.36, 0.04, rgb("#ffe9b0"))


def _head(pen: Pen, skin: Colour, y: float, r: float) -> None:
    pen.disc(0, y, r, skin)
    for side in (-1, 1):
        pen.oval(side * r * 0.38, y + r * 0.06, r * 0.11, r * 0.16, INK)
        pen.disc(side * r * 0.55, y + r * 0.36, r * 0.14, mix(skin, rgb("#e8707a"), 0.4))
    pen.curve([(-r * 0.2, y + r * 0.4), (0, y + r * 0.5), (r * 0.2, y + r * 0.4)], 0.024, INK)


def wizard(pen: Pen, random: Random, colour: Colour | None) -> None:
    robe = colour or random.choice((rgb("#4a3fa0"), rgb("#2f5f8f"), rgb("#7a2f6a")))
    pen.line([(0.62, -0.5), (0.56, 0.98)], 0.06, rgb("#7a5236"))
    pen.canvas.glow(pen.at(0.62, -0.58), pen.size * 0.6, GLOW, 0.7)
    pen.unlit().disc(0.62, -0.58, 0.11, lighter(GLOW, 0.4))
    pen.blob(
        [
            (0, -0.3),
            (0.3, -0.05),
            (0.52, 0.9),
            (0.3, 1.0),
            (-0.3, 1.0),
            (-0.52, 0.9),
            (-0.3, -0.05),
        ],
        robe,
    )
    pen.blob([(0.16, -0.1), (0.48, 0.1), (0.62, 0.28), (0.5, 0.4), (0.24, 0.26)], darker(robe, 0.2))
    pen.disc(0.58, 0.3, 0.08, random.choice(SKINS))
    _head(pen, random.choice(SKINS), -0.3, 0.3)
    pen.blob(
        [(-0.27, -0.22), (0, -0.12), (0.27, -0.22), (0.2, 0.15), (0, 0.42), (-0.2, 0.15)],
        rgb("#e9ecef"),
    )
    pen.poly([(-0.34, -0.46), (0.34, -0.46), (0.1, -0.85), (0.2, -1.0), (-0.06, -0.92)], robe)
    pen.oval(0, -0.46, 0.52, 0.1, darker(robe, 0.25))
    pen.unlit().disc(0.02, -0.66, 0.05, rgb("#ffdf7a"))


def knight(pen: Pen, random: Random, colour: Colour | None) -> None:
    steel, cloth = rgb("#a9b3c2"), colour or random.choice(CLOTHES)
    pen.blob([(-0.3, -0.2), (-0.62, 0.4), (-0.7, 0.95), (-0.1, 0.8)], darker(cloth, 0.2))
    for side in (-1, 1):
        pen.box(side * 0.17 - 0.13, 0.45, side * 0.17 + 0.13, 1.0, darker(steel, 0.2), 0.05)
    pen.box(-0.34, -0.2, 0.34, 0.55, steel, 0.12)
    pen.box(-0.2, -0.1, 0.2, 0.66, cloth, 0.04)
    for side in (-1, 1):
        pen.disc(side * 0.38, -0.08, 0.17, lighter(steel, 0.25))
    pen.poly(
        [(0.58, -0.95), (0.66, -0.85), (0.64, 0.3), (0.52, 0.3), (0.5, -0.85)], lighter(steel, 0.5)
    )
    pen.box(0.4, 0.27, 0.76, 0.34, rgb("#c99a3a"), 0.02)
    pen.line([(0.38, 0.0), (0.56, 0.4)], 0.15, steel)
    pen.box(-0.3, -0.86, 0.3, -0.2, steel, 0.2)
    pen.box(-0.24, -0.6, 0.24, -0.48, INK, 0.03)
    pen.line([(0, -0.86), (0, -0.3)], 0.035, darker(steel, 0.3))
    pen.blob([(-0.02, -0.86), (-0.12, -1.0), (-0.5, -0.92), (-0.56, -0.6), (-0.3, -0.8)], cloth)
    shield = [(-0.72, 0.02), (-0.28, 0.02), (-0.28, 0.4), (-0.5, 0.66), (-0.72, 0.4)]
    pen.poly(shield, cloth)
    pen.poly([(-0.54, 0.06), (-0.46, 0.06), (-0.46, 0.6), (-0.5, 0.64), (-0.54, 0.6)], CREAM)


def traveller(pen: Pen, random: Random, colour: Colour | None) -> None:
    coat = colour or random.choice(CLOTHES)
    skin, hair = random.choice(SKINS), random.choice(HAIRS[:5])
    pack = rgb("#8a6a42")
    pen.box(-0.5, -0.16, 0.0, 0.42, pack, 0.1)
    pen.box(-0.46, -0.28, -0.04, -0.12, lighter(pack, 0.25), 0.07)
    for side in (-1, 1):
        pen.box(side * 0.14 - 0.11, 0.45, side * 0.14 + 0.11, 0.95, rgb("#3a4058"), 0.04)
        pen.box(side * 0.16 - 0.15, 0.88, side * 0.16 + 0.15, 1.0, rgb("#5a3a28"), 0.05)
    pen.blob(
        [(0, -0.26), (0.28, -0.14), (0.34, 0.55), (0, 0.6), (-0.34, 0.55), (-0.28, -0.14)], coat
    )
    pen.curve([(0.24, -0.05), (0.42, 0.2), (0.34, 0.42)], 0.17, darker(coat, 0.18))
    pen.disc(0.34, 0.45, 0.08, skin)
    pen.disc(0, -0.56, 0.34, hair)
    _head(pen, skin, -0.5, 0.3)
    pen.blob(
        [(-0.3, -0.52), (-0.26, -0.82), (0.1, -0.88), (0.31, -0.6), (0.1, -0.7), (-0.12, -0.66)],
        hair,
    )
    pen.box(
        -0.28, -0.26, 0.28, -0.12, rgb("#f0c24a") if coat != rgb("#e0a63a") else CLOTHES[1], 0.06
    )
