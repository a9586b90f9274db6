"""What falls or floats in front of everything: rain, snow, petals, leaves, fireflies."""

from __future__ import annotations

import math

from producers.drawing.colours import WHITE, lighter, rgb
from producers.drawing.stage import Stage

SPARKS = rgb("#fff2a0")
BLOSSOM = rgb("#f7b3cc")
FOLIAGE = (rgb("#e0762e"), rgb("#c9442f"), rgb("#e8b23a"))


def weather(stage: Stage) -> None:
    """What falls or floats in front of everything."""
    extras, random, canvas = stage.brief.extras, stage.random, stage.canvas
    draw = canvas.draw
    if "rain" in extras:
        slant = canvas.unit * 0.012
        for _ in range(130):
            x, y = random.random() * canvas.width, random.random() * canvas.height
            tall = canvas.unit * random.uniform(0.02, 0.05)
            draw.line(
                (x, y, x - slant * tall / 40, y + tall),
                fill=lighter(stage.light.far, 0.35),
                width=1,
            )
    for name, colours, count in (
        ("snowfall", (WHITE,), 110),
        ("petals", (BLOSSOM, lighter(BLOSSOM)), 45),
        ("leaves", FOLIAGE, 30),
    ):
        if name in extras:
            for _ in range(count):
                x, y = random.random() * canvas.width, random.random() * canvas.height
                r = (
                    canvas.unit
                    * random.uniform(0.002, 0.007)
                    * (1.0 if name == "snowfall" else 1.4)
                )
                flat = 1.0 if name == "snowfall" else abs(math.sin(x)) * 0.6 + 0.25
                draw.ellipse(
                    (x - r, y - r * flat, x + r, y + r * flat), fill=random.choice(colours)
                )
    if "fireflies" in extras:
        for _ in range(28):
            place = (random.random() * canvas.width, canvas.height * random.uniform(0.35, 0.95))
            canvas.glow(place, canvas.unit * random.uniform(0.012, 0.03), SPARKS, 0.95)
