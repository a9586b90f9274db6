"""Skies: gradient, sun, moon, stars, clouds, aurora, rainbow, fireworks."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFilter

from producers.drawing.canvas import both, contrast, ramp, stretched, vertical
from producers.drawing.colours import WHITE, Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.stage import Stage

AURORA = (rgb("#3df5a3"), rgb("#37c9e8"), rgb("#9a6bf0"))
RAINBOW = rgbs("#e8475a #f59a3c #f7e05a #5cc878 #4a9ae8 #8a5cd0")
FIREWORKS = rgbs("#ffd36b #ff7b8a #8be0ff #c9a2ff #a8ffb0")


def paint_sky(stage: Stage) -> None:
    """Everything above the horizon, far to near."""
    extras = stage.brief.extras
    stage.canvas.gradient(stage.light.sky, 0, stage.horizon + 2)
    stage.canvas.gradient(stage.light.sky[-1:], stage.horizon)
    if stage.time == "night" or extras & {"stars", "aurora"} or stage.time == "dusk":
        stars(stage, 150 if stage.time == "night" else 50)
    if "aurora" in extras:
        aurora(stage)
    if stage.time != "grey":
        sun_or_moon(stage)
    if "fireworks" in extras:
        fireworks(stage)
    elif stage.time == "day":
        puffs(stage)
    elif "aurora" not in extras:
        wisps(stage)
    if stage.horizon >= stage.canvas.height:
        sea_of_clouds(stage)
    if "rainbow" in extras and not stage.dark:
        rainbow(stage)


def sun_or_moon(stage: Stage) -> None:
    canvas, light = stage.canvas, stage.light
    radius = canvas.unit * {"sunset": 0.085, "dawn": 0.07, "night": 0.06}.get(stage.time, 0.05)
    x, y = stage.disc
    spread = {"night": 3.6, "day": 4.8}.get(stage.time, 5.6)
    canvas.glow((x, y), radius * spread, light.glow, 0.75 if stage.time != "night" else 0.5)
    canvas.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=light.disc)
    if stage.time in {"night", "dusk"}:
        shade = mix(light.disc, light.sky[1], 0.22)
        for dx, dy, size in ((-0.3, -0.2, 0.26), (0.32, 0.28, 0.2), (0.1, -0.5, 0.13)):
            cx, cy, r = x + dx * radius, y + dy * radius, size * radius
            canvas.draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=shade)


def stars(stage: Stage, count: int) -> None:
    canvas, random = stage.canvas, stage.random
    for _ in range(count):
        x, y = random.random() * canvas.width, random.random() ** 1.4 * stage.horizon
        size = random.choice((0.7, 0.7, 1.0, 1.0, 1.5, 2.1)) * canvas.unit / 900
        height = min(1.0, y / max(1.0, stage.horizon))
        behind = stage.light.sky[min(int(height * len(stage.light.sky)), len(stage.light.sky) - 1)]
        colour = mix(WHITE, behind, random.uniform(0.0, 0.55) + 0.3 * height)
        canvas.draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)
    for _ in range(count // 30):
        place = (random.random() * canvas.width, random.random() * stage.horizon * 0.6)
        canvas.glow(place, canvas.unit * 0.014, WHITE, 0.9)


def wisps(stage: Stage) -> None:
    """Torn clouds, made of noise that is drawn out along the horizon."""
    canvas = stage.canvas
    size = (canvas.width, round(stage.horizon))
    heavy = stage.time == "grey"
    low, high = (96, 190) if heavy else (132, 205)
    shape = contrast(canvas.noise(4, 9, size), low, high, 0.85 if heavy else 0.7)
    fade = ramp(size).point([min(255, 70 + v) for v in range(256)])
    top, bottom = _cloud_colours(stage)
    clouds = stretched(vertical([top, bottom]), size)
    canvas.image.paste(clouds, (0, 0), both(shape, fade))


def _cloud_colours(stage: Stage) -> tuple[Colour, Colour]:
    light = stage.light
    if stage.time == "night":
        return mix(light.sky[1], WHITE, 0.12), mix(light.sky[-1], WHITE, 0.2)
    if stage.time == "grey":
        return darker(light.sky[0], 0.2), lighter(light.sky[-1], 0.4)
    return mix(light.sky[1], light.glow, 0.35), lighter(light.glow, 0.25)


def puffs(stage: Stage) -> None:
    """Fair-weather clouds with flat feet."""
    random, canvas = stage.random, stage.canvas
    for _ in range(random.randint(2, 4)):
        x, y = random.random() * canvas.width, stage.horizon * random.uniform(0.12, 0.62)
        puff(stage, x, y, canvas.unit * random.uniform(0.07, 0.15))


def sea_of_clouds(stage: Stage) -> None:
    """Seen from above: rows of clouds down to the lower edge, the nearer the larger."""
    canvas, random = stage.canvas, stage.random
    for row in range(4):
        y = canvas.height * (0.68 + 0.11 * row)
        haze = mix(stage.light.far, stage.light.glow, 0.5)
        canvas.veil(mix(haze, WHITE, 0.2), y - canvas.height * 0.1, y + 2, 0.6)
        for index in range(5 - row):
            x = canvas.width * (index + random.random()) / (5 - row)
            puff(stage, x, y + canvas.height * 0.06, canvas.unit * (0.07 + 0.035 * row))


def puff(stage: Stage, x: float, y: float, size: float) -> None:
    random = stage.random
    width, height = round(size * 5), round(size * 2.2)
    mask = Image.new("L", (width, height))
    pen = ImageDraw.Draw(mask)
    for step in range(9):
        share = step / 8
        r = size * (0.28 + 0.55 * math.sin(math.pi * share) * random.uniform(0.75, 1.1))
        cx, cy = size * 0.6 + share * (width - size * 1.2), height - r * 0.75
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)
    fade = ramp(mask.size).point([255 - v // 3 for v in range(256)])
    corner = (round(x - width / 2), round(y - height))
    shade = mix(stage.light.sky[1], WHITE, 0.55)
    stage.canvas.cover(shade, mask, (corner[0], corner[1] + round(size * 0.1)))
    stage.canvas.cover(mix(WHITE, stage.light.glow, 0.1), both(mask, fade), corner)


def aurora(stage: Stage) -> None:
    """Curtains of light: columns of random brightness along a slow wave, blurred sideways."""
    canvas, random = stage.canvas, stage.random
    width, height = canvas.width // 4, round(stage.horizon) // 4
    for colour in AURORA:
        mask = Image.new("L", (width, height))
        pen = ImageDraw.Draw(mask)
        phase, bend = random.uniform(0, 6), random.uniform(1.2, 2.6)
        foot = random.uniform(0.45, 0.8)
        for x in range(0, width, 2):
            wave = math.sin(phase + x / width * bend * math.pi)
            bottom = height * (foot + 0.16 * wave)
            tall = height * (0.28 + 0.22 * random.random())
            for step in range(5):
                level = round((40, 95, 160, 205, 120)[step] * (0.6 + 0.4 * abs(wave)))
                y0, y1 = bottom - tall * (1 - step / 5), bottom - tall * (0.8 - step / 5)
                pen.line((x, y0, x, y1), fill=level, width=2)
        mask = mask.filter(ImageFilter.GaussianBlur(3)).resize(
            (width * 4, height * 4), Image.Resampling.BILINEAR
        )
        canvas.cover(colour, mask)


def rainbow(stage: Stage) -> None:
    """Six bands, drawn small and stretched, so that they run into each other."""
    canvas = stage.canvas
    size = (canvas.width // 4, canvas.height // 4)
    bands, mask = Image.new("RGB", size), Image.new("L", size)
    radius = size[0] * 0.48
    left = stage.disc[0] < canvas.width / 2
    cx, cy = size[0] * (0.62 if left else 0.38), stage.horizon / 4 * 1.05
    for index, colour in enumerate(RAINBOW):
        r = radius * (1 - index * 0.035)
        box = (cx - r, cy - r, cx + r, cy + r)
        wide = max(2, round(radius * 0.045))
        ImageDraw.Draw(bands).arc(box, 180, 360, fill=colour, width=wide)
        ImageDraw.Draw(mask).arc(box, 180, 360, fill=125, width=wide)
    mask = mask.filter(ImageFilter.BoxBlur(1)).resize(canvas.image.size, Image.Resampling.BILINEAR)
    canvas.image.paste(bands.resize(canvas.image.size, Image.Resampling.BILINEAR), (0, 0), mask)


def fireworks(stage: Stage) -> None:
    canvas, random = stage.canvas, stage.random
    for number in range(4):
        colour = FIREWORKS[(number + random.randrange(5)) % 5]
        cx, cy = stage.x(random.uniform(0.12, 0.88)), stage.horizon * random.uniform(0.15, 0.55)
        radius = canvas.unit * random.uniform(0.09, 0.19)
        canvas.glow((cx, cy), radius * 1.5, colour, 0.4)
        for spoke in range(26):
            angle = spoke / 26 * 2 * math.pi
            reach = radius * random.uniform(0.82, 1.0)
            for step in range(3, 9):
                part = step / 8
                x = cx + math.cos(angle) * reach * part
                y = cy + math.sin(angle) * reach * part + radius * 0.16 * part * part
                r = canvas.unit * 0.0042 * (0.5 + part)
                canvas.draw.ellipse((x - r, y - r, x + r, y + r), fill=lighter(colour, 0.5 * part))
