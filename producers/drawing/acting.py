"""Where a scene's subjects stand, float, fly or swim."""

from __future__ import annotations

from random import Random

from producers.drawing import land
from producers.drawing.cast import BACKDROPS, CAST, Role
from producers.drawing.colours import Colour, mix
from producers.drawing.stage import Stage

BACKDROP_DRAWINGS = frozenset(CAST[name].draw for name in BACKDROPS)


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
