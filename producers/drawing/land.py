"""Land: ridges, mountains, hills, dunes, snow fields."""

from __future__ import annotations

import math
from random import Random

from producers.drawing.canvas import Point, smooth
from producers.drawing.colours import Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.stage import Stage

GRASS = rgb("#4f9a4c")
SAND = rgb("#e2ac64")
SNOW = rgb("#e9f1fa")
FLOWERS = rgbs("#e8505b #f6c945 #f4f1ee #c86fd0 #ff8fa3")


def profile(random: Random, rough: float, points: int = 65) -> list[float]:
    """A mountain line by midpoint displacement: heights around 0, mostly within -1 to 1."""
    heights = [0.0] * points
    heights[0], heights[-1] = random.uniform(-1, 1), random.uniform(-1, 1)
    step, spread = points - 1, 1.0
    while step > 1:
        half = step // 2
        for left in range(0, points - 1, step):
            middle = (heights[left] + heights[left + step]) / 2
            heights[left + half] = middle + random.uniform(-spread, spread)
        step, spread = half, spread * rough
    return heights


def ridge(stage: Stage, base: float, height: float, rough: float, colour: Colour) -> list[Point]:
    """Fill everything under a random line around ``base`` (pixels); returns the line."""
    canvas = stage.canvas
    heights = profile(stage.random, rough)
    last = len(heights) - 1
    line = [(canvas.width * i / last, base - height * value) for i, value in enumerate(heights)]
    canvas.draw.polygon([*line, (canvas.width, canvas.height), (0, canvas.height)], fill=colour)
    return line


def mountains(stage: Stage) -> None:
    """Ranges behind each other, each nearer one darker, with mist between them."""
    canvas, random = stage.canvas, stage.random
    horizon = stage.horizon
    ridge(stage, horizon - canvas.height * 0.13, canvas.height * 0.07, 0.55, stage.depth(0.08))
    canvas.veil(stage.light.far, horizon - canvas.height * 0.25, horizon, 0.55)
    places = sorted((random.uniform(0.24, 0.44), slot) for slot in range(3))
    for tall, slot in places:
        x = canvas.width * (0.16 + 0.34 * slot + random.uniform(-0.1, 0.1))
        width = canvas.height * tall * random.uniform(0.75, 1.05)
        summit(stage, x, horizon, width, canvas.height * tall)
    canvas.veil(lighter(stage.light.far, 0.25), horizon - canvas.height * 0.17, horizon + 2, 0.7)
    ridge(stage, horizon - canvas.height * 0.02, canvas.height * 0.045, 0.5, stage.depth(0.5))


def summit(stage: Stage, x: float, foot: float, width: float, tall: float) -> None:
    """One mountain: a lit side, a shaded side, snow on top."""
    random = stage.random
    from_left = stage.disc[0] < x
    body = stage.depth(0.4)
    lit = mix(body, stage.light.glow, 0.28)
    top = (x, foot - tall)
    left = _slope(random, top, (x - width, foot))
    right = _slope(random, top, (x + width, foot))
    spine = _slope(random, top, (x + width * random.uniform(-0.15, 0.15), foot), bend=0.12)
    draw = stage.canvas.draw
    draw.polygon([*left, *reversed(spine)], fill=lit if from_left else darker(body, 0.25))
    draw.polygon([*right, *reversed(spine)], fill=darker(body, 0.25) if from_left else lit)
    white = mix(SNOW, stage.light.ambient, stage.light.dimness * 0.55)
    for side in (left, right):
        fold = [
            side[4],
            _between(side[6], spine[6], 0.55),
            _between(side[9], spine[9], 0.3),
            side[9],
        ]
        draw.polygon([*fold, *reversed(side[5:9])], fill=mix(body, stage.light.near, 0.28))
    for side, bright in ((left, from_left), (right, not from_left)):
        cap = [top, *side[1:4]]
        teeth = [_between(side[3], spine[3], share / 4) for share in range(1, 4)]
        drops = [(px, py + tall * random.uniform(-0.05, 0.06)) for px, py in teeth]
        colour = mix(white, stage.light.glow, 0.2) if bright else mix(white, body, 0.38)
        draw.polygon([*cap, *drops, *reversed(spine[1:4])], fill=colour)


