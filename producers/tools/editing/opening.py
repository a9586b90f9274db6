"""From foreign bytes to an upright picture, and back: broken files and bombs stop here."""

from __future__ import annotations

import io
from typing import Literal

from PIL import Image, ImageOps, UnidentifiedImageError

from producers.tools.errors import BadImage

MAX_PIXELS = 40_000_000
MAX_SIDE = 8192
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""None of them runs a program, or loads another file, to be read."""

Format = Literal["png", "jpeg", "webp"]
MIME_TYPES: dict[str, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}

_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    EOFError,
    OverflowError,
    MemoryError,
    TypeError,
    KeyError,
)


def opened(data: bytes) -> tuple[Image.Image, Format]:
    """The picture as RGB, or RGBA where parts can be seen through, upright; and its best format.

    Of several frames the first. Raises BadImage; its size is looked at before it is decoded.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image)
            image.load()
            lossy = image.format == "JPEG"
            picture = _plain(ImageOps.exif_transpose(image))
    except BadImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(f"the image has more than {MAX_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise BadImage(f"the bytes are none of {', '.join(FORMATS)}") from None
    except _BROKEN as exc:
        raise BadImage(f"the image is broken: {str(exc)[:120]}") from exc
    return picture, "jpeg" if lossy else "png"


def saved(picture: Image.Image, kind: Format) -> tuple[bytes, str]:
    """The bytes and their MIME type. A JPEG of a picture that can be seen through is on white."""
    buffer = io.BytesIO()
    if kind == "png":
        picture.save(buffer, "PNG", compress_level=6)
    elif kind == "webp":
        picture.save(buffer, "WEBP", quality=90)
    else:
        flat = on_colour(picture, (255, 255, 255))
        flat.save(buffer, "JPEG", quality=92)
    return buffer.getvalue(), MIME_TYPES[kind]


def on_colour(picture: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """The picture in RGB, on this ground."""
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGB", picture.size, colour)
    ground.paste(picture, (0, 0), picture)
    return ground


def check_pixels(width: float, height: float) -> None:
    """Raises BadImage for more than can be worked with."""
    if width > MAX_SIDE * 2 or height > MAX_SIDE * 2 or width * height > MAX_PIXELS:
        raise BadImage(
            f"the image has {width:.0f}x{height:.0f} pixels; {MAX_PIXELS:,} are allowed, "
            f"and {MAX_SIDE * 2:,} a side"
        )


def _check_size(image: Image.Image) -> None:
    check_pixels(*image.size)


def _plain(image: Image.Image) -> Image.Image:
    """As RGB or RGBA, without what its file told beside the pixels (places, cameras, names)."""
    if image.mode.startswith("I") or image.mode == "F":
        low, high = image.convert("F").getextrema()
        assert isinstance(low, float) and isinstance(high, float)  # noqa: S101, PT018  # one band
        span = 65535.0 if image.mode.startswith("I;16") else max(high, 1.0)
        image = image.convert("F").point(lambda value: value * (255 / span) + 0).convert("L")
    profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA"} else None
    seen_through = image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info
    plain = image.convert("RGBA" if seen_through else "RGB")
    plain.info = {"icc_profile": profile} if profile else {}
    return plain
