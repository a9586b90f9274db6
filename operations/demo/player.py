"""Plays the story: draws each image, stores it, publishes what came of it, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, NamedTuple

from operations.demo.story import Fate, Request
from producers.drawing import GENERATOR, draw
from producers.publisher import Acknowledgement
from producers.storage import Storage, Stored, file_name
from schemas.events import (
    Event,
    ImageDeleted,
    ImageFailed,
    ImageGenerated,
    ImageMoved,
    new_event,
)

DAYS = 14
"""The story's requests are dated over so many days, for the statistics by day."""

LATER = timedelta(minutes=10)
"""From a request to its retry, move or deletion."""

DELIVERY_TIMEOUT_S = 30.0

Done = Callable[[int], None]
"""Is called with a number of requests that are done now."""


class Picture(NamedTuple):
    """A drawing that is stored."""

    stored: Stored
    filename: str
    mime_type: str
    width: int
    height: int
    tags: tuple[str, ...]
    drawn_ms: int
    """How long it took to draw and to store."""


class Player:
    """``send`` publishes an event; ``images`` and ``archive`` are two places for image files."""

    def __init__(
        self,
        send: Callable[[Event], Future[Acknowledgement]],
        images: Storage,
        archive: Storage,
        end: datetime,
        threads: int = 2,
    ) -> None:
        self._send = send
        self._images = images
        self._archive = archive
        self._end = end
        self._threads = threads
        self._names: dict[str, Picture] = {}

    def ask(self, story: Sequence[Request], done: Done) -> list[Acknowledgement]:
        """First act: every request once. Returns what ``send``'s futures came to, an event each.

        Raises what ``send``'s futures raise, ValueError, StorageError.
        """
        return self._deliver(self._asked(story), done)

    def follow_up(self, story: Sequence[Request], done: Done) -> list[Acknowledgement]:
        """Second act: retries that succeed, moves, deletions. As ``ask``."""
        return self._deliver(self._followed(story), done)

    def _asked(self, story: Sequence[Request]) -> Iterator[Sequence[Event]]:
        for number, (request, picture) in enumerate(self._pictures(story, first=True)):
            time = self._end - timedelta(days=DAYS * (1 - (number + 1) / (len(story) + 1)))
            event = outcome(request, picture, time)
            yield [event, event] if request.fate is Fate.DUPLICATED else [event]

    def _followed(self, story: Sequence[Request]) -> Iterator[Sequence[Event]]:
        for number, (request, picture) in enumerate(self._pictures(story, first=False)):
            time = self._end - timedelta(days=DAYS * (1 - (number + 1) / (len(story) + 1))) + LATER
            if request.fate is Fate.RETRIED:
                yield [outcome(request, picture, time)]
            elif request.fate is Fate.MOVED:
                yield [self._moved(request, time)]
            elif request.fate is Fate.DELETED:
                yield [self._deleted(request, time)]
            else:
                yield []

    def _pictures(
        self, story: Iterable[Request], *, first: bool
    ) -> Iterator[tuple[Request, Picture | None]]:
        """Each request with its picture, drawn a few ahead; None where none is made in this act."""

        def made(request: Request) -> Picture | None:
            failed = {Fate.FAILED, Fate.RETRIED}
            wanted = request.fate not in failed if first else request.fate is Fate.RETRIED
            return self._draw(request) if wanted else None

        requests = list(story)
        with ThreadPoolExecutor(self._threads, "drawing") as pool:
            for request, picture in zip(requests, pool.map(made, requests), strict=True):
                if picture is not None:
                    self._names[request.request_id] = picture
                yield request, picture

    def _draw(self, request: Request) -> Picture:
        began = perf_counter()
        drawing = draw(request.tool, request.prompt, size=request.size, style=request.style)
        name = file_name(request.tool, request.request_id, drawing.mime_type)
        stored = self._images.put(drawing.data, name, drawing.mime_type)
        size = (drawing.width, drawing.height)
        drawn_ms = round((perf_counter() - began) * 1000)
        return Picture(stored, name, drawing.mime_type, *size, drawing.tags, drawn_ms)

    def _moved(self, request: Request, time: datetime) -> Event:
        """Copy the file to the archive, then say so, then remove it from where it was."""
        picture = self._names[request.request_id]
        data = self._images.read(picture.filename)
        stored = self._archive.put(data, picture.filename, picture.mime_type)
        self._images.delete(picture.filename)
        return new_event(
            ImageMoved(
                request_id=request.request_id,
                storage_url=stored.url,
                storage_provider=stored.provider,
            ),
            time=time,
        )

    def _deleted(self, request: Request, time: datetime) -> Event:
        self._images.delete(self._names[request.request_id].filename)
        deleted = ImageDeleted(
            request_id=request.request_id, reason="user", deleted_by=request.user.username
        )
        return new_event(deleted, time=time)

    def _deliver(self, events: Iterable[Sequence[Event]], done: Done) -> list[Acknowledgement]:
        """Send them, and look at every single delivery."""
        sent: list[Future[Acknowledgement]] = []
        for group in events:
            sent.extend(self._send(event) for event in group)
            done(1)
        return [future.result(DELIVERY_TIMEOUT_S) for future in sent]


def outcome(request: Request, picture: Picture | None, time: datetime) -> Event:
    """The event that says what came of the request; without a picture it says why there is none."""
    asked: dict[str, Any] = {
        "request_id": request.request_id,
        "user_id": request.user.user_id,
        "username": request.user.username,
        "tool_name": request.tool,
        "prompt": request.prompt,
        "model": GENERATOR,
        "size": f"{request.size[0]}x{request.size[1]}",
        "style": request.style,
        "message_id": request.message_id,
    }
    if picture is None:
        if request.failure is None:
            raise ValueError(f"{request.request_id} has neither a picture nor a failure")
        failed = ImageFailed(**asked, error=request.failure.text, error_code=request.failure.code)
        return new_event(failed, time=time)
    generated = ImageGenerated(
        **asked,
        storage_url=picture.stored.url,
        storage_provider=picture.stored.provider,
        mime_type=picture.mime_type,
        bytes=picture.stored.bytes,
        sha256=picture.stored.sha256,
        tags=picture.tags or None,
        metadata={
            "filename": picture.filename,
            "drawn": "offline",
            "width": picture.width,
            "height": picture.height,
            "latency_ms": picture.drawn_ms,
        },
    )
    return new_event(generated, time=time)
