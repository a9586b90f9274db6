"""Comics: a page of panels with captions and speech balloons; manga: one panel in ink and tone."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageOps

from producers.drawing.canvas import Canvas
from producers.drawing.cast import BEINGS, CAST
from producers.drawing.colours import BLACK, INK, WHITE, rgb
from producers.drawing.faces import anime
from producers.drawing.finish import finish
from producers.drawing.lettering import font, wrapped
from producers.drawing.pen import Pen
from producers.drawing.scene import perform
from producers.drawing.words import Brief

Box = tuple[float, float, float, float]

LAYOUTS: tuple[tuple[Box, ...], ...] = (
    ((0, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)),
    ((0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 1, 1)),
    ((0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)),
    ((0, 0, 0.58, 1), (0.58, 0, 1, 0.5), (0.58, 0.5, 1, 1)),
)
LINES = (
    ("What a view!", "Worth the climb.", "Same time tomorrow?", "Deal."),
    ("Did you hear that?", "Only the wind.", "The wind has teeth?", "Run!"),
    ("I made you something.", "For me?", "It is not finished.", "It is perfect."),
    ("Are we lost?", "Of course not.", "The map is upside down.", "Ah."),
    ("Ready?", "Ready.", "You forgot the sandwiches.", "Not ready!"),
)
CAPTIONS = ("That morning…", "Meanwhile…", "Later that day…", "And so…")
CAPTION_PAPER = rgb("#fbe7a1")
INK_WIDTH = 0.028


def page(brief: Brief, size: tuple[int, int], random: Random) -> Image.Image:
    """A page: each panel shows the scene from another distance, and somebody speaks."""
    sheet = Image.new("RGB", size, WHITE)
    layout = random.choice(LAYOUTS)
    lines = brief.quotes or random.choice(LINES)
    gap = round(min(size) * 0.02)
    draw = ImageDraw.Draw(sheet)
    for number, (x0, y0, x1, y1) in enumerate(layout):
        box = (
            round(x0 * size[0]) + gap // 2 + (gap // 2 if x0 == 0 else 0),
            round(y0 * size[1]) + gap // 2 + (gap // 2 if y0 == 0 else 0),
            round(x1 * size[0]) - gap // 2 - (gap // 2 if x1 == 1 else 0),
            round(y1 * size[1]) - gap // 2 - (gap // 2 if y1 == 1 else 0),
        )
        line = lines[number] if number < len(lines) else ""
        panel = _panel(brief, (box[2] - box[0], box[3] - box[1]), random, number, line)
        sheet.paste(panel, box[:2])
        draw.rectangle((box[0] - 1, box[1] - 1, box[2], box[3]), outline=BLACK, width=3)
    return sheet


def _panel(
    brief: Brief, size: tuple[int, int], random: Random, number: int, line: str
) -> Image.Image:
    """One panel: every second one shows a face, or the hero alone, close by."""
    seed = Random(random.random())
    times = brief.times or ("day",)
    if number % 2 == 1 and not set(brief.subjects) & BEINGS:
        image = close_up(replace(brief, times=times), size, Random(brief.prompt), seed)
    else:
        shown = brief.subjects[-1:] if number % 2 else brief.subjects
        image = perform(
            replace(brief, times=times, subjects=shown), size, seed, INK_WIDTH
        ).canvas.finished()
    image = ImageEnhance.Brightness(image).enhance(1.18 if "night" in times else 1.0)
    image = dots(ImageOps.posterize(ImageEnhance.Color(image).enhance(1.25), 4), 0.16)
    if "noir" in brief.finishes:
        image = ImageOps.autocontrast(image.convert("L"), 2).convert("RGB")
    if number == 0 or (number == 2 and not line):
        caption(image, CAPTIONS[min(number, len(CAPTIONS) - 1)])
    if line:
        balloon(image, line, right=number % 2 == 1)
    return image


def close_up(brief: Brief, size: tuple[int, int], who: Random, random: Random) -> Image.Image:
    """The same face in every panel (``who`` is seeded by the prompt), in front of the place."""
    canvas = perform(replace(brief, subjects=()), size, random).canvas
    unit = canvas.unit
    pen = Pen(canvas, canvas.width * 0.46, canvas.height * 0.62, unit * 0.46, ink=INK_WIDTH * 0.7)
    anime(pen, brief, who)
    return canvas.finished()


def manga(brief: Brief, size: tuple[int, int], random: Random) -> Image.Image:
    """In colour when the prompt says anime or names colours; else in ink and screen tone."""
    colourful = "anime" in brief.words or brief.colours
    stage = perform(replace(brief, subjects=(), finishes=()), size, random)
    canvas = stage.canvas
    if not colourful:
        canvas.show(screen_tone(canvas.image))
        focus_lines(canvas, random)
    else:
        canvas.show(ImageEnhance.Color(canvas.image).enhance(1.2))
    unit = canvas.unit
    heroes = [name for name in brief.subjects if name in BEINGS]
    pen = Pen(canvas, canvas.width * 0.5, canvas.height * 0.56, unit * 0.42, ink=0.026)
    if heroes:
        CAST[heroes[0]].draw(pen, random, brief.colours[0] if brief.colours else None)
    else:
        anime(pen, brief, random)
    image = canvas.finished()
    if not colourful:
        image = ImageEnhance.Contrast(image.convert("L")).enhance(1.2).convert("RGB")
    if brief.quotes:
        balloon(image, brief.quotes[0], right=True)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] - 1, size[1] - 1), outline=INK, width=4)
    return finish(image, brief, random) if brief.finishes else image


def screen_tone(image: Image.Image, pitch: int = 9) -> Image.Image:
    """Black dots on white, larger where it is darker (a halftone at 45 degrees)."""
    cell = Image.new("L", (pitch * 2, pitch * 2))
    for y in range(pitch * 2):
        for x in range(pitch * 2):
            wave = math.cos(math.pi * x / pitch) + math.cos(math.pi * y / pitch)
            cell.putpixel((x, y), round(127 + 63 * wave))
    screen = _tiled(cell, image.size)
    grey = ImageOps.autocontrast(image.convert("L"), 2).point(
        [min(255, v + 24) for v in range(256)]
    )
    mixed = ImageChops.add(grey, screen, 2.0)
    sharp = [0 if v < 122 else 255 if v > 134 else (v - 122) * 21 for v in range(256)]
    return mixed.point(sharp).convert("RGB")


def dots(image: Image.Image, strength: float, pitch: int = 4) -> Image.Image:
    """The dots of cheap colour printing, faintly."""
    cell = Image.new("L", (pitch, pitch), 255)
    cell.putpixel((0, 0), round(255 * (1 - strength)))
    cell.putpixel((pitch // 2, pitch // 2), round(255 * (1 - strength)))
    screen = _tiled(cell, image.size)
    return ImageChops.multiply(image, Image.merge("RGB", (screen,) * 3))


def _tiled(cell: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The cell, repeated: doubled until it covers the size."""
    tile = cell
    while tile.width < size[0] or tile.height < size[1]:
        wider = Image.new("L", (tile.width * 2, tile.height * 2))
        for x in (0, tile.width):
            for y in (0, tile.height):
                wider.paste(tile, (x, y))
        tile = wider
    return tile.crop((0, 0, *size))


