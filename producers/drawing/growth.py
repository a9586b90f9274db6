"""Plants, and small things that stand on a table. Feet at y = 1."""

from __future__ import annotations

import math
from random import Random

from producers.drawing.colours import CREAM, INK, WHITE, Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.pen import Pen

BARK = rgb("#6a4a3a")
LEAF = rgb("#4f9a4c")
CROWNS = rgbs("#5da84a #d9732e #f2a9c0 #e0b23a #3f8a5a")
PETALS = rgbs("#f6c93a #e8505b #f08bb4 #b06be0 #fafafa")


def tree(pen: Pen, random: Random, colour: Colour | None) -> None:
    crown = colour or random.choice(CROWNS)
    pen.blob([(-0.16, 1.0), (-0.07, 0.4), (-0.1, 0.0), (0.1, 0.0), (0.07, 0.4), (0.18, 1.0)], BARK)
    for side in (-1, 1):
        pen.curve([(0, 0.35), (side * 0.22, 0.08), (side * 0.4, -0.16)], 0.07, BARK)
    spots = [
        (0.0, -0.45, 0.42),
        (-0.42, -0.22, 0.32),
        (0.42, -0.22, 0.32),
        (-0.22, -0.66, 0.3),
        (0.24, -0.66, 0.3),
        (0.0, -0.12, 0.32),
    ]
    for x, y, r in spots:
        pen.disc(x, y + 0.05, r, darker(crown, 0.25))
    for x, y, r in spots:
        pen.disc(x - 0.03, y - 0.04, r * 0.9, crown)
    for x, y, r in spots[:5]:
        pen.disc(x - r * 0.28, y - r * 0.36, r * 0.45, lighter(crown, 0.22))
    for _ in range(26):
        angle, reach = random.uniform(0, 6.28), random.random() ** 0.5 * 0.62
        x, y = reach * math.cos(angle), -0.38 + reach * 0.75 * math.sin(angle)
        pen.disc(x, y, 0.03, lighter(crown, 0.4))


def flower(pen: Pen, random: Random, colour: Colour | None) -> None:
    petal = colour or random.choice(PETALS)
    lean = random.uniform(-0.12, 0.12)
    pen.curve([(0, 1.0), (lean, 0.4), (0, -0.3)], 0.07, darker(LEAF, 0.1))
    for side, y in ((-1, 0.55), (1, 0.3)):
        pen.blob(
            [(lean, y), (side * 0.3, y - 0.22), (side * 0.52, y - 0.2), (side * 0.3, y + 0.02)],
            LEAF,
        )
    count = random.choice((8, 10, 12))
    for ring, (reach, wide) in enumerate(((0.42, 0.16), (0.3, 0.12))):
        for index in range(count):
            angle = 2 * math.pi * (index + ring / 2) / count
            tone = darker(petal, 0.12) if ring == 0 else lighter(petal, 0.12)
            pen.oval(
                reach * math.cos(angle), -0.38 + reach * math.sin(angle), 0.26, wide, tone, angle
            )
    pen.disc(0, -0.38, 0.2, rgb("#6b4226"))
    for index in range(12):
        angle, reach = index * 2.4, 0.16 * (index / 12) ** 0.5
        pen.disc(reach * math.cos(angle), -0.38 + reach * math.sin(angle), 0.022, rgb("#d9a03a"))


def mushroom(pen: Pen, random: Random, colour: Colour | None) -> None:
    cap = colour or random.choice((rgb("#d8403f"), rgb("#e08a4a"), rgb("#9a5ac0")))
    for x, scale in ((-0.62, 0.5), (0.6, 0.4), (0.0, 1.0)):
        part = pen.within(x, 1 - scale, scale)
        part.blob(
            [(-0.2, 1.0), (-0.14, 0.3), (-0.17, -0.1), (0.17, -0.1), (0.14, 0.3), (0.2, 1.0)], CREAM
        )
        part.blob(
            [(0.06, 0.95), (0.05, 0.3), (0.08, -0.05), (0.17, -0.1), (0.14, 0.3), (0.2, 0.98)],
            darker(CREAM, 0.14),
        )
        part.oval(0, 0.06, 0.55, 0.12, darker(CREAM, 0.25))
        part.blob(
            [(-0.7, 0.05), (-0.56, -0.45), (0, -0.8), (0.56, -0.45), (0.7, 0.05), (0, 0.12)], cap
        )
        for dx, dy, r in (
            (-0.3, -0.32, 0.12),
            (0.1, -0.52, 0.1),
            (0.38, -0.2, 0.09),
            (-0.02, -0.15, 0.08),
        ):
            part.oval(dx, dy, r, r * 0.8, WHITE)


