"""Edits: what an instruction's words do to a picture that is given, or drawn first."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from random import Random

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps, UnidentifiedImageError

from producers.drawing import finish, scene
from producers.drawing.colours import CREAM, INK, WHITE, rgb
from producers.drawing.lettering import fitted
from producers.drawing.words import Brief

Edit = Callable[[Image.Image, Brief], Image.Image]
MAX_SIDE = 2048


class UnreadableImage(ValueError):
    """The bytes to edit are not an image that can be read."""


def edited(
    brief: Brief, size: tuple[int, int], random: Random, source: bytes | None, most: int
) -> Image.Image:
    """The source (or the prompt's own scene, when there is none) after at most ``most`` edits.

    Raises UnreadableImage when the source cannot be decoded.
    """
    styles = [name for name in brief.finishes if name in finish.FINISHES]
    image = (
        opened(source)
        if source is not None
        else scene.paint(replace(brief, finishes=()), size, random)
    )
    done = 0
    if styles:
        image = finish.FINISHES[styles[0]](image, brief, random)
        done = 1
    for word in brief.words:
        edit = EDITS.get(word)
        if edit is not None and done < most:
            image = edit(image, brief)
            done += 1
    return image if done else ImageOps.autocontrast(image, 1)


def opened(source: bytes) -> Image.Image:
    """The picture in RGB, upright, at most 2,048 pixels a side."""
    try:
        with Image.open(io.BytesIO(source)) as image:
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, SyntaxError) as error:
        raise UnreadableImage(f"not an image that can be read: {error}") from error
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    return upright


def _blur(image: Image.Image, brief: Brief) -> Image.Image:
    """The middle stays sharp."""
    soft = image.filter(ImageFilter.GaussianBlur(min(image.size) / 60))
    if "background" not in brief.words:
        return soft
    middle = Image.radial_gradient("L").point(
        [255 if v < 110 else max(0, 255 - (v - 110) * 3) for v in range(256)]
    )
    return Image.composite(image, soft, middle.resize(image.size))


def _frame(image: Image.Image, brief: Brief) -> Image.Image:
    colour = brief.colours[0] if brief.colours else CREAM
    width = round(min(image.size) * 0.06)
    inner = ImageOps.fit(image, (image.width - 2 * width, image.height - 2 * width))
    framed = ImageOps.expand(inner, width, colour)
    ImageDraw.Draw(framed).rectangle(
        (width - 3, width - 3, image.width - width + 2, image.height - width + 2),
        outline=INK,
        width=2,
    )
    return framed


def _polaroid(image: Image.Image, brief: Brief) -> Image.Image:
    """A white card with a wide foot, a little askew on a table."""
    side, foot = round(min(image.size) * 0.06), round(min(image.size) * 0.19)
    card = Image.new("RGB", image.size, rgb("#fdfcf8"))
    window = (image.width - 2 * side, image.height - side - foot)
    card.paste(ImageOps.fit(image, window), (side, side))
    text = brief.quotes[0] if brief.quotes else "wish you were here"
    ImageDraw.Draw(card).text(
        (image.width / 2, image.height - foot / 2),
        text,
        fill=INK,
        font=fitted(text, window[0], foot * 0.36),
        anchor="mm",
    )
    small = card.resize(
        (round(image.width * 0.84), round(image.height * 0.84)), Image.Resampling.LANCZOS
    )
    mask = Image.new("L", small.size, 255).rotate(4, expand=True, resample=Image.Resampling.BICUBIC)
    turned = small.rotate(4, expand=True, resample=Image.Resampling.BICUBIC)
    table = Image.new("RGB", image.size, rgb("#b98a62"))
    at = ((image.width - turned.width) // 2, (image.height - turned.height) // 2)
    shadow = Image.new("L", image.size)
    shadow.paste(mask.point([v * 5 // 10 for v in range(256)]), (at[0] + 6, at[1] + 10))
    table.paste(rgb("#3a2417"), (0, 0), shadow.filter(ImageFilter.GaussianBlur(6)))
    table.paste(turned, at, mask)
    return table


def _caption(image: Image.Image, brief: Brief) -> Image.Image:
    text = brief.quotes[0] if brief.quotes else "hello"
    result = image.copy()
    letters = fitted(text, image.width * 0.86, image.height * 0.1)
    ImageDraw.Draw(result).text(
        (image.width / 2, image.height * 0.9),
        text,
        fill=WHITE,
        font=letters,
        anchor="mm",
        stroke_width=max(2, image.height // 130),
        stroke_fill=INK,
    )
    return result


def _warm(image: Image.Image, brief: Brief) -> Image.Image:  # noqa: ARG001  # Edit
    return Image.blend(image, Image.new("RGB", image.size, rgb("#ffb25a")), 0.18)


def _cool(image: Image.Image, brief: Brief) -> Image.Image:  # noqa: ARG001  # Edit
    return Image.blend(image, Image.new("RGB", image.size, rgb("#4a8af0")), 0.18)


def _zoom(image: Image.Image, brief: Brief) -> Image.Image:  # noqa: ARG001  # Edit
    cut = (image.width // 6, image.height // 6, image.width * 5 // 6, image.height * 5 // 6)
    return image.crop(cut).resize(image.size, Image.Resampling.LANCZOS)


def _circle(image: Image.Image, brief: Brief) -> Image.Image:
    mask = Image.new("L", (image.width * 2, image.height * 2))
    ImageDraw.Draw(mask).ellipse((20, 20, image.width * 2 - 20, image.height * 2 - 20), fill=255)
    ground = Image.new("RGB", image.size, brief.colours[0] if brief.colours else CREAM)
    ground.paste(image, (0, 0), mask.resize(image.size))
    return ground


EDITS: dict[str, Edit] = {
    "blur": _blur,
    "blurred": _blur,
    "soften": _blur,
    "sharpen": lambda image, _: image.filter(ImageFilter.UnsharpMask(3, 140, 2)),
    "brighten": lambda image, _: ImageEnhance.Brightness(image).enhance(1.3),
    "brighter": lambda image, _: ImageEnhance.Brightness(image).enhance(1.3),
    "darken": lambda image, _: ImageEnhance.Brightness(image).enhance(0.65),
    "darker": lambda image, _: ImageEnhance.Brightness(image).enhance(0.65),
    "contrast": lambda image, _: ImageEnhance.Contrast(image).enhance(1.45),
    "warm": _warm,
    "warmer": _warm,
    "cool": _cool,
    "cooler": _cool,
    "mirror": lambda image, _: ImageOps.mirror(image),
    "flip": lambda image, _: ImageOps.mirror(image),
    "upside-down": lambda image, _: ImageOps.flip(image),
    "invert": lambda image, _: ImageOps.invert(image),
    "negative": lambda image, _: ImageOps.invert(image),
    "posterize": lambda image, _: ImageOps.posterize(image, 3),
    "solarize": lambda image, _: ImageOps.solarize(image, 140),
    "vignette": lambda image, _: finish.vignette(image.copy(), 0.75),
    "frame": _frame,
    "border": _frame,
    "polaroid": _polaroid,
    "caption": _caption,
    "title": _caption,
    "zoom": _zoom,
    "crop": _zoom,
    "circle": _circle,
    "round": _circle,
}
