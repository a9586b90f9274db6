"""What is told of an image beside its bytes: its size, who drew it, what it shows."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from producers.pictures import Picture
from producers.tools.errors import BadAnswer
from producers.tools.generator import Made


def described(made: Made, generator: str, extra: Mapping[str, Any] | None = None) -> Picture:
    """The image with its metadata. Raises BadAnswer when its bytes are no image."""
    width, height = measured(made.data)
    metadata = {"generator": generator, "width": width, "height": height}
    fields: dict[str, Any] = {"metadata": metadata | dict(made.metadata) | dict(extra or {})}
    if made.tags:
        fields["tags"] = made.tags
    return Picture(made.data, made.mime_type, fields)


def measured(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the image's head alone. Raises BadAnswer."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise BadAnswer(f"what the generator made is no image: {str(exc)[:100]}") from exc
    except Image.DecompressionBombWarning:
        raise BadAnswer("what the generator made has too many pixels") from None
