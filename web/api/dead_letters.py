"""Dead letters: looking at them, redriving them, giving them up."""

from __future__ import annotations

from datetime import UTC
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from consumers.redrive import Redrive
from projections import dead_letter_reads as letters
from projections.connections import Connection
from projections.dead_letter_facts import letter_facts
from projections.dead_letter_reads import Selection
from projections.image_table import TableProjection
from projections.projection import Projection
from projections.statistics import StatisticsProjection
from web.api.answers import CACHED, Model, answer
from web.api.dead_letter_models import (
    BIGINT,
    Discarded,
    DiscardOrder,
    Kind,
    Kinds,
    KindsQuery,
    Letter,
    LetterAnswer,
    Letters,
    LettersQuery,
    Redriven,
    RedriveOrder,
    Summary,
)
from web.errors import ApiError
from web.security import require
from web.site import Site, site_of

router = APIRouter(prefix="/api/v1/dead-letters", tags=["dead letters"])
read = [Depends(require("read"))]
operate = [Depends(require("operate"))]

MAX_AT_ONCE = 5_000
"""Letters that one request redrives; more take longer than anybody waits for an answer."""

Shown = TypeVar("Shown", bound=Model)


@router.get("", response_model=Kinds, responses=CACHED, dependencies=read)
def list_kinds(request: Request, query: Annotated[KindsQuery, Query()]) -> Response:
    """Dead letters by kind: how many, the first and the last, and an example."""
    with site_of(request).pool.connection() as connection:
        groups = letters.list_groups(connection, state=query.state, projection=query.projection)
    return answer(request, Kinds(kinds=[_in_utc(Kind, group) for group in groups]))


@router.get(
    "/letters",
    response_model=Letters,
    responses=CACHED,
    dependencies=read,
)
def list_letters(request: Request, query: Annotated[LettersQuery, Query()]) -> Response:
    """Dead letters one by one, without their records."""
    chosen = Selection(query.projection, query.fingerprint, None, query.state)
    with site_of(request).pool.connection() as connection:
        found = letters.summaries(connection, chosen, query.after, query.limit + 1)
    shown = [_in_utc(Summary, one) for one in found[: query.limit]]
    more = shown[-1].id if len(found) > query.limit else None
    return answer(request, Letters(letters=shown, next_after=more))


@router.get(
    "/letters/{id}",
    response_model=LetterAnswer,
    responses=CACHED,
    dependencies=read,
)
def get_letter(
    request: Request, letter_id: Annotated[int, Path(alias="id", ge=1, le=BIGINT, examples=[17])]
) -> Response:
    """One dead letter: why, where it stood, its headers, and the record as far as can be read."""
    with site_of(request).pool.connection() as connection:
        found = letters.get_letter(connection, letter_id)
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "No dead letter of this id")
    facts = letter_facts(found) | {"bytes": None if found.value is None else len(found.value)}
    for name in ("first_seen", "last_seen"):
        facts[name] = facts[name].astimezone(UTC)
    return answer(request, LetterAnswer(letter=Letter(**facts)))


@router.post(
    "/redrive",
    response_model=Redriven,
    dependencies=operate,
)
def redrive(request: Request, order: RedriveOrder) -> Response:
    """Project open dead letters once more, beside the live workers.

    Always safe: an old event that comes late lands as if it had come in its turn. A letter that
    fails again keeps its history.
    """
    return answer(request, redriven(site_of(request), order))


@router.post(
    "/discard",
    response_model=Discarded,
    dependencies=operate,
)
def discard(request: Request, order: DiscardOrder) -> Response:
    """Give open dead letters up. They stay where they are, with the reason, as discarded."""
    return answer(request, discarded(site_of(request), order))


def redriven(site: Site, order: RedriveOrder) -> Redriven:
    """Carry the order out. Raises ApiError when there is no such letter, or there are too many."""
    with site.connect() as connection:
        _check(connection, order.selection)
        count = letters.count(connection, order.selection)
        if count > MAX_AT_ONCE:
            error = f"{count} letters are too many at once: `omega-images dead-letters redrive`"
            raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error)
        kinds: dict[str, Projection] = {"table": TableProjection(), "stats": StatisticsProjection()}
        work = Redrive(connection, kinds, dry_run=order.dry_run)
        result = work.run(order.selection, canary=order.canary)
    return Redriven(
        done=result.done, failed=result.failed, skipped=result.skipped, dry_run=order.dry_run
    )


def discarded(site: Site, order: DiscardOrder) -> Discarded:
    """Carry the order out. Raises ApiError when there is no such letter."""
    with site.connect() as connection:
        _check(connection, order.selection)
        count = letters.discard(connection, order.selection, order.reason)
    return Discarded(discarded=count)


def _check(connection: Connection[Any], chosen: Selection) -> None:
    """Raises ApiError 404 when there is nothing of what was asked for by name."""
    if chosen.id is None and chosen.fingerprint is None:
        return
    if not letters.count(connection, chosen):
        raise ApiError(HTTPStatus.NOT_FOUND, "No such open dead letter")


def _in_utc(kind: type[Shown], found: Any) -> Shown:
    one = kind.model_validate(found)
    times = {name: getattr(one, name).astimezone(UTC) for name in ("first_seen", "last_seen")}
    return one.model_copy(update=times)
