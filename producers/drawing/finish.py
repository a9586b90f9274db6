"""Finishes: what a style's word does to a picture that is otherwise done."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from producers.drawing.canvas import contrast
from producers.drawing.colours import CREAM, INK, rgb
from producers.drawing.lettering import fitted
from producers.drawing.words import Brief

Finish = Callable[[Image.Image, Brief, Random], Image.Image]
PAPER = rgb("#f4ecdc")


def finish(image: Image.Image, brief: Brief, random: Random) -> Image.Image:
    """The picture in the first style that the prompt names, with its corners a little darker."""
    style = FINISHES.get(brief.finishes[0]) if brief.finishes else None
    if style is not None:
        return style(image, brief, random)
    return vignette(image, 0.3)


def vignette(image: Image.Image, strength: float) -> Image.Image:
    middle = Image.radial_gradient("L").crop((38, 38, 218, 218)).resize(image.size)
    image.paste(rgb("#0a0818"), (0, 0), contrast(middle, 120, 255, strength))
    return image


def watercolour(image: Image.Image, brief: Brief, random: Random) -> Image.Image:  # noqa: ARG001  # Finish
    """Flat washes with darker rims, blooms of water, a ragged edge of paper."""
    small = image.resize((image.width // 2, image.height // 2)).filter(ImageFilter.MedianFilter(5))
    wash = small.resize(image.size, Image.Resampling.BICUBIC)
    wash = Image.blend(wash, Image.new("RGB", image.size, PAPER), 0.16)
    bloom = _noise(random, 9, image.size)
    wash = Image.composite(
        ImageEnhance.Brightness(wash).enhance(1.14), wash, contrast(bloom, 90, 180)
    )
    grain = Image.frombytes("L", (128, 128), random.randbytes(128 * 128)).resize(image.size)
    wash = ImageChops.multiply(wash, Image.merge("RGB", [contrast(grain, -2600, 255)] * 3))
    edge = Image.new("L", (64, 64))
    ImageDraw.Draw(edge).rectangle((5, 5, 58, 58), fill=255)
    edge = edge.filter(ImageFilter.GaussianBlur(3.2)).resize(image.size, Image.Resampling.BICUBIC)
    torn = contrast(_noise(random, 22, image.size), -300, 555)
    ragged = contrast(ImageChops.add(edge, torn, 2.0), 118, 134)
    return Image.composite(wash, Image.new("RGB", image.size, PAPER), ragged)


def noir(image: Image.Image, brief: Brief, random: Random) -> Image.Image:  # noqa: ARG001  # Finish
    grey = ImageEnhance.Contrast(ImageOps.autocontrast(image.convert("L"), 2)).enhance(1.25)
    return vignette(ImageOps.colorize(grey, rgb("#07070b"), rgb("#f3f1ec"), rgb("#6f7078")), 0.6)


def sepia(image: Image.Image, brief: Brief, random: Random) -> Image.Image:  # noqa: ARG001  # Finish
    grey = ImageOps.autocontrast(image.convert("L"), 1)
    return vignette(ImageOps.colorize(grey, rgb("#2a170c"), rgb("#f7e8c8"), rgb("#a37a4c")), 0.5)


def pixel(image: Image.Image, brief: Brief, random: Random) -> Image.Image:  # noqa: ARG001  # Finish
    """Large square pixels in few colours."""
    side = 112
    small = image.resize((side * image.width // image.height, side), Image.Resampling.BOX)
    few = ImageEnhance.Color(small).enhance(1.25).quantize(40, dither=Image.Dither.NONE)
    return few.convert("RGB").resize(image.size, Image.Resampling.NEAREST)


def pastel(image: Image.Image, brief: Brief, random: Random) -> Image.Image:  # noqa: ARG001  # Finish
    soft = Image.blend(image, image.filter(ImageFilter.BoxBlur(6)), 0.3)
    return Image.blend(soft, Image.new("RGB", image.size, rgb("#fdeff0")), 0.3)


def vivid(image: Image.Image, brief: Brief, random: Random) -> Image.Image:  # noqa: ARG001  # Finish
    """Strong colours, and light that bleeds from the bright parts."""
    strong = ImageEnhance.Color(image).enhance(1.4)
    small = strong.resize((image.width // 4, image.height // 4))
    bright = small.point([0 if v < 150 else v for v in range(256)] * 3)
    bleed = bright.filter(ImageFilter.BoxBlur(5)).resize(image.size, Image.Resampling.BICUBIC)
    return vignette(ImageChops.screen(strong, bleed.point([v // 2 for v in range(256)] * 3)), 0.35)


def sketch(image: Image.Image, brief: Brief, random: Random) -> Image.Image:  # noqa: ARG001  # Finish
    """Pencil: lines where the picture gets darker, hatching in the shade, paper."""
    grey = ImageOps.autocontrast(image.convert("L"), 2)
    lines = ImageChops.subtract(grey, grey.filter(ImageFilter.BoxBlur(3)), 0.4, 255)
    grain = Image.frombytes("L", (180, 180), random.randbytes(180 * 180)).resize(image.size)
    strokes = _hatching(image.size, random)
    shade = ImageChops.lighter(grey, contrast(strokes, 0, 255))
    shade = contrast(ImageChops.add(shade, contrast(grain, 0, 255, 0.2), 1.0), -560, 255)
    return ImageOps.colorize(ImageChops.multiply(lines, shade), rgb("#2a2b33"), PAPER)


def _hatching(size: tuple[int, int], random: Random) -> Image.Image:
    """Slanted pencil strokes: dark lines on white."""
    sheet = Image.new("L", size, 255)
    pen = ImageDraw.Draw(sheet)
    for start in range(-size[1], size[0], 5):
        x = start + random.uniform(-1.5, 1.5)
        pen.line((x, size[1], x + size[1], 0), fill=round(random.uniform(0, 60)), width=2)
    return sheet


def poster(image: Image.Image, brief: Brief, random: Random) -> Image.Image:  # noqa: ARG001  # Finish
    """Few flat colours in a cream frame, with a title."""
    palette = image.reduce(3).quantize(18, dither=Image.Dither.NONE)
    flat = image.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB")
    edge = round(min(image.size) * 0.05)
    foot = round(min(image.size) * 0.13)
    sheet = Image.new("RGB", image.size, CREAM)
    window = (image.width - 2 * edge, image.height - edge - foot)
    sheet.paste(ImageOps.fit(flat, window), (edge, edge))
    title = (brief.quotes or (" & ".join(brief.places[:2] or brief.subjects[:2]) or "somewhere",))[
        0
    ]
    font = fitted(title.upper(), window[0], foot * 0.5)
    centre = (image.width / 2, image.height - foot / 2)
    ImageDraw.Draw(sheet).text(centre, title.upper(), fill=INK, font=font, anchor="mm")
    return sheet


def _noise(random: Random, cells: int, size: tuple[int, int]) -> Image.Image:
    values = Image.frombytes("L", (cells, cells), random.randbytes(cells * cells))
    return values.resize(size, Image.Resampling.BICUBIC)


FINISHES: dict[str, Finish] = {
    "watercolour": watercolour,
    "noir": noir,
    "sepia": sepia,
    "pixel": pixel,
    "pastel": pastel,
    "vivid": vivid,
    "sketch": sketch,
    "poster": poster,
}
