"""What a tool can be told: models that take exactly their fields and complain in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

from producers.tools.errors import BadParameters

MIN_SIDE, MAX_SIDE = 64, 1536
MAX_SHOWN = 60

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_WORDS = {
    "extra_forbidden": "there is no such parameter",
    "missing": "is missing",
}


def pixels(size: str) -> tuple[int, int]:
    """``640x400`` as width and height. Raises ValueError."""
    found = _SIZE.fullmatch(size)
    if found is None:
        raise ValueError("must be WIDTHxHEIGHT in pixels, such as 1024x1024")
    return int(found[1]), int(found[2])


def _size(least: int, most: int) -> AfterValidator:
    def check(size: str) -> str:
        if not all(least <= side <= most for side in pixels(size)):
            raise ValueError(f"must be {least} to {most} pixels a side")
        return size

    return AfterValidator(check)


Size = Annotated[str, _size(MIN_SIDE, MAX_SIDE)]
ChartSize = Annotated[str, _size(200, 2400)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[^\x00-\x1f]+$")]
RequestId = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]
Colour = Annotated[str, StringConstraints(min_length=3, max_length=40)]
Quality = Literal["standard", "hd"]


class Model(BaseModel):
    """Takes its fields, and no others."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False
    )


class Parameters(Model):
    """What every tool can be told. A tool of its own adds fields to it, or to Drawn."""

    def columns(self) -> dict[str, Any]:
        """Those of the parameters that are columns of the request."""
        known = ("size", "quality", "style")
        values = {name: getattr(self, name, None) for name in known}
        return {name: value for name, value in values.items() if value is not None}


class Drawn(Parameters):
    """What tools that draw from a prompt can be told."""

    size: Size = Field("1024x1024", description="WIDTHxHEIGHT in pixels")
    quality: Quality | None = Field(None, description="standard or hd; for models")
    style: Short | None = Field(None, description="such as watercolor, noir, pixel art")


P = TypeVar("P", bound=BaseModel)


def parsed(model: type[P], raw: Mapping[str, Any]) -> P:
    """The parameters. Raises BadParameters, whose message names the first wrong field."""
    try:
        return model.model_validate(dict(raw))
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_input=False)
        raise BadParameters(_line(_worst(errors), len(errors))) from None


def field_name(path: Iterable[int | str]) -> str:
    """``operations[0].width``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".")


def _worst(errors: list[ErrorDetails]) -> ErrorDetails:
    """Of a union's many complaints, the one that came furthest into the value."""
    return max(errors, key=lambda error: len(error["loc"]))


def _line(error: ErrorDetails, count: int) -> str:
    why = _WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if not error["loc"]:  # of a whole model; it names the field itself
        return why.replace("\n", " ")
    name = field_name(error["loc"])
    shown = name if len(name) <= MAX_SHOWN else f"{name[: MAX_SHOWN - 1]}…"
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"{shown}: {why[:1].lower()}{why[1:]}{more}".replace("\n", " ")
