"""A whole scene from a prompt: light, place, subjects, weather."""

from __future__ import annotations

from random import Random

from PIL import Image

from producers.drawing import city, land, room, space, water, woods
from producers.drawing.acting import subjects
from producers.drawing.canvas import Canvas
from producers.drawing.cast import CAST, PLACE_OF_NOTHING
from producers.drawing.colours import LIGHTS, WHITE, mix, tinted, varied
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
        space.space(stage)
        if stage.brief.subjects and CAST[stage.brief.subjects[0]].manner == "stands":
            space.moon_ground(stage)
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
            city.city(stage)
    if place == "city" and not wet:
        city.street(stage)
    elif wet and place != "meadow":
        _water(stage, place, others)
    else:
        _ground(stage, place)


def _water(stage: Stage, place: str, others: tuple[str, ...]) -> None:
    if place == "mountains":
        land.mountains(stage)
    if place == "forest":
        woods.forest(stage)
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
        woods.forest(stage)
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
        woods.pine(stage, x, foot, tall, mix(stage.depth(0.6, woods.PINE), WHITE, 0.12))
