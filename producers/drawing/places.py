"""City, forest and space: places with a build of their own."""

from __future__ import annotations

import math

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from producers.drawing.canvas import both, contrast, ramp
from producers.drawing.colours import WHITE, Colour, darker, lighter, mix, rgb
from producers.drawing.stage import Stage

WINDOWS = tuple(rgb(c) for c in "#ffd98a #ffe9b8 #ffc766 #bfe6ff".split())
NEON = tuple(rgb(c) for c in "#ff4fa8 #35e6ff #b06bff #ffd24a #4affc3".split())
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


def space(stage: Stage) -> None:
    """Two clouds of gas, stars, a planet with a shaded side."""
    canvas, random = stage.canvas, stage.random
    canvas.gradient([rgb("#050614"), rgb("#0c0a2a"), rgb("#140b30")])
    pair = [rgb(code) for code in random.choice(NEBULAS)]
    if stage.brief.colours:
        pair[0] = stage.brief.colours[0]
    size = canvas.image.size
    window = Image.radial_gradient("L").point([255 - v for v in range(256)])
    window = window.resize(size, Image.Resampling.BILINEAR)
    for colour, low in zip(pair, (112, 120), strict=True):
        gas = contrast(canvas.noise(4, 4, size, 4), low, 215, 0.9)
        canvas.cover(colour, both(gas, window))
    core = contrast(canvas.noise(5, 5, size, 3), 165, 235, 0.8)
    canvas.cover(lighter(pair[0], 0.6), both(core, window))
    stage.horizon, keep = canvas.height, stage.horizon
    for _ in range(240):
        x, y = random.random() * canvas.width, random.random() * canvas.height
        r = random.choice((0.6, 0.6, 0.9, 1.2, 1.9)) * canvas.unit / 900
        canvas.draw.ellipse(
            (x - r, y - r, x + r, y + r), fill=mix(WHITE, pair[1], random.random() * 0.5)
        )
    for _ in range(7):
        place = (random.random() * canvas.width, random.random() * canvas.height)
        canvas.glow(place, canvas.unit * random.uniform(0.012, 0.03), WHITE, 0.95)
    stage.horizon = keep
    x = stage.x(random.choice((0.2, 0.8)))
    planet(stage, x, stage.y(random.uniform(0.2, 0.34)), canvas.unit * random.uniform(0.1, 0.17))


def planet(stage: Stage, x: float, y: float, radius: float) -> None:
    """A ball with bands, a night side and perhaps a ring."""
    canvas, random = stage.canvas, stage.random
    base = random.choice([rgb(c) for c in "#d98a5a #5aa0d9 #c96f9a #7ac0a0 #d9b25a".split()])
    side = round(radius * 2)
    ball = Image.new("RGB", (side, side), base)
    pen = ImageDraw.Draw(ball)
    level = 0.0
    while level < side:
        tall = side * random.uniform(0.05, 0.16)
        tone = mix(base, random.choice((WHITE, rgb("#5a2f4a"))), random.uniform(0.05, 0.3))
        pen.rectangle((0, level, side, level + tall), fill=tone)
        level += tall * random.uniform(1.0, 2.0)
    night = Image.radial_gradient("L").resize((side * 2, side * 2))
    corner = (round(side * 0.72), round(side * 0.72))
    shade = contrast(night.crop((*corner, corner[0] + side, corner[1] + side)), 60, 215, 0.94)
    ball.paste(rgb("#070717"), (0, 0), shade)
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse((0, 0, side - 1, side - 1), fill=255)
    canvas.glow((x - radius * 0.15, y - radius * 0.15), radius * 1.5, lighter(base, 0.3), 0.4)
    ringed = random.random() < 0.6 or "planet" in stage.brief.extras
    if ringed:
        _ring(stage, x, y, radius, base, 180, 360)
    canvas.image.paste(ball, (round(x - radius), round(y - radius)), mask)
    if ringed:
        _ring(stage, x, y, radius, base, 0, 180)


def _ring(stage: Stage, x: float, y: float, radius: float, base: Colour, a: int, b: int) -> None:
    for reach, width, tone in ((1.95, 0.16, 0.5), (1.66, 0.09, 0.3)):
        box = (
            x - radius * reach,
            y - radius * reach * 0.28,
            x + radius * reach,
            y + radius * reach * 0.28,
        )
        stage.canvas.draw.arc(
            box, a, b, fill=mix(base, WHITE, tone), width=max(2, round(radius * width))
        )


def moon_ground(stage: Stage) -> None:
    """Pale ground with craters, for those who stand in space."""
    canvas, random = stage.canvas, stage.random
    base = canvas.height * 0.8
    grey = rgb("#8d8aa3")
    canvas.draw.ellipse(
        (-canvas.width * 0.5, base, canvas.width * 1.5, base + canvas.height), fill=grey
    )
    for _ in range(9):
        x = random.random() * canvas.width
        share = random.uniform(0.25, 1)
        y, r = base + share * (canvas.height - base), canvas.unit * 0.045 * share
        canvas.draw.ellipse((x - r, y - r * 0.4, x + r, y + r * 0.4), fill=darker(grey, 0.35))
        canvas.draw.ellipse(
            (x - r * 0.9, y - r * 0.22, x + r, y + r * 0.42), fill=darker(grey, 0.15)
        )
