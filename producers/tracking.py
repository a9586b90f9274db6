"""``track``: one line that gives a tool its request id, storage, events and their safety."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, ParamSpec

from producers.intents import Intents
from producers.metrics import ProducerMetrics
from producers.pictures import Tracked, pictures_of
from producers.recovery import Recovered, recover
from producers.spooling_publisher import SpoolingPublisher
from producers.storage import Storage
from producers.tracked import Call, Desk
from producers.tracked_async import AsyncCall
from schemas.events import RequestData, uuid7
from schemas.tracing import NO_TRACER, Tracer

P = ParamSpec("P")

THREADS = 32
"""So many images of coroutines are stored at a time."""

USER_PARAMETERS = ("user", "user_id")


class Tracker:
    """All threads and coroutines may use it."""

    def __init__(
        self,
        publisher: SpoolingPublisher,
        storage: Storage,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        metrics: ProducerMetrics | None = None,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._desk = Desk(
            publisher, Intents(publisher.spool), storage, now, metrics=metrics, tracer=tracer
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="track")

    def track(
        self,
        tool: str,
        user: str | None = None,
        prompt: str | None = None,
        *,
        request_id: str | None = None,
        **fields: Any,
    ) -> Tracking:
        """Track a call of ``tool``: ``with``, ``async with``, or as a decorator.

        ``fields`` are the request's: username, model, size, quality, style, n, tags, metadata,
        message_id. The body saves its images by the call's ``save``; an exception, or an end
        without an image, becomes ImageFailed. As a decorator, what is left out is taken from the
        function's parameters ``user`` or ``user_id``, ``prompt``, ``username``, ``request_id``;
        the function returns its images, and its callers get Tracked. Entering raises InvalidEvent
        and SpoolError.
        """
        given = {"user_id": user, "prompt": prompt, "request_id": request_id, **fields}
        return Tracking(
            self._desk,
            self._threads,
            {"tool_name": tool} | {name: v for name, v in given.items() if v is not None},
        )

    def recover(self) -> Recovered:
        """Tell of the calls in which processes died. Raises SpoolError."""
        return recover(self._desk)

    def close(self) -> None:
        """Wait for what is being stored; the publisher stays open."""
        self._threads.shutdown()


class Tracking:
    """A call that is to be tracked; see Tracker.track."""

    def __init__(self, desk: Desk, threads: ThreadPoolExecutor, fields: Mapping[str, Any]) -> None:
        self._desk = desk
        self._threads = threads
        self._fields = fields
        self._call: Call | None = None

    def __enter__(self) -> Call:
        self._call = self._begin()
        return self._call

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        call, self._call = self._call, None
        if call is not None:
            _end(call, error)

    async def __aenter__(self) -> AsyncCall:
        beginning = self._threads.submit(self._begin)
        try:
            self._call = await asyncio.wrap_future(beginning)
        except asyncio.CancelledError as error:
            self._threads.submit(_never_entered, beginning, error)
            raise
        return AsyncCall(self._call, self._threads)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        call, self._call = self._call, None
        if call is not None:
            # Once begun, it is done by its thread, even if this is cancelled again.
            ending = self._threads.submit(_end, call, error)
            await asyncio.shield(asyncio.wrap_future(ending))

    def __call__(self, function: Callable[P, Any]) -> Callable[P, Any]:
        """Decorate a function or coroutine function that returns Pictures."""
        signature = inspect.signature(function)
        self._check(function, signature)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def tracked_async(*args: P.args, **kwargs: P.kwargs) -> Tracked:
                async with self._bound(signature, args, kwargs) as call:
                    for picture in pictures_of(await function(*args, **kwargs)):
                        await call.save(picture.data, picture.mime_type, **picture.fields)
                return Tracked(call.request_id, call.images)

            return tracked_async

        @functools.wraps(function)
        def tracked(*args: P.args, **kwargs: P.kwargs) -> Tracked:
            with self._bound(signature, args, kwargs) as call:
                for picture in pictures_of(function(*args, **kwargs)):
                    call.save(picture.data, picture.mime_type, **picture.fields)
            return Tracked(call.request_id, call.images)

        return tracked

    def _begin(self) -> Call:
        if self._call is not None:
            raise RuntimeError("track: this call is under way; each call needs its own track(…)")
        request_id = self._fields.get("request_id") or str(uuid7())
        return Call(self._desk, RequestData(**{**self._fields, "request_id": request_id}))

    def _check(self, function: Callable[..., Any], signature: inspect.Signature) -> None:
        for field, names in {"user_id": USER_PARAMETERS, "prompt": ("prompt",)}.items():
            if field not in self._fields and not signature.parameters.keys() & set(names):
                raise TypeError(
                    f"track: {function.__qualname__} has no parameter {' or '.join(names)};"
                    " give track what it should record"
                )

    def _bound(
        self, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Tracking:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        found = {
            "user_id" if name in USER_PARAMETERS else name: value
            for name, value in bound.arguments.items()
            if name in {*USER_PARAMETERS, "prompt", "username", "request_id"} and value is not None
        }
        return Tracking(self._desk, self._threads, found | dict(self._fields))


def _never_entered(beginning: Future[Call], error: BaseException) -> None:
    """Its caller was cancelled before it began; the call may have."""
    if not beginning.cancelled() and beginning.exception() is None:
        beginning.result().fail(error)


def _end(call: Call, error: BaseException | None) -> None:
    if error is None:
        call.end()
    else:
        call.fail(error)
