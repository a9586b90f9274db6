"""Space: gas, stars, planets, and the ground of a moon."""

from __future__ import annotations

from PIL import Image, ImageDraw

from producers.drawing.canvas import both, contrast
from producers.drawing.colours import WHITE, Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.stage import Stage

WINDOWS = rgbs("#ffd98a #ffe9b8 #ffc766 #bfe6ff")
NEON = rgbs("#ff4fa8 #35e6ff #b06bff #ffd24a #4affc3")
PINE = rgb("#1f5a45")
NEBULAS = (("#e0559c", "#4a63e8"), ("#f08a4a", "#7a3fc0"), ("#35c7b8", "#3550d4"))


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
    base = random.choice(list(rgbs("#d98a5a #5aa0d9 #c96f9a #7ac0a0 #d9b25a")))
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
