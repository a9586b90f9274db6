"""imageEditor and advancedImageEditingWithContext."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from producers.pictures import Picture
from producers.tools.editing.applying import applied
from producers.tools.editing.opening import Format, opened, saved
from producers.tools.editing.operations import Operation
from producers.tools.errors import BadParameters
from producers.tools.generator import Wanted
from producers.tools.measuring import described
from producers.tools.parameters import Drawn, Parameters, RequestId, Size, pixels
from producers.tools.tool import Job, Tool

MAX_OPERATIONS = 50
MAX_SOURCES = 6


class Editor(Parameters):
    """An image, and what is done to it."""

    image: RequestId | None = Field(None, description="Request id of the image to edit")
    operations: tuple[Operation, ...] = Field(
        min_length=1, max_length=MAX_OPERATIONS, description="What is done, in this order"
    )
    format: Format | None = Field(None, description="png, jpeg or webp; unset: as the image was")


class AdvancedEditing(Drawn):
    """Several images; the prompt says what is made of them."""

    images: tuple[RequestId, ...] = Field(
        (), max_length=MAX_SOURCES, description="Request ids of up to 6 earlier images"
    )
    size: Size = Field("1024x1024", description="WIDTHxHEIGHT in pixels")


def _edit(job: Job) -> Picture:
    asked: Editor = job.parameters
    ids = () if asked.image is None else (asked.image,)
    if len(ids) + len(job.files) != 1:
        raise BadParameters("image: one image has to be named, or to come along")
    (source,) = job.sources(ids)
    picture, kind = opened(source)
    edited = applied(picture, asked.operations)
    best: Format = "png" if edited.mode == "RGBA" else kind
    data, mime_type = saved(edited, asked.format or best)
    metadata: dict[str, Any] = {
        "generator": "pillow",
        "width": edited.width,
        "height": edited.height,
        "operations": [each.model_dump(exclude_none=True) for each in asked.operations],
        "sources": list(ids),
    }
    size = f"{edited.width}x{edited.height}"
    return Picture(data, mime_type, {"metadata": metadata, "size": size})


def _edit_more(job: Job) -> Picture:
    asked: AdvancedEditing = job.parameters
    if not 1 <= len(asked.images) + len(job.files) <= MAX_SOURCES:
        raise BadParameters(f"images: 1 to {MAX_SOURCES} have to be named, or to come along")
    made = job.generator.make(
        Wanted(
            tool=job.tool,
            prompt=job.prompt,
            size=pixels(asked.size),
            style=asked.style,
            quality=asked.quality,
            sources=tuple(_readable(source) for source in job.sources(asked.images)),
            number=job.number,
        )
    )
    return described(made, job.generator.name, {"sources": list(asked.images)})


def _readable(source: bytes) -> bytes:
    """Upright, of a kind that every model takes, and without where and when it was taken."""
    picture, kind = opened(source)
    return saved(picture, kind)[0]


IMAGE_EDITOR = Tool(
    "imageEditor",
    "Crop, resize, rotate, flip, adjust, blur, label or frame an image.",
    Editor,
    _edit,
    model=lambda _: "pillow",
    takes_files=True,
)
ADVANCED_EDITING = Tool(
    "advancedImageEditingWithContext",
    "Make one image of up to six earlier ones, as the prompt says.",
    AdvancedEditing,
    _edit_more,
    takes_files=True,
)