def cactus(pen: Pen, random: Random, colour: Colour | None) -> None:
    skin = colour or rgb("#4a8f5a")
    for side, low, high in ((-1, 0.45, -0.25), (1, 0.25, -0.5)):
        pen.curve(
            [(0, low), (side * 0.42, low), (side * 0.48, low - 0.2), (side * 0.48, high)],
            0.2,
            darker(skin, 0.1),
        )
    pen.box(-0.2, -0.9, 0.2, 1.0, skin, 0.2)
    for x in (-0.1, 0.0, 0.1):
        pen.line([(x, -0.75), (x, 0.95)], 0.02, darker(skin, 0.25))
    for _ in range(3):
        x, y = random.choice(((0.0, -0.9), (-0.48, -0.35), (0.48, -0.6)))
        pen.disc(x + random.uniform(-0.06, 0.06), y, 0.08, rgb("#f27aa0"))


def cup(pen: Pen, random: Random, colour: Colour | None) -> None:
    glaze = colour or random.choice((CREAM, rgb("#4a7fa0"), rgb("#c9604f"), rgb("#6f9a7a")))
    pen.oval(0, 0.93, 0.82, 0.14, darker(glaze, 0.18))
    pen.oval(0, 0.9, 0.78, 0.12, lighter(glaze, 0.2))
    pen.curve([(0.4, 0.05), (0.8, 0.1), (0.76, 0.5), (0.36, 0.6)], 0.11, glaze)
    pen.blob(
        [(-0.52, -0.16), (0.52, -0.16), (0.48, 0.45), (0.28, 0.88), (-0.28, 0.88), (-0.48, 0.45)],
        glaze,
    )
    pen.blob(
        [(0.22, -0.1), (0.5, -0.14), (0.46, 0.45), (0.27, 0.86), (0.12, 0.86), (0.26, 0.4)],
        darker(glaze, 0.14),
    )
    pen.oval(0, -0.16, 0.52, 0.13, lighter(glaze, 0.35))
    pen.oval(0, -0.15, 0.44, 0.095, rgb("#5a3320"))
    pen.oval(-0.08, -0.16, 0.2, 0.045, rgb("#d8b088"))
    for index, x in enumerate((-0.2, 0.05, 0.28)):
        lift = 0.08 * (index % 2)
        steam = [(x, -0.32), (x + 0.09, -0.5 - lift), (x - 0.05, -0.7 - lift), (x + 0.06, -0.9)]
        pen.curve(steam, 0.045, mix(WHITE, pen.ambient if pen.dim else CREAM, 0.35))


def books(pen: Pen, random: Random, colour: Colour | None) -> None:
    covers = list(rgbs("#b5443c #35568f #d9a13a #3f7a6b #7a4a78"))
    random.shuffle(covers)
    covers[0] = colour or covers[0]
    y = 1.0
    for cover in covers[:4]:
        tall, half, shift = (
            random.uniform(0.22, 0.32),
            random.uniform(0.6, 0.8),
            random.uniform(-0.1, 0.1),
        )
        pen.box(shift - half, y - tall, shift + half, y, cover, 0.03)
        pen.box(shift + half * 0.1, y - tall + 0.04, shift + half - 0.02, y - 0.04, CREAM)
        pen.box(
            shift - half * 0.8, y - tall + 0.04, shift - half * 0.74, y - 0.04, lighter(cover, 0.5)
        )
        y -= tall


