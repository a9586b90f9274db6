"""One call of a tool, from its intent to the events that tell what came of it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from producers.image_kind import mime_type_of
from producers.intents import IntendedFile, Intents
from producers.metrics import ProducerMetrics
from producers.publisher import PublishError, Receipt
from producers.spooling_publisher import SpoolingPublisher
from producers.storage import Storage, Stored, file_name
from schemas.events import (
    Event,
    GeneratedEvent,
    ImageFailed,
    ImageGenerated,
    RequestData,
    new_event,
)
from schemas.limits import BYTE_LIMITS
from schemas.tracing import NO_TRACER, Tracer

log = structlog.stdlib.get_logger(__name__)

NO_IMAGE = "NoImage"
MAX_ERROR_CODE = 100


class TrackedImage(NamedTuple):
    """An image that is stored and told of."""

    request_id: str
    stored: Stored
    receipt: Receipt


class Desk(NamedTuple):
    """What every call needs."""

    publisher: SpoolingPublisher
    intents: Intents
    storage: Storage
    now: Callable[[], datetime]
    metrics: ProducerMetrics | None = None
    tracer: Tracer = NO_TRACER


class Call:
    """What the body of ``with track(…) as call`` gets. All threads may use it."""

    def __init__(self, desk: Desk, request: RequestData) -> None:
        """Raises SpoolError: when nothing can be recorded, nothing should be generated."""
        self._desk = desk
        self.request = request
        self._lock = threading.Lock()
        self._taken: set[int] = set()
        self._images: dict[int, TrackedImage] = {}
        self._intent = desk.intents.open(request)
        self._span = desk.tracer.begin(
            f"tool {request.tool_name}", attributes={"omega.request_id": request.request_id}
        )

    @property
    def request_id(self) -> str:
        """Of the call, and of its first image."""
        return self.request.request_id

    @property
    def images(self) -> tuple[TrackedImage, ...]:
        """Those saved so far, in their order."""
        return tuple(self._images[number] for number in sorted(self._images))

    def save(self, data: bytes, mime_type: str | None = None, **fields: Any) -> TrackedImage:
        """Store an image and publish it; the second one is ``<request_id>/2``, and so on.

        ``mime_type`` is found from the bytes when it is left out. ``fields`` are laid over the
        call's (model, size, metadata, …). Raises InvalidEvent, StorageError, PublishError.
        """
        number = self._take_number()
        try:
            return self._save(number, data, mime_type or mime_type_of(data), fields)
        except BaseException:
            with self._lock:
                self._taken.discard(number)
            raise

    def fail(self, error: BaseException) -> None:
        """The body raised this: publish it, unless all images that were asked for are saved."""
        self._over(error)
        code = getattr(error, "error_code", None)
        self._end(_shown(error), code if isinstance(code, str) and code else type(error).__name__)

    def end(self) -> None:
        """The body has ended."""
        self._over(None)
        if self._images:
            self._desk.publisher.spool.later(self._desk.intents.told_all(self._intent))
        else:
            self._end("the tool ended without an image", NO_IMAGE)

    def _over(self, error: BaseException | None) -> None:
        self._span.end(error)
        if self._desk.metrics is not None:
            succeeded = bool(self._images) and (
                error is None or len(self._images) >= self.request.n
            )
            self._desk.metrics.count_call(self.request.tool_name, succeeded=succeeded)

    def _event(self, data: ImageGenerated | ImageFailed) -> Event:
        """With the trace that it belongs to."""
        trace = self._span.traceparent
        extensions = None if trace is None else {"traceparent": trace}
        return new_event(data, time=self._desk.now(), extensions=extensions)

    def _save(
        self, number: int, data: bytes, mime_type: str, fields: dict[str, Any]
    ) -> TrackedImage:
        storage, intents = self._desk.storage, self._desk.intents
        request_id = numbered(self.request_id, number)
        filename = file_name(self.request.tool_name, request_id, mime_type)
        expected = Stored(
            storage.url_of(filename), storage.provider, len(data), hashlib.sha256(data).hexdigest()
        )
        request = self.request.__dict__ | fields | {"request_id": request_id}
        made = self._event(_generated(request, expected, mime_type))
        assert isinstance(made, GeneratedEvent)  # noqa: S101  # from its data
        intents.open_file(self._intent, IntendedFile(number, filename, made))
        span = self._desk.tracer.begin("store image", self._span.traceparent)
        try:
            stored = storage.put(data, filename, mime_type)
        except BaseException as exc:
            span.end(exc)
            intents.close_file(self._intent, number)
            raise
        span.end()
        if stored != expected:
            told = _generated(request, stored, mime_type)
            made = made.model_copy(update={"data": told})
        along = intents.told_image(self._intent, number)
        span = self._desk.tracer.begin("publish event", self._span.traceparent)
        receipt = self._desk.publisher.publish(made, along=along)
        span.end()
        image = TrackedImage(request_id, stored, receipt)
        self._images[number] = image
        return image

    def _take_number(self) -> int:
        with self._lock:
            number = self._first_free()
            self._taken.add(number)
            return number

    def _first_free(self) -> int:
        number = 1
        while number in self._taken:
            number += 1
        return number

    def _end(self, error: str, error_code: str) -> None:
        publisher, intents = self._desk.publisher, self._desk.intents
        told_all = intents.told_all(self._intent)
        if len(self._images) >= self.request.n:
            publisher.spool.later(told_all)
            return
        failure = failed(self.request, self._first_free(), error, error_code[:MAX_ERROR_CODE])
        try:
            publisher.publish_async(self._event(failure), along=told_all)
        except PublishError as exc:
            # The intent is left, and tells it at the next start.
            log.warning("a failure is not told yet", request=self.request_id, reason=str(exc))


def numbered(request_id: str, number: int) -> str:
    """The id of a call's image, from 1."""
    return request_id if number == 1 else f"{request_id}/{number}"


def failed(request: RequestData, number: int, error: str, error_code: str) -> ImageFailed:
    """That the call's image of this number was not made."""
    fields = request.__dict__ | {"request_id": numbered(request.request_id, number)}
    return ImageFailed(**fields, error=error, error_code=error_code)


def _generated(request: dict[str, Any], stored: Stored, mime_type: str) -> ImageGenerated:
    return ImageGenerated(
        **request,
        storage_url=stored.url,
        storage_provider=stored.provider,
        mime_type=mime_type,
        bytes=stored.bytes,
        sha256=stored.sha256,
    )


def _shown(error: BaseException) -> str:
    """What the error says, as an event can hold it."""
    text = str(error).replace("\0", "\N{REPLACEMENT CHARACTER}") or type(error).__name__
    return text.encode("utf-8", "replace")[: BYTE_LIMITS["error"]].decode("utf-8", "ignore")
