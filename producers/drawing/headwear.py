"""What people of portraits wear on their heads."""

from __future__ import annotations

import math
from collections.abc import Callable

from producers.drawing.colours import CREAM, INK, WHITE, Colour, darker, rgb
from producers.drawing.pen import Pen

Wear = Callable[[Pen, Colour], None]


def headwear(pen: Pen, words: set[str], cloth: Colour) -> None:
    """The first thing whose words the prompt has; nothing when there is none."""
    for wear, reasons in WARDROBE.items():
        if reasons & words:
            wear(pen, cloth)
            return


def _crown(pen: Pen, cloth: Colour) -> None:  # noqa: ARG001  # Wear
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


def _headphones(pen: Pen, cloth: Colour) -> None:
    pen.curve([(-0.5, -0.1), (-0.46, -0.66), (0, -0.92), (0.46, -0.66), (0.5, -0.1)], 0.08, INK)
    for side in (-1, 1):
        pen.box(side * 0.5 - 0.1, -0.22, side * 0.5 + 0.1, 0.12, cloth, 0.07)


def _pointed_hat(pen: Pen, cloth: Colour) -> None:
    pen.poly([(-0.5, -0.56), (0.5, -0.56), (0.16, -1.1), (0.02, -1.3)], darker(cloth, 0.2))
    pen.oval(0, -0.54, 0.7, 0.12, darker(cloth, 0.35))


def _cap(pen: Pen, cloth: Colour) -> None:
    pen.blob([(-0.48, -0.5), (-0.5, -0.86), (0, -1.02), (0.5, -0.86), (0.48, -0.5)], WHITE)
    pen.box(-0.5, -0.6, 0.5, -0.46, darker(cloth, 0.3), 0.05)


def _hat(pen: Pen, cloth: Colour) -> None:  # noqa: ARG001  # Wear
    pen.oval(0, -0.52, 0.72, 0.12, rgb("#6a4a34"))
    pen.blob(
        [(-0.4, -0.54), (-0.34, -0.98), (0, -0.92), (0.34, -0.98), (0.4, -0.54)], rgb("#7a5a40")
    )
    pen.box(-0.4, -0.66, 0.4, -0.54, rgb("#3a2a22"))


def _wreath(pen: Pen, cloth: Colour) -> None:  # noqa: ARG001  # Wear
    for index in range(7):
        angle = math.pi * (1.14 + 0.72 * index / 6)
        tone = (rgb("#f27aa0"), CREAM, rgb("#f6c93a"))[index % 3]
        pen.disc(0.48 * math.cos(angle), -0.22 + 0.5 * math.sin(angle), 0.1, tone)


def _eyepatch(pen: Pen, cloth: Colour) -> None:  # noqa: ARG001  # Wear
    pen.box(-0.46, -0.66, 0.46, -0.48, rgb("#c8343f"), 0.06)
    pen.oval(0.2, -0.08, 0.13, 0.11, INK)
    pen.line([(-0.42, -0.3), (0.44, -0.02)], 0.03, INK)


WARDROBE: dict[Wear, frozenset[str]] = {
    _crown: frozenset(["crown", "king", "queen", "prince", "princess"]),
    _headphones: frozenset(["headphones", "dj", "gamer", "music"]),
    _pointed_hat: frozenset(["wizard", "witch", "mage"]),
    _cap: frozenset(["cap", "captain", "sailor", "baseball", "chef"]),
    _hat: frozenset(["hat", "detective", "explorer", "cowboy", "gardener"]),
    _wreath: frozenset(["flower", "flowers", "elf", "spring"]),
    _eyepatch: frozenset(["pirate"]),
}
