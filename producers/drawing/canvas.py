"""The surface: drawn at twice the size and reduced, so that every edge comes out smooth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from random import Random

from PIL import Image, ImageChops, ImageDraw

from producers.drawing.colours import Colour

Point = tuple[float, float]
SUPERSAMPLING = 2


class Canvas:
    """An RGB picture in the making. Coordinates are pixels of the enlarged surface."""

    def __init__(self, width: int, height: int, random: Random, scale: int = SUPERSAMPLING) -> None:
        self.width = width * scale
        self.height = height * scale
        self.unit = min(self.width, self.height)
        self.random = random
        self._scale = scale
        self.show(Image.new("RGB", (self.width, self.height)))

    def show(self, image: Image.Image) -> None:
        """Go on with this picture, which has the canvas's enlarged size."""
        self.image = image
        self.draw = ImageDraw.Draw(image)

    def finished(self) -> Image.Image:
        """The picture in its own size."""
        return self.image.reduce(self._scale)

    def gradient(
        self, stops: Sequence[Colour], top: float = 0, bottom: float | None = None
    ) -> None:
        """Fill the band between two heights with colours from top to bottom."""
        upper = max(0, round(top))
        lower = self.height if bottom is None else min(self.height, round(bottom))
        if lower > upper:
            self.image.paste(stretched(vertical(stops), (self.width, lower - upper)), (0, upper))

    def veil(self, colour: Colour, top: float, bottom: float, strength: float) -> None:
        """Mist: a colour growing from nothing at ``top`` to ``strength`` (0 to 1) at ``bottom``."""
        upper, lower = max(0, round(top)), min(self.height, round(bottom))
        if lower <= upper:
            return
        size = (self.width, lower - upper)
        mask = ramp(size).point(_times(strength))
        self.image.paste(colour, (0, upper, self.width, lower), mask)

    def glow(self, centre: Point, radius: float, colour: Colour, strength: float) -> None:
        """Light around a point, strongest there, gone at the radius."""
        size = max(2, round(radius * 2))
        mask = _halo().point(_times(strength)).resize((size, size), Image.Resampling.BILINEAR)
        self.image.paste(colour, (round(centre[0] - radius), round(centre[1] - radius)), mask)

    def cover(self, colour: Colour, mask: Image.Image, at: tuple[int, int] = (0, 0)) -> None:
        """Lay a colour through a mask."""
        self.image.paste(colour, (*at, at[0] + mask.width, at[1] + mask.height), mask)

    def noise(
        self, columns: int, rows: int, size: tuple[int, int], octaves: int = 3
    ) -> Image.Image:
        """Smooth random values 0 to 255 ("value noise" in several octaves), mean about 128."""
        small = (max(8, size[0] // 4), max(8, size[1] // 4))
        total = self._octave(columns, rows, small)
        for step in range(1, octaves):
            finer = self._octave(columns << step, rows << step, small)
            total = Image.blend(total, finer, 0.5 ** (step + 0.5))
        return total.resize(size, Image.Resampling.BILINEAR)

    def _octave(self, columns: int, rows: int, size: tuple[int, int]) -> Image.Image:
        values = self.random.randbytes(columns * rows)
        cells = Image.frombytes("L", (columns, rows), values)
        return cells.resize(size, Image.Resampling.BICUBIC)


def vertical(stops: Sequence[Colour]) -> Image.Image:
    """The colours, one pixel each, from top to bottom."""
    return Image.frombytes("RGB", (1, len(stops)), bytes(part for stop in stops for part in stop))


def stretched(column: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A picture one pixel wide drawn out to a size: its ends are the first and the last pixel."""
    if column.height > 1:
        ends = (0, 0.5, 1, column.height - 0.5)
        column = column.resize((1, size[1]), Image.Resampling.BILINEAR, box=ends)
    return column.resize(size, Image.Resampling.NEAREST)


def ramp(size: tuple[int, int]) -> Image.Image:
    """A mask from 0 at the top to 255 at the bottom."""
    return stretched(Image.linear_gradient("L").crop((0, 0, 1, 256)), size)


def contrast(mask: Image.Image, low: int, high: int, peak: float = 1.0) -> Image.Image:
    """The mask with everything under ``low`` gone and everything over ``high`` at ``peak``."""
    span = max(1, high - low)
    return mask.point([round(255 * peak * min(1, max(0, (v - low) / span))) for v in range(256)])


def both(a: Image.Image, b: Image.Image) -> Image.Image:
    """Where both masks are: their product."""
    return ImageChops.multiply(a, b)


def _times(strength: float) -> list[int]:
    return [round(value * strength) for value in range(256)]


@lru_cache(maxsize=1)
def _halo() -> Image.Image:
    """A soft disc: 255 in the middle, 0 at the edge, falling like light does.

    Pillow's gradient is 181 where the inscribed circle touches the edge, and 255 in the corners.
    """
    curve = [round(255 * max(0.0, 1 - value / 180) ** 1.6) for value in range(256)]
    return Image.radial_gradient("L").point(curve)


def smooth(points: Sequence[Point], steps: int = 6, *, closed: bool = True) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    result: list[Point] = []
    for i in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            p0, p1 = points[max(i - 1, 0)], points[i]
            p2, p3 = points[i + 1], points[min(i + 2, count - 1)]
        result.extend(_spline(p0, p1, p2, p3, step / steps) for step in range(steps))
    if not closed:
        result.append(points[-1])
    return result


def _spline(p0: Point, p1: Point, p2: Point, p3: Point, t: float) -> Point:
    def along(a: float, b: float, c: float, d: float) -> float:
        square, cube = t * t, t * t * t
        return 0.5 * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * square
            + (3 * b - a - 3 * c + d) * cube
        )

    return along(p0[0], p1[0], p2[0], p3[0]), along(p0[1], p1[1], p2[1], p3[1])


def oval(
    cx: float, cy: float, rx: float, ry: float, turn: float = 0, count: int = 36
) -> list[Point]:
    """The outline of an ellipse, turned by some radians."""
    cos, sin = math.cos(turn), math.sin(turn)
    outline: list[Point] = []
    for i in range(count):
        angle = 2 * math.pi * i / count
        x, y = rx * math.cos(angle), ry * math.sin(angle)
        outline.append((cx + x * cos - y * sin, cy + x * sin + y * cos))
    return outline
