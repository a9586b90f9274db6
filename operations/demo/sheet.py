"""A contact sheet: all images of a store on one page."""

from __future__ import annotations

import io

from PIL import Image

from producers.storage import LocalStorage

THUMBNAIL = 96
COLUMNS = 20
PAPER = (24, 26, 34)


def contact_sheet(images: LocalStorage) -> bytes:
    """A JPEG with every image of the store, in the order of their names."""
    files = list(images.list())
    rows = max(1, -(-len(files) // COLUMNS))
    sheet = Image.new("RGB", (COLUMNS * THUMBNAIL, rows * THUMBNAIL), PAPER)
    for index, file in enumerate(files):
        with Image.open(io.BytesIO(images.read(file.filename))) as image:
            image.draft("RGB", (THUMBNAIL * 2, THUMBNAIL * 2))
            small = image.convert("RGBA")
        small.thumbnail((THUMBNAIL - 4, THUMBNAIL - 4))
        left = index % COLUMNS * THUMBNAIL + (THUMBNAIL - small.width) // 2
        top = index // COLUMNS * THUMBNAIL + (THUMBNAIL - small.height) // 2
        sheet.paste(small, (left, top), small)
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
