"""Indoors: a wall, a window onto another scene, a table, a lamp."""

from __future__ import annotations

from producers.drawing.colours import Colour, darker, lighter, mix, rgb, rgbs
from producers.drawing.land import ridge
from producers.drawing.sky import paint_sky
from producers.drawing.stage import Stage
from producers.drawing.weather import weather

WALLS = rgbs("#c98a6a #7a8fa8 #8fa888 #b58aa0 #d0b080 #5f7f8c")
WOOD = rgb("#8a5a38")
SPINES = rgbs("#b5443c #d9913a #3f7a6b #35568f #7a4a78 #c9b27a #50545e")


def room(stage: Stage) -> None:
    """The scene's time of day shows in the window; inside it is warm."""
    canvas, random = stage.canvas, stage.random
    plain = stage.brief.colours and not stage.brief.subjects
    wall = stage.brief.colours[0] if plain else random.choice(WALLS)
    paint_sky(stage)
    ridge(stage, stage.horizon * 0.92, canvas.height * 0.05, 0.5, stage.depth(0.45))
    weather(stage)
    left = random.uniform(0.1, 0.34)
    box = (stage.x(left), stage.y(0.09), stage.x(left + 0.46), stage.y(0.56))
    _wall(stage, wall, box)
    _frame(stage, box)
    if "books" in stage.brief.subjects or "library" in stage.brief.words:
        _shelf(stage, (box[2] + stage.x(0.05), stage.y(0.1), stage.x(1.02), stage.y(0.62)))
    if stage.dark or "lamp" in stage.brief.subjects:
        canvas.glow((stage.x(0.86), stage.y(0.3)), canvas.unit * 0.6, rgb("#ffcf8a"), 0.6)
    _table(stage)


def _wall(stage: Stage, wall: Colour, hole: tuple[float, float, float, float]) -> None:
    canvas = stage.canvas
    dim = 0.42 if stage.dark else 0.1
    upper, lower = darker(wall, dim * 0.6), darker(wall, dim + 0.1)
    view = canvas.image.crop(tuple(round(edge) for edge in hole))  # type: ignore[arg-type]  # four ints
    canvas.gradient([upper, lower])
    for x in range(0, canvas.width, max(8, canvas.width // 14)):
        canvas.draw.line((x, 0, x, canvas.height), fill=mix(upper, lighter(wall), 0.25), width=2)
    canvas.image.paste(view, (round(hole[0]), round(hole[1])))


def _frame(stage: Stage, box: tuple[float, float, float, float]) -> None:
    draw, bar = stage.canvas.draw, stage.canvas.unit * 0.018
    x0, y0, x1, y1 = box
    paint = mix(rgb("#f3ead9"), stage.light.ambient, stage.light.dimness * 0.6)
    shade = darker(paint, 0.25)
    middle, cross = (x0 + x1) / 2, y0 + (y1 - y0) * 0.38
    draw.rectangle((middle - bar / 2, y0, middle + bar / 2, y1), fill=shade)
    draw.rectangle((x0, cross - bar / 2, x1, cross + bar / 2), fill=shade)
    for edge in (
        (x0 - bar, y0 - bar, x1 + bar, y0),
        (x0 - bar, y0, x0, y1),
        (x1, y0, x1 + bar, y1),
    ):
        draw.rectangle(edge, fill=paint)
    draw.rectangle((x0 - bar * 2, y1, x1 + bar * 2, y1 + bar * 1.6), fill=paint)
    draw.rectangle((x0 - bar * 2, y1 + bar * 1.6, x1 + bar * 2, y1 + bar * 2), fill=shade)


def _shelf(stage: Stage, box: tuple[float, float, float, float]) -> None:
    draw, random = stage.canvas.draw, stage.random
    x0, y0, x1, y1 = box
    dim = 0.4 if stage.dark else 0.12
    draw.rectangle(box, fill=darker(WOOD, 0.55))
    rows = 3
    for row in range(rows):
        foot = y0 + (y1 - y0) * (row + 1) / rows
        x = x0 + 6
        while x < x1:
            wide = stage.canvas.unit * random.uniform(0.014, 0.032)
            tall = (y1 - y0) / rows * random.uniform(0.6, 0.86)
            cover = darker(random.choice(SPINES), dim)
            draw.rectangle((x, foot - tall, x + wide - 2, foot), fill=cover)
            draw.line(
                (x + 2, foot - tall * 0.75, x + wide - 4, foot - tall * 0.75),
                fill=lighter(cover),
                width=2,
            )
            x += wide
        draw.rectangle((x0, foot - 4, x1, foot + 6), fill=darker(WOOD, 0.2))


def _table(stage: Stage) -> None:
    canvas, random = stage.canvas, stage.random
    top = stage.y(0.74)
    dim = 0.35 if stage.dark else 0.08
    wood = darker(WOOD, dim)
    canvas.gradient([lighter(wood, 0.22), wood, darker(wood, 0.35)], top)
    for _ in range(14):
        y = top + random.random() ** 1.5 * (canvas.height - top)
        x, half = random.random() * canvas.width, canvas.width * random.uniform(0.1, 0.4)
        canvas.draw.line((x - half, y, x + half, y), fill=darker(wood, 0.18), width=2)
    canvas.draw.rectangle((0, top - 3, canvas.width, top + 2), fill=lighter(wood, 0.4))