def focus_lines(canvas: Canvas, random: Random) -> None:
    """Rays that point at the hero."""
    cx, cy, reach = canvas.width / 2, canvas.height * 0.5, canvas.width
    canvas.glow((cx, cy), canvas.unit * 0.66, WHITE, 1.0)
    for _ in range(64):
        angle, wide = random.uniform(0, 2 * math.pi), random.uniform(0.004, 0.02)
        near = canvas.unit * random.uniform(0.46, 0.62)
        tip = (cx + near * math.cos(angle), cy + near * math.sin(angle))
        ends = [
            (cx + reach * math.cos(a), cy + reach * math.sin(a))
            for a in (angle - wide, angle + wide)
        ]
        canvas.draw.polygon([tip, *ends], fill=INK)


def balloon(image: Image.Image, text: str, *, right: bool) -> None:
    """A speech balloon in an upper corner, its tail towards the middle; drawn large and reduced."""
    scale, width, height = 3, *image.size
    letters = font(max(10, round(min(width, height) * 0.078)) * scale, text)
    lines = wrapped(text, letters, width * 0.46 * scale, 3)
    step = letters.getbbox("Ag")[3] * 1.08
    wide = max(letters.getlength(line) for line in lines) + step * 1.5
    tall = step * len(lines) + step * 0.9
    layer = Image.new("L", (round(wide) + 8, round(tall + step * 1.1) + 8))
    pen = ImageDraw.Draw(layer)
    tail_x = wide * (0.35 if right else 0.65)
    tip = (tail_x + (-step * 0.7 if right else step * 0.7), tall + step)
    for inset, tone in ((0, 255), (scale * 2, 1)):
        pen.ellipse((4 + inset, 4 + inset, 4 + wide - inset, 4 + tall - inset), fill=tone)
        half = step * 0.36 - inset * 0.8
        pen.polygon(
            [
                (tail_x - half, tall * 0.9),
                (tail_x + half, tall * 0.9),
                (tip[0], tip[1] - inset * 2),
            ],
            fill=tone,
        )
    body = layer.point([0] + [255] * 255).reduce(scale)
    paper = layer.point([0, 255] + [0] * 254).reduce(scale)
    x = width - body.width - round(width * 0.03) if right else round(width * 0.03)
    y = round(height * 0.13)
    image.paste(BLACK, (x, y), body)
    image.paste(WHITE, (x, y), paper)
    draw = ImageDraw.Draw(image)
    small = font(max(10, round(min(width, height) * 0.078)), text)
    for index, line in enumerate(lines):
        middle = (x + (4 + wide / 2) / scale, y + (4 + step * (index + 0.95)) / scale)
        draw.text(middle, line, fill=BLACK, font=small, anchor="mm")


def caption(image: Image.Image, text: str) -> None:
    """A box with the teller's words in the upper left corner."""
    draw = ImageDraw.Draw(image)
    letters = font(max(9, round(min(image.size) * 0.056)), text)
    wide = letters.getlength(text) + 12
    tall = letters.getbbox("Ag")[3] + 7
    draw.rectangle((4, 4, 4 + wide, 4 + tall), fill=CAPTION_PAPER, outline=BLACK, width=2)
    draw.text((10, 4 + tall / 2), text, fill=BLACK, font=letters, anchor="lm")
