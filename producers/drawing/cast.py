"""Who and what a picture can hold: every subject, where it belongs and how large it is."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from producers.drawing import animals, figures, growth, things, wild
from producers.drawing.colours import Colour
from producers.drawing.pen import Pen

Draw = Callable[[Pen, Random, Colour | None], None]


class Role(NamedTuple):
    """How to draw a subject. ``size`` is half its height, as a share of the picture's unit."""

    draw: Draw
    manner: str
    """stands, floats (on water), flies, swims, or grows (in several copies)."""
    home: str
    """Where it is shown when the prompt names no place."""
    size: float = 0.23
    copies: int = 1


CAST: dict[str, Role] = {
    "cat": Role(animals.cat, "stands", "room"),
    "dog": Role(animals.dog, "stands", "meadow"),
    "fox": Role(animals.fox, "stands", "forest"),
    "owl": Role(animals.owl, "stands", "forest"),
    "rabbit": Role(animals.rabbit, "stands", "meadow"),
    "bear": Role(animals.bear, "stands", "forest", 0.26),
    "penguin": Role(animals.penguin, "stands", "snow", 0.2, 3),
    "bird": Role(wild.bird, "flies", "sky", 0.13, 6),
    "whale": Role(wild.whale, "swims", "underwater", 0.34),
    "fish": Role(wild.fish, "swims", "underwater", 0.12, 6),
    "turtle": Role(wild.turtle, "swims", "underwater", 0.28),
    "jellyfish": Role(wild.jellyfish, "swims", "underwater", 0.16, 4),
    "butterfly": Role(wild.butterfly, "flies", "meadow", 0.08, 4),
    "dragon": Role(wild.dragon, "stands", "mountains", 0.3),
    "ghost": Role(wild.ghost, "stands", "forest", 0.22),
    "robot": Role(figures.robot, "stands", "city", 0.26),
    "astronaut": Role(figures.astronaut, "stands", "space", 0.25),
    "wizard": Role(figures.wizard, "stands", "forest", 0.26),
    "knight": Role(figures.knight, "stands", "mountains", 0.26),
    "traveller": Role(figures.traveller, "stands", "mountains", 0.2),
    "boat": Role(things.boat, "floats", "ocean", 0.16),
    "rocket": Role(things.rocket, "flies", "space", 0.28, 1),
    "lighthouse": Role(things.lighthouse, "coast", "ocean", 0.3),
    "castle": Role(things.castle, "stands", "mountains", 0.28),
    "balloon": Role(things.balloon, "flies", "mountains", 0.17, 4),
    "cottage": Role(things.cottage, "stands", "meadow", 0.19),
    "train": Role(things.train, "stands", "mountains", 0.2),
    "car": Role(things.car, "stands", "desert", 0.21),
    "windmill": Role(things.windmill, "stands", "meadow", 0.26),
    "tree": Role(growth.tree, "stands", "meadow", 0.3),
    "flower": Role(growth.flower, "grows", "meadow", 0.2, 5),
    "mushroom": Role(growth.mushroom, "stands", "forest", 0.2),
    "cactus": Role(growth.cactus, "grows", "desert", 0.18, 4),
    "cup": Role(growth.cup, "stands", "room", 0.17),
    "books": Role(growth.books, "stands", "room", 0.14),
    "lamp": Role(growth.lamp, "stands", "room", 0.16),
    "cake": Role(growth.cake, "stands", "room", 0.2),
    "guitar": Role(growth.guitar, "stands", "room", 0.25),
    "umbrella": Role(growth.umbrella, "stands", "city", 0.2),
}

BACKDROPS = frozenset({"castle", "cottage", "windmill", "lighthouse", "tree", "train"})
"""Behind the others, when there are others."""

BEINGS = frozenset(
    name
    for name, role in CAST.items()
    if role.draw.__module__ not in {things.__name__, growth.__name__} and name != "traveller"
)
"""Those with a face of their own; a traveller gets a person's."""

PLACE_OF_NOTHING = ("mountains", "ocean", "meadow", "lake", "forest", "city")
"""What is shown for a prompt without any known word."""