def _slope(random: Random, top: Point, foot: Point, bend: float = 0.07) -> list[Point]:
    wide = abs(foot[0] - top[0]) + (foot[1] - top[1]) * 0.5
    points = [top]
    for step in range(1, 10):
        x, y = _between(top, foot, step / 10)
        points.append((x + random.uniform(-bend, bend) * wide * 0.6, y))
    return [*points, foot]


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def hills(stage: Stage, colour: Colour = GRASS, count: int = 4) -> None:
    """Rolling land from the horizon to the lower edge, each fold with a soft light on its crest."""
    canvas, random = stage.canvas, stage.random
    span = canvas.height - stage.horizon
    for number in range(count):
        share = number / (count - 1)
        base = stage.horizon + span * (share**1.25) * 0.72
        phase, waves = random.uniform(0, 6.3), random.uniform(0.7, 1.6)
        tall = span * random.uniform(0.07, 0.13)
        line = [
            (canvas.width * i / 32, base - tall * math.sin(phase + waves * math.pi * i / 16))
            for i in range(33)
        ]
        body = stage.depth(0.35 + 0.6 * share, mix(colour, darker(colour, 0.35), share))
        crest = mix(body, stage.light.glow, 0.26 - 0.3 * stage.light.dimness)
        foot = [(canvas.width, canvas.height), (0, canvas.height)]
        canvas.draw.polygon([*line, *foot], fill=crest)
        lowered = [(x, y + span * (0.012 + 0.012 * share)) for x, y in line]
        canvas.draw.polygon([*lowered, *foot], fill=body)


def flower_field(stage: Stage, count: int = 260) -> None:
    """Flowers, small far away and large close by."""
    canvas, random = stage.canvas, stage.random
    span = canvas.height - stage.horizon
    colours = stage.brief.colours or (random.choice(FLOWERS), random.choice(FLOWERS), FLOWERS[2])
    places = sorted(random.random() ** 0.8 for _ in range(count))
    for depth in places:
        if depth < 0.25:
            continue
        x, y = random.random() * canvas.width, stage.horizon + span * (0.08 + 0.95 * depth)
        r = canvas.unit * (0.002 + 0.011 * depth**2.5)
        colour = stage.lit(random.choice(colours))
        canvas.draw.line((x, y, x, y + r * 4), fill=stage.lit(darker(GRASS, 0.4)), width=2)
        canvas.draw.ellipse((x - r, y - r * 0.8, x + r, y + r * 0.8), fill=colour)
        if r > canvas.unit * 0.006:
            s = r * 0.35
            canvas.draw.ellipse((x - s, y - s, x + s, y + s), fill=stage.lit(rgb("#7a4a24")))


def dunes(stage: Stage) -> None:
    """Sand in long curves, each with a lit and a shaded flank."""
    canvas, random = stage.canvas, stage.random
    span = canvas.height - stage.horizon
    canvas.gradient([stage.depth(0.35, SAND), stage.lit(SAND)], stage.horizon)
    slots = random.sample((0.15, 0.32, 0.5, 0.68, 0.85), 5)
    for number, slot in enumerate(slots):
        share = number / 4
        _dune(
            stage,
            (slot + random.uniform(-0.06, 0.06)) * canvas.width,
            stage.horizon + span * (0.01 + 0.62 * share**1.2),
            span * (0.1 + 0.2 * share),
            stage.depth(0.4 + 0.5 * share, SAND),
        )


def _dune(stage: Stage, x: float, top: float, tall: float, sand: Colour) -> None:
    """One dune: its summit at (x, top), the light on the side of the sun."""
    canvas = stage.canvas
    width, height = canvas.width, canvas.height
    left = smooth(
        [
            (-0.3 * width, top + tall),
            (x * 0.4, top + tall * 0.75),
            (x * 0.8, top + tall * 0.22),
            (x, top),
        ],
        8,
        closed=False,
    )
    rest = width - x
    right = smooth(
        [
            (x, top),
            (x + rest * 0.25, top + tall * 0.42),
            (x + rest * 0.6, top + tall * 0.8),
            (1.3 * width, top + tall),
        ],
        8,
        closed=False,
    )
    lit, shade = mix(sand, stage.light.glow, 0.3), mix(sand, darker(stage.light.near, 0.1), 0.4)
    canvas.draw.polygon([*left, *right, (1.3 * width, height), (-0.3 * width, height)], fill=lit)
    blade = smooth(
        [
            (x, top),
            (x - width * 0.03, top + tall * 0.5),
            (x + width * 0.06, top + tall * 1.1),
            (x - width * 0.02, top + tall * 2.2),
            (x + width * 0.05, height + tall),
        ],
        8,
        closed=False,
    )
    flank, edge = (right, 1.3 * width) if stage.disc[0] < x else (left[::-1], -0.3 * width)
    canvas.draw.polygon([*flank, (edge, height + tall), *reversed(blade)], fill=shade)


def shore(stage: Stage) -> None:
    """A bank in the foreground, for those who stand by the water."""
    canvas = stage.canvas
    base, phase = canvas.height * 0.83, stage.random.uniform(0, 6)
    line = [
        (canvas.width * i / 24, base + canvas.height * 0.018 * math.sin(phase + i / 3))
        for i in range(25)
    ]
    bank = stage.depth(0.9, GRASS)
    foot = [(canvas.width, canvas.height), (0, canvas.height)]
    canvas.draw.polygon([*line, *foot], fill=mix(bank, stage.light.glow, 0.2))
    canvas.draw.polygon([*((x, y + canvas.height * 0.012) for x, y in line), *foot], fill=bank)


def snow_field(stage: Stage) -> None:
    hills(stage, SNOW, 3)
