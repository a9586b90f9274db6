"""What each operation does to a picture in RGB or RGBA."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image, ImageColor, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from producers.tools.editing import operations as op
from producers.tools.editing.captions import captioned
from producers.tools.editing.opening import check_pixels, on_colour
from producers.tools.errors import BadImage, BadParameters

Picture = Image.Image
SEPIA = (
    (0.393, 0.769, 0.189, 0.0),
    (0.349, 0.686, 0.168, 0.0),
    (0.272, 0.534, 0.131, 0.0),
)
"""Rows for red, green and blue, as photo editors have them."""
SMOOTH = 4
"""Corners are drawn so many times as large, and reduced."""


def applied(picture: Picture, wanted: Sequence[op.Operation]) -> Picture:
    """The picture after all operations in their order.

    Raises BadParameters, which names the operation and its field.
    """
    for index, operation in enumerate(wanted):
        try:
            picture = _APPLY[type(operation)](picture, operation)
            check_pixels(*picture.size)
        except (BadParameters, BadImage) as exc:
            raise BadParameters(f"operations[{index}].{exc}") from None
    return picture


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour's name or code as red, green, blue."""
    found = ImageColor.getrgb(colour)
    return found[0], found[1], found[2]


def _crop(picture: Picture, wanted: op.Crop) -> Picture:
    right, bottom = wanted.left + wanted.width, wanted.top + wanted.height
    if right > picture.width:
        raise BadParameters(f"width: ends at {right}, the image is {picture.width} wide")
    if bottom > picture.height:
        raise BadParameters(f"height: ends at {bottom}, the image is {picture.height} high")
    return picture.crop((wanted.left, wanted.top, right, bottom))


def _resize(picture: Picture, wanted: op.Resize) -> Picture:
    width, height = wanted.width, wanted.height
    if width is None or height is None:
        scale = height / picture.height if height is not None else (width or 1) / picture.width
        size = (width or round(picture.width * scale), height or round(picture.height * scale))
        size = (max(1, size[0]), max(1, size[1]))
        check_pixels(*size)
        return picture.resize(size, Image.Resampling.LANCZOS)
    check_pixels(width, height)
    if wanted.fit == "cover":
        return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
    if wanted.fit == "contain":
        return ImageOps.contain(picture, (width, height), Image.Resampling.LANCZOS)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _rotate(picture: Picture, wanted: op.Rotate) -> Picture:
    quarters, rest = divmod(wanted.degrees, 90)
    if not rest and (wanted.expand or quarters % 2 == 0):
        turns = {1: Image.Transpose.ROTATE_270, 2: Image.Transpose.ROTATE_180}
        turns[3] = Image.Transpose.ROTATE_90
        turn = turns.get(int(quarters) % 4)
        return picture if turn is None else picture.transpose(turn)
    angle = math.radians(wanted.degrees)
    across, along = abs(math.cos(angle)), abs(math.sin(angle))
    check_pixels(
        picture.width * across + picture.height * along,
        picture.width * along + picture.height * across,
    )
    turned = picture.convert("RGBA").rotate(
        -wanted.degrees, Image.Resampling.BICUBIC, expand=wanted.expand
    )
    return turned if wanted.background is None else on_colour(turned, rgb(wanted.background))


def _flip(picture: Picture, wanted: op.Flip) -> Picture:
    return ImageOps.mirror(picture) if wanted.direction == "horizontal" else ImageOps.flip(picture)


def _coloured(picture: Picture, change: Callable[[Picture], Picture]) -> Picture:
    """Change the colours, and leave alone what can be seen through."""
    if picture.mode != "RGBA":
        return change(picture)
    changed = change(picture.convert("RGB")).convert("RGBA")
    changed.putalpha(picture.getchannel("A"))
    return changed


def _enhanced(kind: Callable[[Picture], Any]) -> Callable[[Picture, Any], Picture]:
    def apply(picture: Picture, wanted: op.Brightness) -> Picture:
        return _coloured(picture, lambda image: kind(image).enhance(wanted.factor))

    return apply


def _blur(picture: Picture, wanted: op.Blur) -> Picture:
    soft = ImageFilter.GaussianBlur(wanted.radius)
    if picture.mode != "RGBA":
        return picture.filter(soft)
    # With the colours weighed by how much can be seen of them, no dark edge appears.
    return picture.convert("RGBa").filter(soft).convert("RGBA")


def _sharpen(picture: Picture, wanted: op.Sharpen) -> Picture:
    sharp = ImageFilter.UnsharpMask(2, round(wanted.amount * 120), 2)
    return _coloured(picture, lambda image: image.filter(sharp))


def _greyscale(picture: Picture, _wanted: op.Greyscale) -> Picture:
    return _coloured(picture, lambda image: image.convert("L").convert("RGB"))


def _sepia(picture: Picture, wanted: op.Sepia) -> Picture:
    matrix = tuple(value for row in SEPIA for value in row)
    return _coloured(
        picture, lambda image: Image.blend(image, image.convert("RGB", matrix), wanted.amount)
    )


def _text(picture: Picture, wanted: op.Text) -> Picture:
    return captioned(picture, wanted)


def _border(picture: Picture, wanted: op.Border) -> Picture:
    width = wanted.width
    size = (picture.width + 2 * width, picture.height + 2 * width)
    check_pixels(*size)
    colour: Any = rgb(wanted.colour) + ((255,) if picture.mode == "RGBA" else ())
    framed = Image.new(picture.mode, size, colour)
    framed.paste(picture, (width, width))
    return framed


def _round_corners(picture: Picture, wanted: op.RoundCorners) -> Picture:
    radius = min(wanted.radius, min(picture.size) // 2)
    result = picture.convert("RGBA")
    if radius == 0:
        return result
    side = radius * 2
    disc = Image.new("L", (side * SMOOTH, side * SMOOTH))
    ImageDraw.Draw(disc).ellipse((0, 0, side * SMOOTH - 1, side * SMOOTH - 1), fill=255)
    disc = disc.reduce(SMOOTH)
    mask = Image.new("L", picture.size, 255)
    far = (picture.width - radius, picture.height - radius)
    for left, x in ((0, 0), (radius, far[0])):
        for top, y in ((0, 0), (radius, far[1])):
            mask.paste(disc.crop((left, top, left + radius, top + radius)), (x, y))
    seen = result.getchannel("A")
    result.putalpha(Image.composite(seen, Image.new("L", seen.size), mask))
    return result


_APPLY: dict[type[Any], Callable[[Picture, Any], Picture]] = {
    op.Crop: _crop,
    op.Resize: _resize,
    op.Rotate: _rotate,
    op.Flip: _flip,
    op.Brightness: _enhanced(ImageEnhance.Brightness),
    op.Contrast: _enhanced(ImageEnhance.Contrast),
    op.Saturation: _enhanced(ImageEnhance.Color),
    op.Blur: _blur,
    op.Sharpen: _sharpen,
    op.Greyscale: _greyscale,
    op.Sepia: _sepia,
    op.Text: _text,
    op.Border: _border,
    op.RoundCorners: _round_corners,
}
