"""What all parts of one scene share: the surface, the light, the horizon."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from producers.drawing.canvas import Canvas, Point
from producers.drawing.colours import Colour, Light, mix
from producers.drawing.pen import Pen
from producers.drawing.words import Brief


@dataclass(slots=True)
class Stage:
    """One scene while it is drawn."""

    canvas: Canvas
    brief: Brief
    light: Light
    time: str
    horizon: float
    """Height of the horizon in pixels of the canvas."""
    disc: Point
    """Where sun or moon stands."""
    sheltered: bool = False
    """Indoors or under water the time of day does less to things."""
    ink: float = 0
    """Width of the outlines of subjects, in their own units."""

    @property
    def random(self) -> Random:
        return self.canvas.random

    @property
    def dark(self) -> bool:
        return self.time in {"night", "dusk"}

    def x(self, share: float) -> float:
        """A share of the width in pixels."""
        return share * self.canvas.width

    def y(self, share: float) -> float:
        """A share of the height in pixels."""
        return share * self.canvas.height

    def depth(self, share: float, ground: Colour | None = None) -> Colour:
        """The colour of land at a distance: 0 far away in the haze, 1 close by."""
        near = self.light.near if ground is None else self.lit(ground)
        return mix(self.light.far, near, share)

    def lit(self, colour: Colour) -> Colour:
        """A thing's own colour in this light."""
        return mix(colour, self.light.ambient, self.light.dimness)

    def pen(self, x: float, y: float, size: float, *, flip: bool = False, haze: float = 0) -> Pen:
        """A pen in this light; x and y in shares of the picture, size in shares of its unit."""
        return Pen(
            self.canvas,
            self.x(x),
            self.y(y),
            size * self.canvas.unit,
            flip=flip,
            ink=self.ink,
            ambient=mix(self.light.ambient, self.light.far, haze),
            dim=min(0.92, self.light.dimness * (0.3 if self.sheltered else 0.8) + haze),
        )
