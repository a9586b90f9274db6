"""A pen in a small coordinate system of its own: shapes are written once and drawn anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from producers.drawing.canvas import Canvas, Point, oval, smooth
from producers.drawing.colours import BLACK, Colour, mix


class Pen:
    """Draws around (x, y): one local unit is ``size`` pixels, y points down.

    ``ambient`` and ``dim`` lay the scene's light over every colour; ``ink`` draws outlines of
    that many local units around every filled shape, as comics have them.
    """

    def __init__(
        self,
        canvas: Canvas,
        x: float,
        y: float,
        size: float,
        *,
        flip: bool = False,
        turn: float = 0,
        ambient: Colour = BLACK,
        dim: float = 0,
        ink: float = 0,
    ) -> None:
        self.canvas = canvas
        self.x, self.y, self.size = x, y, size
        self.flip, self.turn = flip, turn
        self.ambient, self.dim = ambient, dim
        self.ink = ink

    def at(self, x: float, y: float) -> Point:
        """A local point on the canvas."""
        if self.turn:
            cos, sin = math.cos(self.turn), math.sin(self.turn)
            x, y = x * cos - y * sin, x * sin + y * cos
        return self.x + (-x if self.flip else x) * self.size, self.y + y * self.size

    def lit(self, colour: Colour) -> Colour:
        """The colour in this scene's light."""
        return mix(colour, self.ambient, self.dim) if self.dim else colour

    def poly(self, points: Iterable[Point], colour: Colour) -> None:
        """A filled polygon."""
        placed = [self.at(*point) for point in points]
        self.canvas.draw.polygon(placed, fill=self.lit(colour))
        if self.ink:
            width = max(1, round(self.ink * self.size))
            self.canvas.draw.line(
                [*placed, placed[0], placed[1]], fill=BLACK, width=width, joint="curve"
            )

    def blob(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled shape with a smooth outline through the points."""
        self.poly(smooth(points), colour)

    def oval(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, turn: float = 0
    ) -> None:
        self.poly(oval(x, y, rx, ry, turn), colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self.oval(x, y, radius, radius, colour)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, r: float = 0) -> None:
        """A rectangle, with corners of radius ``r``."""
        if r <= 0:
            self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)
            return
        corners = (
            (x1 - r, y1 - r, 0),
            (x0 + r, y1 - r, 1),
            (x0 + r, y0 + r, 2),
            (x1 - r, y0 + r, 3),
        )
        outline = [
            (cx + r * math.cos(angle), cy + r * math.sin(angle))
            for cx, cy, quarter in corners
            for angle in ((quarter + step / 5) * math.pi / 2 for step in range(6))
        ]
        self.poly(outline, colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A line with round ends, ``width`` local units wide."""
        placed = [self.at(*point) for point in points]
        pixels = max(1, round(width * self.size))
        ink = self.lit(colour)
        self.canvas.draw.line(placed, fill=ink, width=pixels, joint="curve")
        if pixels > 3:
            for x, y in (placed[0], placed[-1]):
                r = pixels / 2 - 0.5
                self.canvas.draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)

    def curve(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A smooth line through the points."""
        self.line(smooth(points, closed=False), width, colour)

    def within(self, x: float, y: float, size: float, *, turn: float = 0) -> Pen:
        """A pen for a part: its own coordinates around (x, y) of this pen."""
        px, py = self.at(x, y)
        return Pen(
            self.canvas,
            px,
            py,
            self.size * size,
            flip=self.flip,
            turn=self.turn + turn,
            ambient=self.ambient,
            dim=self.dim,
            ink=self.ink / size,
        )

    def unlit(self) -> Pen:
        """A pen at the same place for what shines by itself: windows, lamps, eyes."""
        return Pen(
            self.canvas, self.x, self.y, self.size, flip=self.flip, turn=self.turn, ink=self.ink
        )
