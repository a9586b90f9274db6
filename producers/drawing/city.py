"""A city: rows of buildings with windows, and wet ground before them."""

from __future__ import annotations

from PIL import Image

from producers.drawing.colours import Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.stage import Stage

WINDOWS = rgbs("#ffd98a #ffe9b8 #ffc766 #bfe6ff")
NEON = rgbs("#ff4fa8 #35e6ff #b06bff #ffd24a #4affc3")
PINE = rgb("#1f5a45")
NEBULAS = (("#e0559c", "#4a63e8"), ("#f08a4a", "#7a3fc0"), ("#35c7b8", "#3550d4"))


def city(stage: Stage) -> None:
    """Three rows of buildings, each nearer one darker and with more windows lit."""
    foot = stage.horizon
    for depth, tall in ((0.12, 0.34), (0.45, 0.28), (0.85, 0.2)):
        _row(stage, foot, depth, tall)
        if depth < 0.8:
            top = foot - stage.canvas.height * 0.16
            stage.canvas.veil(mix(stage.light.far, stage.light.glow, 0.35), top, foot, 0.55)


def _row(stage: Stage, foot: float, depth: float, tall: float) -> None:
    canvas, random = stage.canvas, stage.random
    x = -random.random() * canvas.width * 0.06
    body = stage.depth(depth)
    while x < canvas.width:
        wide = canvas.width * random.uniform(0.05, 0.11)
        high = canvas.height * tall * random.uniform(0.35, 1.0) ** 1.2
        face = mix(body, stage.light.glow, random.uniform(0.0, 0.1))
        _building(stage, (x, foot - high, x + wide, foot + 2), face, depth)
        x += wide * random.uniform(0.92, 1.08)


def _building(
    stage: Stage, box: tuple[float, float, float, float], face: Colour, depth: float
) -> None:
    canvas, random = stage.canvas, stage.random
    draw = canvas.draw
    x0, y0, x1, y1 = box
    wide = x1 - x0
    draw.rectangle(box, fill=face)
    roof = random.random()
    if roof < 0.25:
        draw.polygon([(x0, y0), (x1, y0), ((x0 + x1) / 2, y0 - wide * 0.5)], fill=face)
    elif roof < 0.5:
        middle = (x0 + x1) / 2
        draw.rectangle((x0 + wide * 0.25, y0 - wide * 0.35, x1 - wide * 0.25, y0), fill=face)
        draw.line((middle, y0 - wide * 1.1, middle, y0), fill=face, width=3)
    side = darker(face, 0.22) if stage.disc[0] < x0 else lighter(face, 0.1)
    draw.rectangle((x0, y0, x0 + wide * 0.12, y1), fill=side)
    neon = "neon" in stage.brief.extras
    share = {"night": 0.55, "dusk": 0.5, "sunset": 0.35}.get(stage.time, 0.12)
    step = max(6.0, canvas.unit * 0.016)
    light = random.choice(NEON) if neon and random.random() < 0.5 else random.choice(WINDOWS)
    y = y0 + step
    while y < y1 - step * 0.5:
        x = x0 + wide * 0.2
        while x < x1 - step * 0.6:
            if random.random() < share * (0.4 + 0.6 * depth):
                tone = mix(light, face, random.uniform(0.0, 0.55) + 0.25 * (1 - depth))
                draw.rectangle((x, y, x + step * 0.45, y + step * 0.55), fill=tone)
            x += step
        y += step * 1.15
    if neon and depth > 0.4 and wide > step * 4 and random.random() < 0.4:
        sign = random.choice(NEON)
        top = y0 + (y1 - y0) * 0.2
        draw.rectangle((x1 - step * 0.7, top, x1, top + step * 4), fill=sign)
        canvas.glow((x1 - step * 0.3, top + step * 2), step * 6, sign, 0.5)


def street(stage: Stage) -> None:
    """In front of the buildings: wet ground that mirrors them a little, with lamps."""
    canvas, random = stage.canvas, stage.random
    horizon = round(stage.horizon)
    depth = canvas.height - horizon
    mirror = canvas.image.crop((0, max(0, horizon - depth), canvas.width, horizon))
    mirror = mirror.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize(
        (canvas.width, depth), Image.Resampling.BILINEAR
    )
    ground = Image.new("RGB", mirror.size, darker(stage.light.near, 0.2))
    wet = 0.45 if stage.brief.extras & {"rain", "neon"} else 0.7
    canvas.image.paste(Image.blend(mirror, ground, wet), (0, horizon))
    for _ in range(50):
        share = random.random()
        y, half = horizon + share * depth, canvas.width * 0.05 * (0.3 + share)
        x = random.random() * canvas.width
        tone = mix(stage.light.near, stage.light.glow, 0.25)
        canvas.draw.line((x - half, y, x + half, y), fill=tone, width=2)
