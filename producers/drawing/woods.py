"""Woods: rows of pines in the mist, light between them."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from producers.drawing.canvas import ramp
from producers.drawing.colours import Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.stage import Stage

WINDOWS = rgbs("#ffd98a #ffe9b8 #ffc766 #bfe6ff")
NEON = rgbs("#ff4fa8 #35e6ff #b06bff #ffd24a #4affc3")
PINE = rgb("#1f5a45")
NEBULAS = (("#e0559c", "#4a63e8"), ("#f08a4a", "#7a3fc0"), ("#35c7b8", "#3550d4"))


def forest(stage: Stage) -> None:
    """Rows of pines in the mist, shafts of light, dark trunks close by."""
    canvas, random = stage.canvas, stage.random
    ground = stage.depth(0.7, rgb("#3c6b3f"))
    canvas.gradient([mix(ground, stage.light.glow, 0.25), darker(ground, 0.5)], stage.horizon)
    for number in range(4):
        share = number / 3
        foot = stage.horizon + canvas.height * (0.02 + 0.1 * share)
        count = 15 - number * 3
        colour = stage.depth(0.2 + 0.65 * share, PINE)
        for index in range(count):
            x = canvas.width * (index + random.uniform(0.1, 0.9)) / count
            pine(
                stage,
                x,
                foot,
                canvas.height * (0.24 + 0.14 * share) * random.uniform(0.7, 1.1),
                colour,
            )
        if number < 3:
            fog = mix(stage.light.far, stage.light.glow, 0.4)
            canvas.veil(fog, foot - canvas.height * 0.2, foot + 3, 0.6 - 0.15 * number)
    if stage.time in {"day", "dawn", "sunset"}:
        beams(stage)
    for x in (random.uniform(-0.02, 0.05), random.uniform(0.95, 1.02)):
        trunk(stage, x * canvas.width, canvas.unit * 0.036)


def pine(stage: Stage, x: float, foot: float, tall: float, colour: Colour) -> None:
    draw, half = stage.canvas.draw, tall * 0.2
    draw.rectangle((x - tall * 0.02, foot - tall * 0.15, x + tall * 0.02, foot), fill=colour)
    lit = mix(colour, stage.light.glow, 0.16)
    for tier in range(4):
        share = tier / 4
        top, bottom = foot - tall * (1 - share * 0.82), foot - tall * (0.62 - share * 0.62) * 0.95
        wide = half * (0.4 + 0.62 * share)
        droop = tall * 0.02
        draw.polygon(
            [(x, top), (x + wide, bottom + droop), (x, bottom), (x - wide, bottom + droop)],
            fill=colour,
        )
        side = -1 if stage.disc[0] < x else 1
        draw.polygon(
            [(x, top), (x + side * wide, bottom + droop), (x + side * wide * 0.3, bottom)], fill=lit
        )


def beams(stage: Stage) -> None:
    """Light falling between the trees, from above on the sun's side."""
    canvas, random = stage.canvas, stage.random
    small = (canvas.width // 4, canvas.height // 4)
    mask = Image.new("L", small)
    pen = ImageDraw.Draw(mask)
    lean = 0.55 if stage.disc[0] < canvas.width / 2 else -0.55
    for index in range(7):
        x = small[0] * (index / 6 * 1.5 - 0.25 - lean * 0.5) + random.uniform(-8, 8)
        wide, foot = small[0] * random.uniform(0.03, 0.08), x + lean * small[1]
        pen.polygon(
            [(x, 0), (x + wide, 0), (foot + wide * 1.8, small[1]), (foot, small[1])],
            fill=random.randint(30, 80),
        )
    fade = ramp(small).point([255 - v for v in range(256)])
    mask = ImageChops.multiply(mask.filter(ImageFilter.BoxBlur(2)), fade)
    light = lighter(stage.light.glow, 0.3)
    canvas.cover(light, mask.resize(canvas.image.size, Image.Resampling.BILINEAR))


def trunk(stage: Stage, x: float, half: float) -> None:
    """A dark tree close by, with a few bare branches."""
    canvas, random = stage.canvas, stage.random
    bark = darker(stage.depth(1, rgb("#3a2c28")), 0.45)
    inward = 1 if x < canvas.width / 2 else -1
    left, right = [], []
    for step in range(11):
        y = canvas.height * step / 10
        wide = half * (0.75 + 0.02 * step + (0.9 * ((step - 8) / 2) ** 2 if step > 8 else 0))
        left.append((x - wide + random.uniform(-0.1, 0.1) * half, y))
        right.append((x + wide + random.uniform(-0.1, 0.1) * half, y))
    canvas.draw.polygon([*left, *reversed(right)], fill=bark)
    for _ in range(4):
        y, reach = canvas.height * random.uniform(0.0, 0.5), canvas.unit * random.uniform(0.1, 0.2)
        bend = y - reach * random.uniform(0.2, 0.6)
        canvas.draw.line(
            (x, y, x + inward * reach * 0.6, (y + bend) / 2), fill=bark, width=round(half * 0.3)
        )
        canvas.draw.line(
            (x + inward * reach * 0.58, (y + bend) / 2, x + inward * reach, bend),
            fill=bark,
            width=round(half * 0.15),
        )
