"""The operations of imageEditor, as JSON has them: ``{"op": "rotate", "degrees": 90}``."""

from __future__ import annotations

from typing import Annotated, Literal

from PIL import ImageColor
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from producers.tools.editing.opening import MAX_SIDE
from producers.tools.parameters import Model

Pixels = Annotated[int, Field(ge=0, le=MAX_SIDE)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Factor = Annotated[float, Field(ge=0, le=4)]


def _is_a_colour(text: str) -> str:
    try:
        ImageColor.getrgb(text)
    except ValueError:
        raise ValueError("must be a colour, such as #ff8800 or teal") from None
    return text


Colour = Annotated[str, Field(max_length=40), AfterValidator(_is_a_colour)]


class Crop(Model):
    """Keep a part."""

    op: Literal["crop"]
    left: Pixels = 0
    top: Pixels = 0
    width: Side
    height: Side


class Resize(Model):
    """To this size in pixels; with one side alone, the other follows."""

    op: Literal["resize"]
    width: Side | None = None
    height: Side | None = None
    fit: Literal["stretch", "contain", "cover"] = "stretch"
    """With both sides: pull it to them, keep within them, or fill them and cut what is over."""

    @model_validator(mode="after")
    def _has_a_side(self) -> Resize:
        if self.width is None and self.height is None:
            raise ValueError("width or height must be given")
        return self


class Rotate(Model):
    """Clockwise. The image grows to hold all of it, unless ``expand`` is off."""

    op: Literal["rotate"]
    degrees: Annotated[float, Field(ge=-3600, le=3600)]
    expand: bool = True
    background: Colour | None = None
    """Of the new corners; none: they can be seen through."""


class Flip(Model):
    """Mirror it."""

    op: Literal["flip"]
    direction: Literal["horizontal", "vertical"] = "horizontal"


class Brightness(Model):
    """1 leaves it as it is, 0 is black."""

    op: Literal["brightness"]
    factor: Factor


class Contrast(Model):
    """1 leaves it as it is, 0 is grey."""

    op: Literal["contrast"]
    factor: Factor


class Saturation(Model):
    """1 leaves it as it is, 0 has no colours."""

    op: Literal["saturation"]
    factor: Factor


class Blur(Model):
    """Gaussian, with this radius in pixels."""

    op: Literal["blur"]
    radius: Annotated[float, Field(gt=0, le=100)] = 4.0


class Sharpen(Model):
    """1 is a clear effect."""

    op: Literal["sharpen"]
    amount: Annotated[float, Field(gt=0, le=5)] = 1.0


class Greyscale(Model):
    """No colours."""

    op: Literal["greyscale", "grayscale"]


class Sepia(Model):
    """Like an old photograph; ``amount`` from 0 to 1."""

    op: Literal["sepia"]
    amount: Annotated[float, Field(ge=0, le=1)] = 1.0


class Text(Model):
    """A caption; too long lines are broken, and its letters shrink until it fits."""

    op: Literal["text"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
    position: Literal[
        "top-left",
        "top",
        "top-right",
        "left",
        "center",
        "right",
        "bottom-left",
        "bottom",
        "bottom-right",
    ] = "bottom"
    size: Annotated[int, Field(ge=6, le=1000)] | None = None
    """Height of the letters in pixels; none: as fits the image."""
    colour: Colour = "white"
    outline: Colour | None = "black"


class Border(Model):
    """Around the image, which grows by it."""

    op: Literal["border"]
    width: Annotated[int, Field(ge=1, le=1000)] = 20
    colour: Colour = "white"


class RoundCorners(Model):
    """The corners can be seen through then."""

    op: Literal["round_corners"]
    radius: Annotated[int, Field(ge=1, le=MAX_SIDE)] = 40


Operation = Annotated[
    Crop
    | Resize
    | Rotate
    | Flip
    | Brightness
    | Contrast
    | Saturation
    | Blur
    | Sharpen
    | Greyscale
    | Sepia
    | Text
    | Border
    | RoundCorners,
    Field(discriminator="op"),
]
