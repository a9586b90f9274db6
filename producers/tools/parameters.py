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
_BRANCH = re.compile(r"(tuple\[|function-|constrained-|nullable\[|(str|bool|float|int)$)")
"""What pydantic calls the branches of a union in a path."""
_WORDS = {
    "extra_forbidden": "there is no such parameter",
    "missing": "is missing",
    "model_type": "must be an object",
    "tuple_type": "must be a list",
    "string_unicode": "has half a character (a lone surrogate)",
    "too_short": "must have at least {min_length}, not {actual_length}",
    "too_long": "must have at most {max_length}, not {actual_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
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
        raise BadParameters(_line(errors)) from None


def field_name(path: Iterable[int | str]) -> str:
    """``operations[0].crop.width``."""
    parts = [part for part in path if isinstance(part, int) or not _BRANCH.match(part)]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".")


def _line(errors: list[ErrorDetails]) -> str:
    # Of a union's complaints, the one that came furthest into the value.
    worst = max(errors, key=lambda error: len(error["loc"]))
    name, why = field_name(worst["loc"]), _why(worst)
    others = {field_name(error["loc"]) for error in errors if not _is_part(error, name)}
    more = f" (and {len(others)} more)" if others else ""
    shown = name if len(name) <= MAX_SHOWN else f"{name[: MAX_SHOWN - 1]}…"
    # What is wrong with a whole model names its field itself.
    return f"{shown}: {why}{more}" if name else f"{why}{more}"


def _is_part(error: ErrorDetails, name: str) -> bool:
    """Whether it is about the same field: of another branch, or of what the field lies in."""
    other = field_name(error["loc"])
    whole = name.rpartition("[")[0] or name
    return (
        other == name
        or f"{name}.".startswith((f"{other}.", f"{other}["))
        or other.startswith((f"{whole}[", f"{whole}."))
    )


def _why(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "union_tag_invalid":
        return f"{context['discriminator']} must be one of {context['expected_tags']}"
    if error["type"] == "union_tag_not_found":
        return f"{context['discriminator']} is missing"
    if error["type"] == "string_pattern_mismatch" and r"\x00" in context["pattern"]:
        return "has a control character"
    words = _WORDS.get(error["type"])
    why = words.format_map(context) if words else error["msg"].removeprefix("Value error, ")
    return f"{why[:1].lower()}{why[1:]}".replace("\n", " ")
