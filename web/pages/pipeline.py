"""The pipeline: lag, throughput, positions, dead letters, and what is being built; live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import anyio
from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from projections import dead_letter_reads as letters
from projections import reconciliations
from projections.dead_letter_facts import letter_facts
from projections.dead_letter_reads import Selection
from web.api.dead_letter_models import BIGINT, DiscardOrder, RedriveOrder
from web.api.dead_letters import discarded, redriven
from web.errors import ApiError
from web.images_api import as_id
from web.live import Live, State, TooManyWatchers
from web.pipeline_facts import PROJECTIONS, pipeline_facts
from web.security import form_of, require
from web.site import site_of
from web.templating import page, part

router = APIRouter(include_in_schema=False)
read = [Depends(require("read"))]
operate = [Depends(require("operate"))]

LETTERS = 50
STATES = ("open", "redriven", "discarded")
SEND_TIMEOUT_S = 10.0
GRACE_S = 1.0
"""So long may streams take to end when the server stops."""

MAX_SHOWN = 100_000
"""Characters of a record."""


@router.get("/pipeline", dependencies=read)
def pipeline(request: Request) -> Response:
    """How it stands, and the dead letters by kind."""
    site, query = site_of(request), request.query_params
    facts = pipeline_facts(site)
    with site.pool.connection() as connection:
        groups = letters.list_groups(connection)
        compared = reconciliations.last(connection)
    came = {name: query.get(name, "") for name in ("done", "failed", "skipped", "discarded")}
    return page(
        request,
        "pipeline.html",
        active="pipeline",
        state=State(None, facts, {}),
        groups=groups,
        compared=compared,
        came={
            name: int(n) for name, n in came.items() if n.isascii() and n.isdecimal() and len(n) < 9
        },
    )


@router.get("/pipeline/letters", dependencies=read)
def list_letters(request: Request) -> Response:
    """Dead letters one by one."""
    query = request.query_params
    state, projection = query.get("state", "open"), query.get("projection") or None
    after = as_id(query.get("after", "0"))
    if state not in STATES or projection not in {None, *PROJECTIONS} or after is None:
        raise ApiError(HTTPStatus.BAD_REQUEST, "There are no such dead letters")
    fingerprint = query.get("fingerprint") or None
    chosen = Selection(projection, fingerprint and fingerprint.replace("\0", ""), None, state)
    with site_of(request).pool.connection() as connection:
        found = letters.summaries(connection, chosen, after, LETTERS + 1)
    return page(
        request,
        "letters.html",
        active="pipeline",
        letters=found[:LETTERS],
        more=found[LETTERS - 1].id if len(found) > LETTERS else None,
        chosen=chosen,
        states=STATES,
    )


@router.get("/pipeline/letters/{letter_id}", dependencies=read)
def letter(request: Request, letter_id: str) -> Response:
    """One dead letter, whole."""
    number = as_id(letter_id)
    with site_of(request).pool.connection() as connection:
        found = None if number is None else letters.get_letter(connection, number)
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "There is no dead letter of this id")
    facts = letter_facts(found)
    record = facts["record"]
    text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False, indent=2)
    return page(
        request,
        "letter.html",
        active="pipeline",
        letter=found,
        headers=facts["headers"],
        key=facts["key"],
        read_as=facts["read_as"],
        record=text[:MAX_SHOWN],
        cut=len(text) > MAX_SHOWN,
    )


@router.post("/pipeline/redrive", dependencies=operate)
async def redrive(request: Request) -> Response:
    """Redrive what the form names, and show what came of it."""
    form = await form_of(request)
    order = _order(RedriveOrder, _choice(form) | {"canary": form.get("canary") == "yes"})
    result = await run_in_threadpool(redriven, site_of(request), order)
    came = f"done={result.done}&failed={result.failed}&skipped={result.skipped}"
    return RedirectResponse(f"/pipeline?{came}#dead-letters", HTTPStatus.SEE_OTHER)


@router.post("/pipeline/discard", dependencies=operate)
async def discard(request: Request) -> Response:
    """Give up what the form names."""
    form = await form_of(request)
    order = _order(DiscardOrder, _choice(form) | {"reason": form.get("reason", "").strip()})
    result = await run_in_threadpool(discarded, site_of(request), order)
    came = f"discarded={result.discarded}"
    return RedirectResponse(f"/pipeline?{came}#dead-letters", HTTPStatus.SEE_OTHER)


@router.get("/live", dependencies=read)
async def live(request: Request) -> Response:
    """A stream of what changes, for the pages that are open."""
    watching: Live = request.app.state.live
    states = watching.states()
    try:
        first = await anext(states)
    except TooManyWatchers:
        error = "Too many pages are open: this one is not updated by itself"
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error, {"Retry-After": "60"}) from None
    ending = anyio.Event()
    return EventSourceResponse(
        _told(first, states, asyncio.create_task(_end(watching, ending))),
        send_timeout=SEND_TIMEOUT_S,
        headers={"Cache-Control": "no-store"},
        shutdown_event=ending,
        shutdown_grace_period=GRACE_S,
    )


async def _told(
    first: State, states: AsyncIterator[State], waiting: asyncio.Task[None]
) -> AsyncIterator[dict[str, str]]:
    try:
        yield _event(first)
        async for state in states:
            yield _event(state)
    finally:
        waiting.cancel()


async def _end(watching: Live, ending: anyio.Event) -> None:
    """When the server stops its streams end in an orderly way."""
    await ending.wait()
    watching.end()


def _event(state: State) -> dict[str, str]:
    building = [] if state.pipeline is None else state.pipeline.building
    told = {
        "images": state.images,
        "reachable": state.pipeline is not None,
        "building": [f"{one.kind} of {one.projection}" for one in building if one.in_work],
        "deadLetters": None
        if state.pipeline is None
        else sum(one.dead_letters for one in state.pipeline.projections),
        "pipeline": part("pipeline_now.html", state=state),
    }
    return {"event": "state", "data": json.dumps(told)}


def _choice(form: Any) -> dict[str, Any]:
    """What a form names: one letter, a kind, or all."""
    chosen: dict[str, Any] = {"projection": form.get("projection") or None}
    number = as_id(form.get("id", ""))
    if number is not None and 1 <= number <= BIGINT:
        return chosen | {"id": number}
    if form.get("fingerprint"):
        return chosen | {"fingerprint": form["fingerprint"]}
    return chosen | {"all": form.get("all") == "yes"}


def _order(kind: Any, fields: dict[str, Any]) -> Any:
    try:
        return kind(**fields)
    except ValidationError as exc:
        raise ApiError(HTTPStatus.BAD_REQUEST, exc.errors()[0]["msg"]) from None
