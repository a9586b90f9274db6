"""The retention policy: which images are kept, and which are removed, as a TOML file says."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from projections.retention import Bounds, Choice

_AGE = re.compile(r"(\d{1,6})\s*(h|d|w|m|y)")
_AGE_HOURS = {"h": 1, "d": 24, "w": 168, "m": 30 * 24, "y": 365 * 24}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*(B|KB|MB|GB|TB)", re.IGNORECASE)
_SIZES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


class PolicyError(ValueError):
    """The policy's file cannot be used; the message says where and why."""


def _age(value: object) -> object:
    found = _AGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be a text as "30d": a number and h, d, w, m (30 days) or y')
    return timedelta(hours=int(found[1]) * _AGE_HOURS[found[2]])


def _size(value: object) -> object:
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be a text as "10 GB": a number and B, KB, MB, GB or TB')
    return int(float(found[1]) * _SIZES[found[2].lower()])


Age = Annotated[timedelta, BeforeValidator(_age)]
Size = Annotated[int, BeforeValidator(_size)]
Word = Annotated[str, Field(min_length=1, max_length=255)]


class Chosen(BaseModel):
    """The images that meet all that is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["success", "failed"] | None = None
    tool: Word | None = None
    tag: Word | None = None
    user: Word | None = None
    provider: Word | None = None

    @property
    def choice(self) -> Choice:
        """For the query."""
        return Choice(self.status, self.tool, self.tag, self.user, self.provider)


class Keep(Chosen):
    """``[[keep]]``: these are never removed."""

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.choice == Choice():
            raise ValueError("must say which: status, tool, tag, user or provider")
        return self


class Remove(Chosen):
    """``[[remove]]``: of these, what is beyond every bound that is given."""

    name: Word
    older_than: Age | None = None
    unused_for: Age | None = None
    keep_newest: Annotated[int, Field(ge=0)] | None = None
    budget: Size | None = None
    per: Literal["user", "tool"] | None = None

    @property
    def bounds(self) -> Bounds:
        """For the query."""
        return Bounds(self.older_than, self.unused_for, self.keep_newest, self.budget, self.per)

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.bounds == Bounds(per=self.per):
            raise ValueError("must have older_than, unused_for, keep_newest or budget")
        if self.per and self.keep_newest is None and self.budget is None:
            raise ValueError("per goes with keep_newest or budget")
        return self


class Policy(BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: tuple[Keep, ...] = ()
    remove: Annotated[tuple[Remove, ...], Field(min_length=1)]


def load_policy(path: Path) -> Policy:
    """The policy of the file. Raises PolicyError."""
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise PolicyError(exc.strerror or str(exc)) from exc
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise PolicyError(f"is not TOML: {exc}") from exc
    try:
        return Policy.model_validate(content)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
        why = first["msg"].removeprefix("Value error, ")
        raise PolicyError(f"{place or 'the file'}: {why}") from None
