"""Charts from the numbers that the prompt itself gives: bars, lines, areas, a ring."""

from __future__ import annotations

import math
import re
from random import Random
from typing import NamedTuple

from PIL import Image, ImageDraw

from producers.drawing.colours import Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.lettering import fitted, font
from producers.drawing.words import Brief

PAPERS = (rgb("#ffffff"), rgb("#fbf8f2"), rgb("#171b2b"))
SERIES = rgbs("#4f7df0 #f2845c #3fb58a #f2b84a #9a6cf0 #35b0c8 #e86c9a #8a93a5")
SMALL_WORDS = re.compile(r"^(?:.*\b(?:and|with|of|was|is|then|to|chart|graph|by|for|from)\s+)")
KINDS = {
    "pie": "ring",
    "donut": "ring",
    "doughnut": "ring",
    "ring": "ring",
    "share": "ring",
    "line": "line",
    "trend": "line",
    "growth": "line",
    "area": "area",
    "timeline": "line",
}
SAMPLE = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SCALE = 2


class Sheet(NamedTuple):
    """The surface with what all charts need."""

    draw: ImageDraw.ImageDraw
    size: tuple[int, int]
    plot: tuple[float, float, float, float]
    ink: Colour
    paper: Colour
    colours: tuple[Colour, ...]


def paint(brief: Brief, size: tuple[int, int], random: Random) -> Image.Image:
    """The chart. Without numbers in the prompt it shows random ones and says "sample data"."""
    pairs = values_of(brief.prompt)
    sample = len(pairs) < 2
    if sample:
        pairs = [(day, float(random.randint(12, 95))) for day in SAMPLE]
    paper = PAPERS[2] if {"dark", "night"} & set(brief.words) else random.choice(PAPERS[:2])
    image = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), paper)
    sheet = _sheet(image, paper, brief, random)
    _heading(sheet, _title(brief), sample)
    kind = next((KINDS[word] for word in brief.words if word in KINDS), "bars")
    {"ring": _ring, "line": _line, "area": _area, "bars": _bars}[kind](sheet, pairs)
    return image.reduce(SCALE)


def values_of(prompt: str) -> list[tuple[str, float]]:
    """``Q1 12, Q2 18`` as labels and values; a number without a label is left out."""
    text = re.sub(r"[\"“][^\"”]*[\"”]", " ", prompt).partition(":")[2] or prompt
    found = []
    for part in re.split(r"[,;]| and ", text):
        match = re.fullmatch(r"\s*(.+?)\s*[:=]?\s*(-?\d+(?:\.\d+)?)\s*%?\s*\.?\s*", part)
        if match and not match[1].strip().isdigit():
            found.append((SMALL_WORDS.sub("", match[1].strip())[:16], float(match[2])))
    return found[:12]


def _title(brief: Brief) -> str:
    text = brief.quotes[0] if brief.quotes else brief.prompt.partition(":")[0].strip()[:60]
    return " ".join(text.split())


def _sheet(image: Image.Image, paper: Colour, brief: Brief, random: Random) -> Sheet:
    width, height = image.size
    ink = rgb("#232838") if paper != PAPERS[2] else rgb("#e8ebf5")
    start = random.randrange(len(SERIES))
    series = (*brief.colours, *SERIES[start:], *SERIES[:start])
    plot = (width * 0.11, height * 0.24, width * 0.95, height * 0.87)
    return Sheet(ImageDraw.Draw(image), image.size, plot, ink, paper, series)


def _heading(sheet: Sheet, title: str, sample: bool) -> None:
    width, height = sheet.size
    letters = fitted(title, width * 0.86, height * 0.062)
    sheet.draw.text(
        (width * 0.06, height * 0.075), title, fill=sheet.ink, font=letters, anchor="lm"
    )
    sheet.draw.rectangle(
        (width * 0.06, height * 0.125, width * 0.13, height * 0.134), fill=sheet.colours[0]
    )
    if sample:
        note = font(round(height * 0.032))
        faint = mix(sheet.ink, sheet.paper, 0.45)
        sheet.draw.text(
            (width * 0.06, height * 0.17), "sample data", fill=faint, font=note, anchor="lm"
        )


def scale_of(values: list[float]) -> tuple[float, float]:
    """The axis's top and step: a round step (1, 2 or 5 times a power of ten), 4 to 9 lines."""
    top = max(*values, 0.0, 1e-9) if len(values) > 1 else max(values[0], 1e-9)
    raw = top / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    return math.ceil(top / step) * step, step


