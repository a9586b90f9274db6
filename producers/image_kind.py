"""The kind of an image, from how its bytes begin."""

from __future__ import annotations

UNKNOWN = "application/octet-stream"

BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"<svg": "image/svg+xml",
}


def mime_type_of(data: bytes) -> str:
    """The MIME type that the first bytes tell, else application/octet-stream."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in {b"avif", b"avis"}:
        return "image/avif"
    kinds = (kind for beginning, kind in BEGINNINGS.items() if data.startswith(beginning))
    return next(kinds, UNKNOWN)
