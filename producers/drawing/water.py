"""Water: sea and lakes that mirror what stands above them; and the world beneath the surface."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFilter

from producers.drawing.canvas import ramp
from producers.drawing.colours import WHITE, darker, lighter, mix, rgb, rgbs
from producers.drawing.stage import Stage

DEEP = (rgb("#7fd8e0"), rgb("#2f9fc4"), rgb("#17619c"), rgb("#0b2f66"))
CORALS = rgbs("#f2617a #f59a4a #c95fd0 #f7d154 #58c9b0")


def sea(stage: Stage) -> None:
    """From the horizon down: sky colours, a path of light under the disc, waves."""
    canvas, light = stage.canvas, stage.light
    top = mix(light.sky[-1], light.sky[0], 0.35)
    canvas.gradient(
        [top, mix(light.sky[1], light.near, 0.3), darker(light.near, 0.15)], stage.horizon
    )
    glitter(stage)
    ripples(stage, 70)


def lake(stage: Stage) -> None:
    """Mirror everything above the horizon into the water."""
    canvas = stage.canvas
    horizon = round(stage.horizon)
    depth = canvas.height - horizon
    source = canvas.image.crop((0, max(0, horizon - round(depth * 1.15)), canvas.width, horizon))
    mirror = source.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize(
        (canvas.width, depth), Image.Resampling.BILINEAR
    )
    water = Image.new("RGB", mirror.size, darker(stage.light.sky[1], 0.25))
    canvas.image.paste(Image.blend(mirror, water, 0.32), (0, horizon))
    canvas.veil(darker(stage.light.near, 0.1), horizon + depth * 0.2, canvas.height, 0.75)
    ripples(stage, 55)
    shore = lighter(stage.light.far, 0.35)
    canvas.draw.line((0, horizon, canvas.width, horizon), fill=shore, width=2)


def glitter(stage: Stage) -> None:
    """The path of light on the water, broken into strips that widen towards the viewer."""
    canvas, random = stage.canvas, stage.random
    if stage.time == "grey":
        return
    x, depth = stage.disc[0], canvas.height - stage.horizon
    colour = mix(stage.light.glow, stage.light.disc, 0.5)
    canvas.glow((x, stage.horizon + depth * 0.1), depth * 0.7, stage.light.glow, 0.42)
    for step in range(46):
        share = (step / 46) ** 1.5
        y = stage.horizon + 3 + share * depth
        spread = canvas.width * (0.035 + 0.16 * share)
        for _ in range(3):
            half = spread * random.uniform(0.12, 0.55)
            cx = x + random.gauss(0, 0.45) * spread
            tall = max(1.0, canvas.unit * 0.0045 * (0.3 + share))
            tone = mix(colour, stage.light.sky[1], random.uniform(0.05, 0.5))
            canvas.draw.ellipse((cx - half, y - tall, cx + half, y + tall), fill=tone)


def ripples(stage: Stage, count: int) -> None:
    canvas, random = stage.canvas, stage.random
    depth = canvas.height - stage.horizon
    for _ in range(count):
        share = random.random() ** 1.4
        y = stage.horizon + 4 + share * depth
        half = canvas.width * (0.012 + 0.07 * share) * random.uniform(0.5, 1.4)
        x = random.random() * canvas.width
        below = canvas.image.getpixel(
            (int(min(x, canvas.width - 1)), int(min(y, canvas.height - 1)))
        )
        if not isinstance(below, tuple):
            continue
        base = (int(below[0]), int(below[1]), int(below[2]))
        tone = mix(base, stage.light.glow, 0.22) if random.random() < 0.6 else darker(base, 0.2)
        tall = max(0.8, canvas.unit * 0.003 * (0.3 + share))
        canvas.draw.ellipse((x - half, y - tall, x + half, y + tall), fill=tone)


def underwater(stage: Stage) -> None:
    """Light from above, shafts, sand, weeds, corals, bubbles."""
    canvas, random = stage.canvas, stage.random
    tint = stage.brief.colours[0] if stage.brief.colours else None
    stops = [mix(stop, tint, 0.3) if tint else stop for stop in DEEP]
    canvas.gradient([darker(stop, 0.6) for stop in stops] if stage.dark else stops)
    _shafts(stage)
    for number, share in enumerate((0.2, 0.5, 0.85)):
        base = canvas.height * (0.86 + 0.05 * number)
        colour = mix(DEEP[2], rgb("#0a2044"), share)
        phase = random.uniform(0, 6)
        line = [
            (canvas.width * i / 24, base - canvas.height * 0.035 * math.sin(phase + i / 3.1))
            for i in range(25)
        ]
        canvas.draw.polygon([*line, (canvas.width, canvas.height), (0, canvas.height)], fill=colour)
        _weeds(stage, base, share)
    for _ in range(26):
        x, y = random.random() * canvas.width, random.random() * canvas.height * 0.85
        r = canvas.unit * random.uniform(0.003, 0.012)
        canvas.draw.ellipse((x - r, y - r, x + r, y + r), outline=rgb("#bfeef2"), width=2)


def _shafts(stage: Stage) -> None:
    canvas, random = stage.canvas, stage.random
    small = (canvas.width // 4, canvas.height // 4)
    mask = Image.new("L", small)
    pen = ImageDraw.Draw(mask)
    for _ in range(7):
        x, wide = random.uniform(0.0, 1.0) * small[0], random.uniform(0.02, 0.07) * small[0]
        lean = (x - small[0] / 2) * 0.5
        level = random.randint(40, 90)
        pen.polygon(
            [(x, 0), (x + wide, 0), (x + wide * 2.4 + lean, small[1]), (x - wide + lean, small[1])],
            fill=level,
        )
    fade = ramp(small).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mask = Image.composite(mask, Image.new("L", small), fade).filter(ImageFilter.BoxBlur(2))
    canvas.cover(rgb("#d8fbf5"), mask.resize(canvas.image.size, Image.Resampling.BILINEAR))


def _weeds(stage: Stage, base: float, share: float) -> None:
    canvas, random = stage.canvas, stage.random
    for _ in range(5):
        x, sway = random.random() * canvas.width, random.uniform(0, 6)
        tall = canvas.height * random.uniform(0.08, 0.2) * (0.6 + share)
        colour = mix(random.choice((*CORALS, rgb("#2f8f6a"))), DEEP[2], 0.62 - 0.5 * share)
        left, right = [], []
        for step in range(9):
            part = step / 8
            bend = math.sin(sway + part * 4) * tall * 0.09
            half = tall * 0.05 * (1 - part) + 1
            left.append((x + bend - half, base + 12 - tall * part))
            right.append((x + bend + half, base + 12 - tall * part))
        canvas.draw.polygon([*left, *reversed(right)], fill=colour)
        r = tall * 0.16
        if random.random() < 0.4:
            for dx, dy in ((-1, 0), (0, -0.7), (1, 0)):
                cx, cy = x + dx * r * 1.1, base + dy * r
                canvas.draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=lighter(colour, 0.15))


def foam(stage: Stage) -> None:
    """Where the sea meets a beach at the lower edge."""
    canvas, random = stage.canvas, stage.random
    base = canvas.height * 0.9
    phase = random.uniform(0, 6)
    for offset, colour in ((0.0, WHITE), (0.018, rgb("#f0d5a0"))):
        line = [
            (
                canvas.width * i / 40,
                base + canvas.height * (offset + 0.016 * math.sin(phase + i / 4)),
            )
            for i in range(41)
        ]
        foot = [(canvas.width, canvas.height), (0, canvas.height)]
        canvas.draw.polygon([*line, *foot], fill=stage.lit(colour))