def lamp(pen: Pen, random: Random, colour: Colour | None) -> None:  # noqa: ARG001  # one form
    frame = darker(colour, 0.4) if colour else rgb("#4a3a3f")
    pen.canvas.glow(pen.at(0, 0.15), pen.size * 1.9, rgb("#ffb84f"), 0.75)
    pen.unlit().box(-0.34, -0.4, 0.34, 0.78, rgb("#ffe0a0"), 0.08)
    pen.unlit().blob([(0, -0.1), (0.14, 0.3), (0, 0.55), (-0.14, 0.3)], rgb("#ff9a3a"))
    pen.unlit().blob([(0, 0.1), (0.07, 0.34), (0, 0.5), (-0.07, 0.34)], WHITE)
    for x in (-0.36, 0.0, 0.36):
        pen.line([(x, -0.4), (x, 0.8)], 0.05, frame)
    pen.box(-0.48, 0.78, 0.48, 1.0, frame, 0.05)
    pen.poly([(-0.5, -0.38), (0.5, -0.38), (0.2, -0.72), (-0.2, -0.72)], frame)
    pen.curve([(-0.2, -0.72), (-0.16, -1.0), (0.16, -1.0), (0.2, -0.72)], 0.05, frame)


def cake(pen: Pen, random: Random, colour: Colour | None) -> None:
    icing = colour or random.choice((rgb("#f2a0b8"), rgb("#a8d8c0"), rgb("#f5d98a")))
    pen.oval(0, 0.94, 0.92, 0.12, rgb("#d5dae0"))
    for y0, y1, half in ((0.38, 0.9, 0.72), (-0.12, 0.4, 0.52)):
        pen.box(-half, y0, half, y1, rgb("#e8c08a"), 0.06)
        pen.box(-half, y0, half, y0 + 0.2, icing, 0.08)
        for index in range(6):
            x = -half + half * 2 * (index + 0.5) / 6
            pen.oval(x, y0 + 0.2, half / 6, 0.05 + 0.1 * random.random(), icing)
    for index in range(3):
        x = -0.26 + 0.26 * index
        pen.box(x - 0.035, -0.42, x + 0.035, -0.12, (CREAM, icing, WHITE)[index])
        pen.canvas.glow(pen.at(x, -0.52), pen.size * 0.25, rgb("#ffcf6b"), 0.8)
        pen.unlit().blob(
            [(x, -0.66), (x + 0.05, -0.5), (x, -0.42), (x - 0.05, -0.5)], rgb("#ff9a3a")
        )


def guitar(pen: Pen, random: Random, colour: Colour | None) -> None:
    wood = colour or random.choice((rgb("#c9803a"), rgb("#8a3f2e"), rgb("#d9a860")))
    part = pen.within(0, 0, 1, turn=random.choice((-0.35, 0.35)))
    part.box(-0.07, -1.0, 0.07, 0.3, rgb("#4a2f22"))
    part.box(-0.11, -1.08, 0.11, -0.82, darker(wood, 0.4), 0.03)
    outline = [
        (0, 0.02),
        (0.3, 0.06),
        (0.3, 0.36),
        (0.46, 0.66),
        (0.3, 0.98),
        (0, 1.04),
        (-0.3, 0.98),
        (-0.46, 0.66),
        (-0.3, 0.36),
        (-0.3, 0.06),
    ]
    part.blob(outline, darker(wood, 0.35))
    part.blob([(x * 0.9, 0.54 + (y - 0.54) * 0.92) for x, y in outline], wood)
    part.disc(0, 0.46, 0.14, INK)
    part.box(-0.18, 0.74, 0.18, 0.8, darker(wood, 0.5))
    for x in (-0.04, 0.0, 0.04):
        part.line([(x, -0.95), (x, 0.77)], 0.01, CREAM)


def umbrella(pen: Pen, random: Random, colour: Colour | None) -> None:
    cloth = colour or random.choice((rgb("#d8434f"), rgb("#f2b83a"), rgb("#3f8fd0")))
    pen.line([(0, -0.85), (0, 0.75)], 0.05, INK)
    pen.curve([(0, 0.75), (0.06, 0.95), (0.24, 0.95), (0.28, 0.8)], 0.06, rgb("#8a5a38"))
    for index in range(4):
        x0, x1 = -0.92 + index * 0.46, -0.92 + (index + 1) * 0.46
        middle = (x0 + x1) / 2
        top = [(0, -0.8), (x1 * 0.72, -0.55), (x1, -0.02)]
        pen.poly(
            [*top, (middle, -0.12), (x0, -0.02), (x0 * 0.72, -0.55)],
            cloth if index % 2 else lighter(cloth, 0.22),
        )
