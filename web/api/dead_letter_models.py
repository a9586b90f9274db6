"""Dead letters, and orders about them, as the API has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from projections.dead_letter_reads import Selection
from web.api.answers import Model
from web.api.parameters import Parameters

ProjectionName = Literal["table", "stats"]
State = Literal["open", "redriven", "discarded"]
BIGINT = 2**63 - 1
FINGERPRINT = r"^[0-9a-f]{12}$"


class Kind(Model):
    """Dead letters of one kind."""

    projection: str
    fingerprint: str
    error_class: str
    example: str
    count: int
    first_id: int
    first_seen: datetime
    last_seen: datetime


class Kinds(Model):
    """Dead letters by kind, the largest first."""

    kinds: list[Kind]


class KindsQuery(Parameters):
    """Which kinds."""

    state: State = "open"
    projection: ProjectionName | None = None


class Summary(Model):
    """A dead letter without its record."""

    id: int
    projection: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    bytes: int | None
    error_class: str
    message: str
    fingerprint: str
    first_seen: datetime
    last_seen: datetime
    attempts: int
    state: str


class Letter(Summary):
    """A dead letter, whole."""

    key: str | None
    headers: dict[str, str]
    value: str | None = Field(description="In base64.")
    read_as: str = Field(description="an event, JSON, text, bytes, or nothing.")
    record: Any = Field(description="The value, as it was read.")
    history: list[dict[str, Any]]


class LettersQuery(KindsQuery):
    """Which letters."""

    fingerprint: str | None = Field(None, pattern=FINGERPRINT)
    after: int = Field(0, ge=0, le=BIGINT, description="Letters with a higher id.")
    limit: int = Field(50, ge=1, le=200)


class Letters(Model):
    """Some dead letters, in the order of their ids."""

    letters: list[Summary]
    next_after: int | None = Field(description="For the next page; null: there are no more.")


class LetterAnswer(Model):
    """One dead letter."""

    letter: Letter


def _documented(example: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI says of a choice beside its fields: an example, and that it takes just one."""
    no_id, no_kind, not_all = (
        {"id": {"type": "null"}},
        {"fingerprint": {"type": "null"}},
        {"all": {"const": False}},
    )
    ways: list[dict[str, Any]] = [
        {"required": ["id"], "properties": {"id": {"type": "integer"}} | no_kind | not_all},
        {
            "required": ["fingerprint"],
            "properties": {"fingerprint": {"type": "string"}} | no_id | not_all,
        },
        {"required": ["all"], "properties": {"all": {"const": True}} | no_id | no_kind},
    ]
    return {"examples": [example], "oneOf": ways}


class Choice(Model):
    """Which open letters: one by its id, those of a fingerprint, or all."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: int | None = Field(None, ge=1, le=BIGINT)
    fingerprint: str | None = Field(None, pattern=FINGERPRINT)
    all: bool = False
    projection: ProjectionName | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.id is not None) + (self.fingerprint is not None) + self.all != 1:
            raise ValueError("give one of id, fingerprint and all")
        return self

    @property
    def selection(self) -> Selection:
        """The same for projections."""
        return Selection(self.projection, self.fingerprint, self.id)


class RedriveOrder(Choice):
    """What to redrive, and how."""

    model_config = ConfigDict(
        json_schema_extra=_documented({"fingerprint": "0f3a5c7e9b1d", "canary": True})
    )

    canary: bool = Field(False, description="One of each kind first; kinds that fail are skipped.")
    dry_run: bool = Field(False, description="Say what would come of it; change nothing.")


class DiscardOrder(Choice):
    """What to give up, and why."""

    model_config = ConfigDict(
        json_schema_extra=_documented({"id": 17, "reason": "a test of the importer"})
    )

    reason: str = Field(min_length=1, max_length=1_000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")


class Redriven(Model):
    """What came of it."""

    done: int
    failed: int = Field(description="Dead still.")
    skipped: int = Field(description="Of kinds whose canary failed.")
    dry_run: bool


class Discarded(Model):
    """What came of it."""

    discarded: int
