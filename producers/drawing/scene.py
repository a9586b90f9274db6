"""A whole scene from a prompt: light, place, subjects, weather."""

from __future__ import annotations

from random import Random

from PIL import Image

from producers.drawing import land, places, room, water
from producers.drawing.canvas import Canvas
from producers.drawing.cast import BACKDROPS, CAST, PLACE_OF_NOTHING, Role
from producers.drawing.colours import LIGHTS, WHITE, Colour, mix, tinted, varied
from producers.drawing.finish import finish
from producers.drawing.sky import paint_sky
from producers.drawing.stage import Stage
from producers.drawing.weather import weather
from producers.drawing.words import Brief

HORIZONS = {
    "mountains": 0.7,
    "ocean": 0.56,
    "lake": 0.58,
    "city": 0.74,
    "forest": 0.68,
    "desert": 0.6,
    "meadow": 0.58,
    "snow": 0.64,
    "room": 0.6,
    "space": 0.8,
    "underwater": 0.3,
    "sky": 1.0,
}
BACKDROP_DRAWINGS = frozenset(CAST[name].draw for name in BACKDROPS)


def paint(brief: Brief, size: tuple[int, int], random: Random) -> Image.Image:
    """The scene that the brief asks for, finished in its style."""
    stage = perform(brief, size, random)
    return finish(stage.canvas.finished(), brief, stage.random)


def perform(brief: Brief, size: tuple[int, int], random: Random, ink: float = 0) -> Stage:
    """The scene without its finish; with ``ink``, subjects have outlines of that width."""
    stage = set_stage(brief, size, random, ink)
    place = place_of(brief, random)
    build(stage, place)
    subjects(stage, place)
    if place != "room":
        weather(stage)
    return stage


def place_of(brief: Brief, random: Random) -> str:
    """The place that is named, or where the first subject is at home."""
    if brief.places:
        return brief.places[0]
    for subject in brief.subjects:
        return CAST[subject].home
    return random.choice(PLACE_OF_NOTHING)


def set_stage(brief: Brief, size: tuple[int, int], random: Random, ink: float = 0) -> Stage:
    """Choose the light and where sun or moon stands."""
    times = [time for time in brief.times if time != "grey"]
    time = (
        times or list(brief.times) or [random.choice(("day", "sunset", "dawn", "dusk", "day"))]
    )[0]
    place = place_of(brief, Random(0))
    if place == "underwater" and time != "night":
        time = "day"
    light = varied(LIGHTS[time], random.uniform(-9, 9))
    moods = brief.colours[1:] if brief.subjects else brief.colours
    if moods:
        light = tinted(light, moods[0], 0.34)
    canvas = Canvas(*size, random)
    horizon = canvas.height * HORIZONS[place]
    low = time in {"sunset", "dawn"}
    height = random.uniform(0.78, 0.93) if low else random.uniform(0.2, 0.42)
    disc = (canvas.width * random.choice((0.28, 0.36, 0.64, 0.72)), horizon * height)
    sheltered = place in {"room", "underwater"}
    return Stage(canvas, brief, light, time, horizon, disc, sheltered, ink)


def build(stage: Stage, place: str) -> None:
    """The place itself, from the back to the front."""
    others = stage.brief.places[1:]
    if place == "space":
        places.space(stage)
        if stage.brief.subjects and CAST[stage.brief.subjects[0]].manner == "stands":
            places.moon_ground(stage)
        return
    if place in {"underwater", "room"}:
        water.underwater(stage) if place == "underwater" else room.room(stage)
        return
    paint_sky(stage)
    wet = place in {"ocean", "lake"} or bool({"ocean", "lake"} & set(others))
    if place in {"city", "ocean", "lake"} or "mountains" in others:
        if "mountains" in (place, *others) or place == "lake":
            land.mountains(stage)
        if "city" in (place, *others):
            places.city(stage)
    if place == "city" and not wet:
        places.street(stage)
    elif wet and place != "meadow":
        _water(stage, place, others)
    else:
        _ground(stage, place)


def _water(stage: Stage, place: str, others: tuple[str, ...]) -> None:
    if place == "mountains":
        land.mountains(stage)
    if place == "forest":
        places.forest(stage)
    if place == "ocean" and not {"mountains", "city"} & set(others):
        water.sea(stage)
        if "beach" in stage.brief.words:
            water.foam(stage)
        return
    water.lake(stage)
    if place in {"lake", "city"}:
        water.glitter(stage)


def _ground(stage: Stage, place: str) -> None:
    if place == "mountains":
        land.mountains(stage)
        land.hills(stage, mix(land.GRASS, stage.light.near, 0.35), 3)
    elif place == "forest":
        places.forest(stage)
    elif place == "desert":
        land.dunes(stage)
    elif place == "snow":
        _winter(stage)
    elif place == "meadow":
        land.ridge(stage, stage.horizon, stage.canvas.height * 0.05, 0.5, stage.depth(0.2))
        land.hills(stage)
        if "flower" in stage.brief.subjects or stage.random.random() < 0.6:
            land.flower_field(stage)


def _winter(stage: Stage) -> None:
    land.mountains(stage)
    land.snow_field(stage)
    random, canvas = stage.random, stage.canvas
    for index in range(9):
        x = canvas.width * (index + random.uniform(0.2, 0.8)) / 9
        tall = canvas.height * random.uniform(0.12, 0.24)
        foot = stage.horizon + canvas.height * random.uniform(0.02, 0.1)
        places.pine(stage, x, foot, tall, mix(stage.depth(0.6, places.PINE), WHITE, 0.12))