def _axes(sheet: Sheet, pairs: list[tuple[str, float]]) -> tuple[float, list[float]]:
    """Grid, labels; returns the axis's top and the x of each value."""
    x0, y0, x1, y1 = sheet.plot
    top, step = scale_of([value for _, value in pairs])
    letters = font(round(sheet.size[1] * 0.032))
    faint, grid = mix(sheet.ink, sheet.paper, 0.35), mix(sheet.ink, sheet.paper, 0.86)
    for line in range(round(top / step) + 1):
        y = y1 - (y1 - y0) * line * step / top
        sheet.draw.line((x0, y, x1, y), fill=grid, width=2)
        sheet.draw.text((x0 - 10, y), f"{line * step:g}", fill=faint, font=letters, anchor="rm")
    slot = (x1 - x0) / len(pairs)
    centres = [x0 + slot * (index + 0.5) for index in range(len(pairs))]
    for x, (label, _) in zip(centres, pairs, strict=True):
        small = fitted(label, slot * 0.95, sheet.size[1] * 0.034)
        sheet.draw.text((x, y1 + sheet.size[1] * 0.035), label, fill=faint, font=small, anchor="mm")
    return top, centres


def _height(sheet: Sheet, value: float, top: float) -> float:
    return sheet.plot[3] - (sheet.plot[3] - sheet.plot[1]) * max(0.0, value) / top


def _bars(sheet: Sheet, pairs: list[tuple[str, float]]) -> None:
    top, centres = _axes(sheet, pairs)
    half = (sheet.plot[2] - sheet.plot[0]) / len(pairs) * 0.32
    best = max(value for _, value in pairs)
    letters = font(round(sheet.size[1] * 0.034))
    for x, (_, value) in zip(centres, pairs, strict=True):
        y = min(_height(sheet, value, top), sheet.plot[3] - 4)
        colour = sheet.colours[0] if value == best else lighter(sheet.colours[0], 0.35)
        if sheet.paper == PAPERS[2] and value != best:
            colour = darker(sheet.colours[0], 0.3)
        box = (x - half, y, x + half, sheet.plot[3])
        sheet.draw.rounded_rectangle(
            box, radius=half * 0.25, fill=colour, corners=(True, True, False, False)
        )
        sheet.draw.text((x, y - 16), f"{value:g}", fill=sheet.ink, font=letters, anchor="mm")


def _line(sheet: Sheet, pairs: list[tuple[str, float]], *, filled: bool = False) -> None:
    top, centres = _axes(sheet, pairs)
    points = [(x, _height(sheet, value, top)) for x, (_, value) in zip(centres, pairs, strict=True)]
    colour, foot = sheet.colours[0], sheet.plot[3]
    if filled:
        ground = [*points, (points[-1][0], foot), (points[0][0], foot)]
        sheet.draw.polygon(ground, fill=mix(sheet.paper, colour, 0.28))
    sheet.draw.line(points, fill=colour, width=8, joint="curve")
    for x, y in points:
        sheet.draw.ellipse((x - 11, y - 11, x + 11, y + 11), fill=colour)
        sheet.draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=sheet.paper)
    letters = font(round(sheet.size[1] * 0.036))
    x, y = points[-1]
    sheet.draw.text((x, y - 26), f"{pairs[-1][1]:g}", fill=sheet.ink, font=letters, anchor="mm")


def _area(sheet: Sheet, pairs: list[tuple[str, float]]) -> None:
    _line(sheet, pairs, filled=True)


def _ring(sheet: Sheet, pairs: list[tuple[str, float]]) -> None:
    width, height = sheet.size
    total = sum(max(0.0, value) for _, value in pairs) or 1.0
    cx, cy, r = width * 0.35, height * 0.57, min(width, height) * 0.29
    angle = -90.0
    letters = font(round(height * 0.037))
    for index, (label, value) in enumerate(pairs[:7]):
        colour = sheet.colours[index % len(sheet.colours)]
        sweep = 360 * max(0.0, value) / total
        sheet.draw.pieslice((cx - r, cy - r, cx + r, cy + r), angle, angle + sweep, fill=colour)
        angle += sweep
        y = height * (0.34 + 0.075 * index)
        sheet.draw.rounded_rectangle(
            (width * 0.7, y - 11, width * 0.73, y + 11), radius=5, fill=colour
        )
        text = f"{label}  {value / total:.0%}"
        sheet.draw.text(
            (width * 0.75, y),
            text,
            fill=sheet.ink,
            font=fitted(text, width * 0.22, height * 0.037),
            anchor="lm",
        )
    hole = r * 0.58
    sheet.draw.ellipse((cx - hole, cy - hole, cx + hole, cy + hole), fill=sheet.paper)
    sheet.draw.text(
        (cx, cy), f"{total:g}", fill=sheet.ink, font=font(round(height * 0.07)), anchor="mm"
    )
    sheet.draw.text(
        (cx, cy + height * 0.06),
        "total",
        fill=mix(sheet.ink, sheet.paper, 0.4),
        font=letters,
        anchor="mm",
    )
