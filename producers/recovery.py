"""Telling in the place of processes that died what came of their calls."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import structlog

from producers.group_commit import Work
from producers.intents import IntendedFile, Intent
from producers.storage import NotStored, StorageUnavailable
from producers.tracked import Desk, failed
from schemas.events import GeneratedEvent, new_event

log = structlog.stdlib.get_logger(__name__)

DIED = "ProcessDied"
ERROR = "the process ended before it told what came of the request"


class Recovered(NamedTuple):
    """What was told."""

    generated: int = 0
    failed: int = 0
    later: int = 0
    """Calls whose image may be stored, in a store that does not answer now."""


def recover(desk: Desk) -> Recovered:
    """An image whose bytes are there was generated; everything else that is untold has failed.

    Raises SpoolError.
    """
    told = Recovered()
    with desk.intents.of_the_dead() as intents:
        for intent in intents:
            try:
                more = _tell(desk, intent)
            except StorageUnavailable as exc:
                request = intent.request.request_id
                log.warning("a dead call is told later", request=request, reason=str(exc))
                more = Recovered(later=1)
            told = Recovered(*(a + b for a, b in zip(told, more, strict=True)))
    return told


def _tell(desk: Desk, intent: Intent) -> Recovered:
    found = [(file, _stored(desk, file)) for file in intent.files]
    generated = sum(event is not None for _, event in found)
    told_all = desk.intents.told_all(intent.id)
    for file, event in found:
        along = desk.intents.told_image(intent.id, file.number)
        if event is not None:
            desk.publisher.publish_async(event, along=along)
        else:
            _fail(desk, intent, file.number, along)
    if not found and not intent.images:
        _fail(desk, intent, 1, told_all)
    else:
        desk.publisher.spool.run(told_all)
    failures = len(found) - generated + (not found and not intent.images)
    return Recovered(generated, failures)


def _fail(desk: Desk, intent: Intent, number: int, along: Work[None]) -> None:
    data = failed(intent.request, number, ERROR, DIED)
    desk.publisher.publish_async(new_event(data, time=desk.now()), along=along)


def _stored(desk: Desk, file: IntendedFile) -> GeneratedEvent | None:
    """The event of an image whose bytes are in the store. Raises StorageUnavailable."""
    try:
        store = desk.storage.holder(file.filename)
        data = store.read(file.filename)
    except NotStored:
        return None
    if hashlib.sha256(data).hexdigest() != file.event.data.sha256:
        return None
    place = {"storage_url": store.url_of(file.filename), "storage_provider": store.provider}
    return file.event.model_copy(update={"data": file.event.data.model_copy(update=place)})
