"""A tracked call for coroutines."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from producers.tracked import Call, TrackedImage


class AsyncCall:
    """What the body of ``async with track(…) as call`` gets."""

    def __init__(self, call: Call, threads: ThreadPoolExecutor) -> None:
        self.call = call
        self._threads = threads

    @property
    def request_id(self) -> str:
        """Of the call, and of its first image."""
        return self.call.request_id

    @property
    def images(self) -> tuple[TrackedImage, ...]:
        """Those saved so far, in their order."""
        return self.call.images

    async def save(self, data: bytes, mime_type: str | None = None, **fields: Any) -> TrackedImage:
        """As Call.save. One that is cancelled is still saved, in the background."""
        saving = functools.partial(self.call.save, data, mime_type, **fields)
        return await asyncio.get_running_loop().run_in_executor(self._threads, saving)