def subjects(stage: Stage, place: str) -> None:
    """Up to three subjects: buildings behind, the one that is named first in front."""
    named = [name for name in stage.brief.subjects if not _only_scenery(name, stage, place)][:3]
    named.sort(key=lambda name: name in BACKDROPS)
    colours = stage.brief.colours
    spots = _spots(len(named), stage.random)
    if place in {"ocean", "lake"} and any(_on_foot(name) for name in named):
        land.shore(stage)
    for index in reversed(range(len(named))):
        behind = index > 0 and named[index] in BACKDROPS
        colour = colours[0] if colours and index == 0 else None
        scale = 1.0 if behind else (1.0, 0.72, 0.6)[index] * (0.9 if len(named) > 1 else 1.0)
        _place(stage, place, CAST[named[index]], spots[index], scale, colour, behind=behind)


def _on_foot(name: str) -> bool:
    return CAST[name].manner == "stands" and name not in BACKDROPS


def _only_scenery(name: str, stage: Stage, place: str) -> bool:
    """Words that are already in the picture: the books of a library, the birds of a flock."""
    if name == "flower":
        return place == "meadow" and len(stage.brief.subjects) > 1
    if name == "tree":
        return place == "forest"
    return name == "books" and place == "room" and len(stage.brief.subjects) > 1


def _spots(count: int, random: Random) -> list[float]:
    if count < 2:
        return [random.uniform(0.4, 0.6)]
    first = random.choice((0.33, 0.66))
    return [first, 1.0 - first, 0.5]


def _place(
    stage: Stage,
    place: str,
    role: Role,
    x: float,
    scale: float,
    colour: Colour | None,
    *,
    behind: bool,
) -> None:
    size = role.size * scale
    manner = role.manner
    if place == "underwater":
        manner = "swims"
    elif place == "space" and manner not in {"stands", "flies"}:
        manner = "flies"
    elif manner == "swims":
        manner = "floats" if place in {"ocean", "lake"} else "flies"
    if manner in {"flies", "swims"}:
        _scattered(stage, role, x, size, colour, manner)
    elif manner == "grows" or role.copies > 1:
        _grown(stage, role, size, colour)
    else:
        _standing(stage, place, role, x, size, colour, behind=behind)


def _standing(
    stage: Stage,
    place: str,
    role: Role,
    x: float,
    size: float,
    colour: Colour | None,
    *,
    behind: bool,
) -> None:
    share = stage.canvas.unit / stage.canvas.height
    horizon = stage.horizon / stage.canvas.height
    wet = place in {"ocean", "lake"}
    foot = 0.93 if place == "city" else 0.9
    if role.manner == "coast":
        foot, x = horizon + 0.1, 0.28 if stage.disc[0] > stage.canvas.width / 2 else 0.74
    elif role.manner == "floats":
        foot = horizon + 0.16
    elif behind or (wet and role.draw in BACKDROP_DRAWINGS):
        foot = horizon + (0.03 if wet else 0.1)
    pen = stage.pen(
        x, foot - size * share, size, flip=stage.random.random() < 0.5, haze=0.15 * behind
    )
    shadow = mix(stage.light.near, (10, 10, 20), 0.5)
    if role.manner == "floats":
        shadow = mix(stage.light.near, stage.light.glow, 0.15)
    pen.oval(0, 0.99, 0.8, 0.08, shadow)
    role.draw(pen, stage.random, colour)


def _scattered(
    stage: Stage, role: Role, x: float, size: float, colour: Colour | None, manner: str
) -> None:
    """One in the middle of the sky or water, or several, the nearest last."""
    random = stage.random
    top, bottom = (
        (0.22, 0.78)
        if manner == "swims"
        else (0.16, max(0.34, stage.horizon / stage.canvas.height * 0.7))
    )
    for index in range(role.copies):
        nearness = (index + 1) / role.copies
        last = index == role.copies - 1
        px = x if last else random.uniform(0.08, 0.92)
        py = (top + bottom) / 2 if last else random.uniform(top, bottom)
        pen = stage.pen(
            px,
            py,
            size * (0.4 + 0.6 * nearness),
            flip=random.random() < 0.5 if manner == "flies" else px > 0.5,
            haze=0.45 * (1 - nearness),
        )
        if role.copies == 1 and manner == "flies":
            pen.turn = random.uniform(0.2, 0.5)
        role.draw(pen, random, colour if last or random.random() < 0.4 else None)


def _grown(stage: Stage, role: Role, size: float, colour: Colour | None) -> None:
    """A group with its feet on the ground, the nearest and largest last."""
    random = stage.random
    for index in range(role.copies):
        nearness = (index + 1) / role.copies
        x = 0.12 + 0.76 * ((index * 0.382 + random.uniform(0.1, 0.3)) % 1)
        scale = size * (0.5 + 0.5 * nearness)
        foot = 0.78 + 0.18 * nearness
        pen = stage.pen(
            x,
            foot - scale * stage.canvas.unit / stage.canvas.height,
            scale,
            haze=0.2 * (1 - nearness),
        )
        role.draw(pen, random, colour)
